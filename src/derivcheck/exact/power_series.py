"""The power series of a graph around a point, in ball arithmetic: what a removable singularity is removed by.

    f(x0 + t) = Σ c_α·t^α   over |α| <= degree,     ∂^α f(x0) = α!·c_α

What depends on one variable is a Laurent series: a denominator may vanish there, and the negative powers must be
exactly 0 where it meets another variable. They meet in power series only, since a truncated series in several variables
does not show whether all of it is divisible. So a denominator u in several variables that vanishes is a variable of its
own, u or sqrt(u), wherever it occurs: sin(r)/r with r = sqrt(a**2 + b**2) is a series in r, and as it is even, one in a
and b. Everything else that is not analytic raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import reduce
from math import factorial

from flint import arb, arb_series

from derivcheck.exact.series import NotAnalytic, Series, composed, of_arb_series, plus, raised, series, times
from derivcheck.exact.steps import exact
from derivcheck.multi_index import MultiIndex
from derivcheck.symbolic.graph import Constant, Function, Graph, Number, Product, Ref, Sum, Variable

LEAST = 2  # the degree of a**2 + b**2, which must be seen to vanish whatever the order
SPARE = 8  # degrees beyond the highest partial, in one variable: this often may leading terms cancel in sums


def _hyperbolic(n: int, values: Sequence[arb]) -> list[arb]:
    """sinh and cosh are each other's derivatives; as sums of exponentials, what is 0 would not be so exactly."""
    return [values[k % 2] / factorial(k) for k in range(n)]


def _tanh(n: int, at: arb) -> list[arb]:
    """y' = 1 - y**2"""
    found = [at.tanh()]
    for k in range(n - 1):
        square = sum((a * b for a, b in zip(found, reversed(found), strict=True)), arb(0))
        found.append((int(k == 0) - square) / (k + 1))
    return found


def _integral(
    value: Callable[[arb], arb], slope: Callable[[arb_series], arb_series]
) -> Callable[[int, arb], list[arb]]:
    """A function by its derivative, whose coefficients are exact where they are 0."""
    return lambda n, at: [value(at), *of_arb_series(lambda x: slope(x).integral())(n, at)[1:]]


HEADS: dict[str, Callable[[int, arb], Sequence[arb]]] = {
    **{
        name: of_arb_series(getattr(arb_series, name))
        for name in "exp log sin cos tan asin acos atan erf erfc gamma".split()
    },
    "loggamma": of_arb_series(lambda x: x.lgamma()),
    "expm1": lambda n, at: [at.expm1(), *HEADS["exp"](n, at)[1:]],
    "log1p": lambda n, at: [at.log1p(), *HEADS["log"](n, at + 1)[1:]],
    "sinh": lambda n, at: _hyperbolic(n, [at.sinh(), at.cosh()]),
    "cosh": lambda n, at: _hyperbolic(n, [at.cosh(), at.sinh()]),
    "tanh": _tanh,
    "asinh": _integral(lambda at: at.asinh(), lambda x: (1 + x * x).rsqrt()),
    "atanh": _integral(lambda at: at.atanh(), lambda x: 1 / (1 - x * x)),
}
"""Functions of one argument: their Taylor coefficients."""


class Expansion:
    """The series of the nodes of a graph around a point (d floats), for partials up to an order."""

    def __init__(self, graph: Graph, point: Sequence[float], order: int) -> None:
        self.graph, self.point, self.order = graph, point, max(order, LEAST)
        self.known: dict[Ref, Series | None] = {}
        """None for what is not analytic."""
        self.variables: dict[Ref, frozenset[int]] = {}
        """Those that a node is made of: x_j is j, and a vanishing denominator one of its own."""
        self.roots: dict[Ref, int] = {}
        """Denominators that may be variables of their own, and the root of them that is: 1 or 2."""
        self.own: dict[int, tuple[Series, int]] = {}
        """The variables that are: their series in the x_j, and the root."""

    def of(self, root: Ref) -> Series:
        """The series of a node in the x_j. Raises `NotAnalytic`."""
        reachable = self.graph.reachable([root])
        self.roots = dict(self._denominators(reachable))
        self.places = {ref: len(self.point) + k for k, ref in enumerate(self.roots)}
        self.origin = (0,) * (len(self.point) + len(self.roots))
        for ref in reachable:
            self._expand(ref)
        return self._in_variables(self._series(root))

    def _denominators(self, reachable: Sequence[Ref]) -> Iterator[tuple[Ref, int]]:
        """Sums that have a power which is not analytic at 0; a root below comes after and counts."""
        found: dict[Ref, int] = {}
        for ref in reachable:
            node = self.graph.nodes[ref]
            for base, e in node.factors if isinstance(node, Product) else ():
                half = Fraction(e).denominator
                if (e < 0 or half > 1) and half <= 2 and not (half == 1 and self._is_variable(base)):
                    found[base] = max(half, found.get(base, 1))
        yield from found.items()

    def _is_variable(self, ref: Ref) -> bool:
        return isinstance(self.graph.nodes[ref], Variable)

    def _expand(self, ref: Ref) -> None:
        node = self.graph.nodes[ref]
        parts = (self.variables[part] for part in self.graph.arguments(ref))
        self.variables[ref] = frozenset({node.place}) if isinstance(node, Variable) else frozenset().union(*parts)
        try:
            self.known[ref] = self._made(ref)
        except NotAnalytic:
            self.known[ref] = None
        if ref in self.roots and self.known[ref] is not None:
            self._own(ref)

    def _own(self, ref: Ref) -> None:
        """Make a vanishing denominator a variable of its own, unless Laurent series in one of the x_j will do."""
        found, root, place = self._series(ref), self.roots[ref], self.places[ref]
        several = len(self.variables[ref]) > 1 or (root == 2 and not self._has_root(found))
        if not several or found.lowest < 1 or not found.terms or max(self.variables[ref]) >= len(self.point):
            return
        self.own[place] = found, root
        self.variables[ref] = frozenset({place})
        self.known[ref] = Series({self._unit(place, root): arb(1)}, self._most(self.variables[ref]))

    def _has_root(self, found: Series) -> bool:
        try:
            raised(found, Fraction(1, 2), self.origin, self.order)
        except NotAnalytic:
            return False
        return True

    def _unit(self, place: int, times: int = 1) -> MultiIndex:
        return tuple(times * int(j == place) for j in range(len(self.origin)))

    def _most(self, variables: frozenset[int]) -> int:
        """The degree to which a node is expanded: a square root in its square has half the degree."""
        most = self.order * (2 if self.own else 1)
        return most if len(variables) > 1 else most + SPARE

    def _series(self, ref: Ref) -> Series:
        found = self.known[ref]
        if found is None:
            raise NotAnalytic
        return found

    def _made(self, ref: Ref) -> Series:
        most = self._most(self.variables[ref])
        match self.graph.nodes[ref]:
            case Constant(name):
                return Series({self.origin: arb.pi() if name == "pi" else arb.const_e()}, most)
            case Variable(place):
                return series([(self.origin, arb(self.point[place])), (self._unit(place), arb(1))], most)
            case Sum(constant, terms):
                start = series([(self.origin, arb(exact(constant)))], most)
                return self._joined(ref, [(t, self._times_number(t, c)) for t, c in terms], plus, start)
            case Product(factors):
                powers = [self._power(f, Fraction(e)) for f, e in factors]
                start = Series({self.origin: arb(1)}, most)
                return self._joined(ref, powers, lambda a, b: times(a, b, most), start)
            case Function(head, (argument,)) if head in HEADS:
                return composed(HEADS[head], self._series(argument), self.origin, most)
        raise NotAnalytic

    def _times_number(self, ref: Ref, c: Number) -> Series:
        found = self._series(ref)
        return Series({alpha: x * exact(c) for alpha, x in found.terms.items()}, found.degree)

    def _power(self, ref: Ref, e: Fraction) -> tuple[Ref, Series]:
        """A power; of sqrt(u) as a variable t of its own, which is 2·e of t."""
        found, most = self._series(ref), self._most(self.variables[ref])
        (place,) = self.variables[ref] if len(self.variables[ref]) == 1 else (-1,)
        if place in self.own and found.terms.keys() == {self._unit(place, self.own[place][1])}:
            whole = e * self.own[place][1]
            if whole.denominator == 1:
                return ref, Series({self._unit(place, int(whole)): arb(1)}, most)
        if len(self.variables[ref]) > 1 and self.origin not in found.terms and (e < 0 or e.denominator > 1):
            raise NotAnalytic
        return ref, raised(found, e, self.origin, most)

    def _joined(
        self, ref: Ref, parts: Sequence[tuple[Ref, Series]], op: Callable[[Series, Series], Series], start: Series
    ) -> Series:
        """All parts by an operation: those of one variable first, which may have negative powers until others meet."""
        groups: dict[frozenset[int], list[Series]] = {}
        for part, found in parts:
            groups.setdefault(self.variables[part], []).append(found)
        joined = [reduce(op, group) for group in groups.values()]
        several = len(self.variables[ref]) > 1
        found = reduce(op, [each.regular for each in joined] if several else joined, start)
        most = self._most(self.variables[ref])
        return series(found.terms.items(), min(found.degree, most)) if several else found

    def _in_variables(self, found: Series) -> Series:
        """With the variables of their own replaced by their series. Of a square root only even powers are smooth."""
        found = found.regular
        for place, (inner, root) in self.own.items():
            if any(alpha[place] % root for alpha in found.terms):
                raise NotAnalytic
            weight = Fraction(min(inner.lowest, root), root)  # what a degree of the variable is in the x_j
            degree = -(-(found.degree + 1) * weight // 1) - 1
            total = Series({}, int(degree))
            for alpha, c in found.terms.items():
                rest = Series({(*alpha[:place], 0, *alpha[place + 1 :]): c}, found.degree)
                power = raised(inner, Fraction(alpha[place], root), self.origin, self.order) if alpha[place] else None
                total = plus(total, times(rest, power, self.order) if power else rest)
            found = total
        return found
