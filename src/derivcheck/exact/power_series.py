"""The power series of a graph around a point, in ball arithmetic: what a removable singularity is removed by.

    f(x0 + t) = Σ c_α·t^α   over |α| <= degree,     ∂^α f(x0) = α!·c_α

What depends on one variable is a Laurent series: a denominator may vanish there, and the negative powers must be
exactly 0 where it meets another variable. They meet in power series only, since a truncated series in several variables
does not show whether all of it is divisible. So a denominator u in several variables that vanishes is a variable of its
own, u or sqrt(u), wherever it occurs: sin(r)/r with r = sqrt(a**2 + b**2) is a series in r, and as it is even, one in a
and b. What the formula shows to be divisible by linear forms is divided by them: (exp(x) - exp(y))/(x - y) at x = y.
Everything else that is not analytic raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import reduce
from math import prod

import sympy as sp
from flint import arb

from derivcheck.exact.division import linear
from derivcheck.exact.series import NotAnalytic, Series, composed, plus, raised, series, times
from derivcheck.exact.steps import exact
from derivcheck.exact.taylor_coefficients import HEADS, RATIOS, bessel, exponential
from derivcheck.multi_index import MultiIndex
from derivcheck.symbolic.differentiation import SymbolicPartials
from derivcheck.symbolic.graph import Constant, Function, Number, Product, Ref, Sum, Variable
from derivcheck.symbolic.translation import to_sympy

MOST_DIVIDED = 4  # degree of what a series in several variables is divided by, and so degrees that are lost
LARGEST_DIVIDED = 300  # symbols of what is divided: of more, sympy takes seconds
LEAST = 2  # the degree of a**2 + b**2, which must be seen to vanish whatever the order
SPARE = 8  # degrees beyond the highest partial, in one variable: this often may leading terms cancel in sums


class Expansion:
    """The series of the nodes of a graph around a point (d floats), for partials up to an order."""

    def __init__(self, symbolic: SymbolicPartials, point: Sequence[float], order: int, dividing: bool = False) -> None:
        self.graph, self.symbols, self.point = symbolic.graph, symbolic.symbols, point
        self.dividing = dividing
        """Whether series in several variables are divided by linear forms."""
        self.order = max(order, LEAST) + (MOST_DIVIDED if dividing else 0)
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
                quotient = self._divided(ref, factors) if self.dividing else None
                if quotient is not None:
                    return quotient
                powers = [self._power(f, Fraction(e)) for f, e in factors]
                start = Series({self.origin: arb(1)}, most)
                return self._joined(ref, powers, lambda a, b: times(a, b, most), start)
            case Function(head, arguments):
                return self._function(head, arguments, most)
        raise NotAnalytic

    def _function(self, head: str, arguments: tuple[Ref, ...], most: int) -> Series:
        inner = self._series(arguments[-1])
        if head in HEADS:
            return composed(HEADS[head], inner, self.origin, most)
        if head in RATIOS:
            above, below = RATIOS[head]
            found = raised(composed(HEADS[below], inner, self.origin, most), Fraction(-1), self.origin, most)
            return times(composed(HEADS[above], inner, self.origin, most), found, most) if above else found
        number = self.graph.value_of(arguments[0]) if len(arguments) == 2 else None
        if head in ("besselj", "besseli") and isinstance(number, int):
            return composed(bessel(head, number), inner, self.origin, most)
        if head == "pow" and number is not None and number > 0:
            return composed(exponential(arb(exact(number))), inner, self.origin, most)
        if head == "pow":
            logarithm = composed(HEADS["log"], self._series(arguments[0]), self.origin, most)
            return composed(HEADS["exp"], times(logarithm, inner.regular, most), self.origin, most)
        raise NotAnalytic

    def _divided(self, ref: Ref, factors: Sequence[tuple[Ref, Number]]) -> Series | None:
        """A product in several variables with linear forms below the fraction bar that vanish and divide the rest."""
        known = [(f, e, linear(self.graph, f) if isinstance(e, int) and e < 0 else None) for f, e in factors]
        forms = [(form, -int(e)) for _, e, form in known if form and form.vanishes(self.point)]
        above = [(f, e) for f, e, form in known if not (form and form.vanishes(self.point))]
        degree, size = sum(power for _, power in forms), sum(self.graph.written(f) for f, _ in above)
        if not 0 < degree <= MOST_DIVIDED or not above or size > LARGEST_DIVIDED:
            return None
        numerator = prod(to_sympy(self.graph, f, self.symbols) ** sp.Rational(str(e)) for f, e in above)
        if not all(form.divides(numerator, self.symbols, power) for form, power in forms):
            return None
        parts = [self._in_variables(self._power(f, Fraction(e))[1]) for f, e in above]
        found = reduce(lambda a, b: times(a, b, self.order), parts)
        for form, power in forms:
            found = form.quotient(found, power)
        self.variables[ref] = frozenset(range(len(self.point)))
        return found

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
