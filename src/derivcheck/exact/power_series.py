"""Truncated power series of a graph around a point, in ball arithmetic: what a removable singularity is removed by.

    f(x0 + t) = Σ c_α·t^α   over |α| <= degree,     ∂^α f(x0) = α!·c_α

(Griewank & Walther, Evaluating Derivatives, 2008, ch. 13). A quotient whose denominator vanishes at the point has a
series if both sides depend on one variable and enough of their first coefficients are exactly 0: the common power is
cancelled. sin(t)/t is a series in t**2, so it has one for t = sqrt(u) too. Everything else that is not analytic raises.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from flint import arb, arb_series, ctx

from derivcheck.exact.steps import exact
from derivcheck.multi_index import MultiIndex
from derivcheck.symbolic.graph import Constant, Function, Graph, Number, Product, Ref, Sum, Variable

Series = dict[MultiIndex, arb]  # multi-index -> coefficient; what is not there is 0


class NotAnalytic(Exception):
    """The function has no power series at the point, or none is known."""


def _tanh(x: arb_series) -> arb_series:
    e = (2 * x).exp()
    return (e - 1) / (e + 1)


HEADS: dict[str, Callable[[arb_series], arb_series]] = {
    **{name: getattr(arb_series, name) for name in "exp log sin cos tan asin acos atan erf erfc gamma".split()},
    "loggamma": lambda x: x.lgamma(),
    "expm1": lambda x: x.exp() - 1,
    "log1p": lambda x: (1 + x).log(),
    "sinh": lambda x: (x.exp() - (-x).exp()) / 2,
    "cosh": lambda x: (x.exp() + (-x).exp()) / 2,
    "tanh": _tanh,
    "asinh": lambda x: (x + (1 + x * x).sqrt()).log(),
    "atanh": lambda x: ((1 + x) / (1 - x)).log() / 2,
}
"""Functions of one argument, as series of a series in one variable."""


class Expansion:
    """The series of nodes of a graph around a point (d floats), up to a total degree."""

    def __init__(self, graph: Graph, point: Sequence[float], degree: int) -> None:
        self.graph, self.point, self.degree = graph, point, degree
        self.origin = (0,) * len(point)
        self.known: dict[Ref, Series | None] = {}
        """None for what is not analytic: sqrt(u) may still be a part of sin(sqrt(u))/sqrt(u)."""

    def of(self, root: Ref) -> Series:
        """The series of a node. Raises `NotAnalytic`."""
        for ref in self.graph.reachable([root]):
            try:
                self.known[ref] = self._made(ref)
            except NotAnalytic:
                self.known[ref] = None
        return self._series(root)

    def _series(self, ref: Ref) -> Series:
        series = self.known[ref]
        if series is None:
            raise NotAnalytic
        return series

    def _made(self, ref: Ref) -> Series:
        match self.graph.nodes[ref]:
            case Constant(name):
                return {self.origin: arb.pi() if name == "pi" else arb.const_e()}
            case Variable(place):
                unit = tuple(int(j == place) for j in range(len(self.point)))
                return {self.origin: arb(self.point[place]), unit: arb(1)}
            case Sum(constant, terms):
                return self._sum(constant, terms)
            case Product(factors):
                return self._product(factors)
            case Function(head, (argument,)) if head in HEADS:
                return self._composed(HEADS[head], self._series(argument))
        raise NotAnalytic

    def _sum(self, constant: Number, terms: Sequence[tuple[Ref, Number]]) -> Series:
        total: Series = {self.origin: arb(exact(constant))}
        for term, c in terms:
            for alpha, value in self._series(term).items():
                total[alpha] = total.get(alpha, arb(0)) + value * exact(c)
        return total

    def _product(self, factors: Sequence[tuple[Ref, Number]]) -> Series:
        """Numerator over denominator; sin(t)/t apart."""
        rest, series = self._without_sinc(list(factors))
        above, below = series, {self.origin: arb(1)}
        for ref, e in rest:
            power = self._power(self._series(ref), abs(Fraction(e)))
            above, below = (self._times(above, power), below) if e > 0 else (above, self._times(below, power))
        return self._quotient(above, below)

    def _without_sinc(self, factors: list[tuple[Ref, Number]]) -> tuple[list[tuple[Ref, Number]], Series]:
        """The factors but for pairs sin(t), 1/t with t = sqrt(u), and the series of these in u = t**2."""
        series = {self.origin: arb(1)}
        for ref, e in list(factors):
            node = self.graph.nodes[ref]
            inner = self.graph.nodes[node.arguments[0]] if isinstance(node, Function) and node.head == "sin" else None
            if not isinstance(inner, Product) or len(inner.factors) != 1 or e != 1:
                continue
            u, half = inner.factors[0]
            if half == Fraction(1, 2) and (u, -half) in factors and self._constant(self._series(u)).is_zero():
                factors.remove((ref, e))
                factors.remove((u, -half))
                series = self._times(series, self._horner(_sinc_of_root(self.degree), self._series(u)))
        return factors, series

    def _quotient(self, above: Series, below: Series) -> Series:
        if not self._constant(below).contains(0):
            return self._times(above, self._composed(arb_series.inv, below))
        j, order = self._vanishing(below)
        if self._depends(above) - {j}:
            raise NotAnalytic
        left, right = (_shifted(series, j, order) for series in (above, below))
        return self._times(left, self._composed(arb_series.inv, right))

    def _vanishing(self, series: Series) -> tuple[int, int]:
        """The only variable of a series, and the order to which it is exactly 0."""
        nonzero = {alpha: c for alpha, c in series.items() if not c.is_zero()}
        (j, *others) = self._depends(series) or (-1, -1)
        order = min((alpha[j] for alpha in nonzero), default=0)
        if others or not nonzero or nonzero[tuple(order * int(i == j) for i in range(len(self.point)))].contains(0):
            raise NotAnalytic
        return j, order

    def _depends(self, series: Series) -> set[int]:
        return {j for alpha, c in series.items() if not c.is_zero() for j, k in enumerate(alpha) if k}

    def _constant(self, series: Series) -> arb:
        return series.get(self.origin, arb(0))

    def _power(self, series: Series, exponent: Fraction) -> Series:
        """A whole power by multiplication; a root only where the series is positive."""
        if exponent.denominator == 1:
            power = {self.origin: arb(1)}
            for _ in range(int(exponent)):
                power = self._times(power, series)
            return power
        if not self._constant(series) > 0:
            raise NotAnalytic
        scale = arb(exponent.numerator) / exponent.denominator
        return self._composed(lambda x: (x.log() * scale).exp(), series)

    def _composed(self, head: Callable[[arb_series], arb_series], series: Series) -> Series:
        """head(series), by the Taylor coefficients of head at its constant term."""
        before, ctx.cap = ctx.cap, self.degree + 1
        try:
            coefficients = head(arb_series([self._constant(series), 1])).coeffs()
        finally:
            ctx.cap = before
        if not all(c.is_finite() for c in coefficients):
            raise NotAnalytic
        return self._horner(coefficients, {alpha: c for alpha, c in series.items() if any(alpha)})

    def _horner(self, coefficients: Sequence[arb], series: Series) -> Series:
        """Σ coefficients[k]·series**k, for a series without a constant term."""
        total: Series = {}
        for c in reversed(coefficients):
            total = self._times(total, series)
            total[self.origin] = self._constant(total) + c
        return total

    def _times(self, a: Series, b: Series) -> Series:
        total: Series = {}
        for alpha, x in a.items():
            for beta, y in b.items():
                gamma = tuple(i + j for i, j in zip(alpha, beta, strict=True))
                if sum(gamma) <= self.degree:
                    total[gamma] = total.get(gamma, arb(0)) + x * y
        return total


def _sinc_of_root(degree: int) -> list[arb]:
    """sin(sqrt(u))/sqrt(u) = Σ (-u)^k/(2k+1)!"""
    coefficients, factorial = [], arb(1)
    for k in range(degree + 1):
        coefficients.append((-1) ** k / factorial)
        factorial = factorial * (2 * k + 2) * (2 * k + 3)
    return coefficients


def _shifted(series: Series, j: int, order: int) -> Series:
    """The series divided by t_j**order. Raises `NotAnalytic` where a coefficient below is not exactly 0."""
    if any(alpha[j] < order and not c.is_zero() for alpha, c in series.items()):
        raise NotAnalytic
    return {(*a[:j], a[j] - order, *a[j + 1 :]): c for a, c in series.items() if a[j] >= order}
