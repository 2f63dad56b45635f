"""Dividing a power series in several variables by linear forms that vanish at its point, such as x - y or x.

A truncated series does not show whether all of it is divisible; the formula does. (x - y)^k divides a function f that
is analytic at the point if f, ∂f/∂x, ..., ∂^(k-1)f/∂x^(k-1) are 0 wherever x = y: sympy puts y for x and finds that
exp(y) - exp(y) is 0. What several forms divide their product divides, since convergent power series have unique
factors and linear forms are prime among them (Gunning & Rossi, Analytic Functions of Several Complex Variables, 1965,
ch. II.B). The quotient is then read off term by term, with the form in place of one of the variables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

import sympy as sp
from flint import arb, fmpq

from derivcheck.exact.series import Series, plus, raised, times
from derivcheck.symbolic.graph import Graph, Product, Ref, Sum, Variable

MOST_TIMES = 4  # slopes that sympy is asked for


class Form(NamedTuple):
    """Σ a_j·x_j + c, with every a_j in `slopes`."""

    slopes: Mapping[int, Fraction]
    constant: Fraction

    def vanishes(self, point: Sequence[float]) -> bool:
        """Whether it is 0 at a point (d floats), exactly."""
        return not sum((a * Fraction(point[j]) for j, a in self.slopes.items()), self.constant)

    def divides(self, numerator: sp.Expr, symbols: Sequence[sp.Symbol], power: int) -> bool:
        """Whether its power divides a function that is analytic where it vanishes; False if sympy does not see it."""
        j, a = next(iter(self.slopes.items()))
        others = (_rational(b) * symbols[i] for i, b in self.slopes.items() if i != j)
        zero = -(_rational(self.constant) + sum(others)) / _rational(a)
        slopes = (sp.diff(numerator, symbols[j], k) if k else numerator for k in range(power))
        return power <= MOST_TIMES and all(slope.subs(symbols[j], zero) == 0 for slope in slopes)

    def quotient(self, series: Series, power: int) -> Series:
        """A series that its power divides, in the distances from a point where it vanishes, divided by it."""
        j, a = next(iter(self.slopes.items()))
        inverse = {i: -b / a for i, b in self.slopes.items() if i != j} | {j: 1 / a}
        found = _with(series, j, inverse)
        lower = {_less(alpha, j, power): c for alpha, c in found.terms.items() if alpha[j] >= power}
        return _with(Series(lower, found.degree - power), j, self.slopes)


def linear(graph: Graph, ref: Ref) -> Form | None:
    """A node as a form, if it is one."""
    node = graph.nodes[ref]
    if isinstance(node, Variable):
        return Form({node.place: Fraction(1)}, Fraction(0))
    if not isinstance(node, Sum) or not node.terms:
        return None
    parts = [(graph.nodes[t], Fraction(c)) for t, c in node.terms]
    slopes = {part.place: c for part, c in parts if isinstance(part, Variable)}
    return Form(slopes, Fraction(node.constant)) if len(slopes) == len(parts) else None


def divisors(graph: Graph, root: Ref) -> Iterator[Form]:
    """The linear forms that something is divided by in a formula."""
    for ref in graph.reachable([root]):
        node = graph.nodes[ref]
        below = [f for f, e in node.factors if e < 0] if isinstance(node, Product) else []
        yield from filter(None, (linear(graph, f) for f in below))


def _rational(number: Fraction) -> sp.Rational:
    return sp.Rational(number.numerator, number.denominator)


def _less(alpha: tuple[int, ...], j: int, power: int) -> tuple[int, ...]:
    return (*alpha[:j], alpha[j] - power, *alpha[j + 1 :])


def _with(series: Series, j: int, slopes: Mapping[int, Fraction]) -> Series:
    """The series with Σ slopes_i·x_i in place of x_j. Degrees stay as they are."""
    origin = (0,) * len(next(iter(series.terms), ()))
    terms = {_less(origin, i, -1): arb(fmpq(b.numerator, b.denominator)) for i, b in slopes.items()}
    form, total = Series(terms, series.degree), Series({}, series.degree)
    for alpha, c in series.terms.items():
        rest = Series({_less(alpha, j, alpha[j]): c}, series.degree)
        if alpha[j]:
            rest = times(rest, raised(form, Fraction(alpha[j]), origin, series.degree), series.degree)
        total = plus(total, rest)
    return total
