"""Closed fields: formulas in place of a trained network, which have no symmetry that could hide an error.

u = exp(-t)*sin(pi*x) satisfies u_t = -u and u_xx = -pi²u, so that a residual with u_t in place of -u looks right. A sum
of an exponential and a sine of different slopes satisfies no such equation: all of its partials are independent.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

import sympy as sp
import torch
from torch import Tensor

from derivcheck.engines.streams import Stream, generator
from derivcheck.expression.fields import Fields, Partial, closed_form
from derivcheck.expression.intervals import Interval
from derivcheck.expression.parsing import symbol
from derivcheck.expression.residuals import WEIGHT
from derivcheck.multi_index import MultiIndex
from derivcheck.pde.operation import is_transformed
from derivcheck.symbolic.differentiation import SymbolicPartials
from derivcheck.symbolic.lowering import PointFunction, lower_one

LEAST, MOST = 8, 20  # slopes in sixteenths of the width of the domain: 0.5 to 1.25, so that no partial is small
SIXTEENTHS = 16
ABOVE = 3  # added to every field, which is then positive: code may take its root or its logarithm
TRIES = 5  # points at which two partials are compared


def random_formulas(fields: Fields, domain: Sequence[Interval], seed: int) -> list[sp.Expr]:
    """A formula per field: 3 + exp(p·x)/2 + sin(q·x + c)."""
    widths = [_width(*interval) for interval in domain]
    return [_formula(fields, widths, domain, seed, k) for k in range(len(fields.names))]


def _formula(fields: Fields, widths: Sequence[Fraction], domain: Sequence[Interval], seed: int, k: int) -> sp.Expr:
    slopes = [_slopes(seed, k, part, len(widths)) for part in range(2)]
    middles = [_middle(low, high, width) for (low, high), width in zip(domain, widths, strict=True)]
    scaled = [(x - m) / sp.Rational(w) for x, m, w in zip(fields.symbols, middles, widths, strict=True)]
    rising, waving = (sp.expand(sp.Add(*(s * x for s, x in zip(row, scaled, strict=True)))) for row in slopes)
    return ABOVE + sp.exp(rising) / 2 + sp.sin(waving + sp.Rational(k + 1, 4))


def directions(fields: Fields, seed: int) -> list[sp.Expr]:
    """What one weight of the network adds to each field."""
    count, found = len(fields.symbols), []
    for k in range(len(fields.names)):
        slopes = _slopes(seed, k, 2, count)
        found.append(sp.cos(sp.Add(*(s * x for s, x in zip(slopes, fields.symbols, strict=True))) + sp.Rational(1, 2)))
    return found


def _slopes(seed: int, field: int, part: int, count: int) -> list[sp.Rational]:
    """Distinct ones, of both signs."""
    drawn = generator(Stream.FIELDS, seed, field, part)
    sizes = LEAST + torch.randperm(MOST - LEAST + 1, generator=drawn)[:count]
    signs = torch.randint(0, 2, (count,), generator=drawn) * 2 - 1
    return [sp.Rational(int(size * sign), SIXTEENTHS) for size, sign in zip(sizes, signs, strict=True)]


def _width(low: float, high: float) -> Fraction:
    """A power of two near the width of an interval; 1 for a point."""
    return Fraction(2.0 ** (math.frexp(high - low)[1] - 1)) if high > low else Fraction(1)


def _middle(low: float, high: float, width: Fraction) -> sp.Rational:
    """What is subtracted in a domain that is far from 0."""
    middle = (Fraction(low) + Fraction(high)) / 2
    return sp.Rational(round(middle / width)) * sp.Rational(width) if abs(middle) > 4 * width else sp.Integer(0)


class Closed:
    """Fields that have formulas: their partials, exactly and as torch computes them in any dtype."""

    def __init__(self, fields: Fields, formulas: Sequence[sp.Expr], by_weight: Sequence[sp.Expr]) -> None:
        """`by_weight` are the derivatives of the formulas by the weight, which is 0."""
        self.fields, self.formulas, self.by_weight = fields, [*formulas, *by_weight], by_weight
        self.partials = closed_form(fields, self.formulas)
        self._lowered: dict[tuple[int, MultiIndex], PointFunction] = {}

    def exact(self, partial: Partial) -> sp.Expr:
        """A partial of a field with its weight, as a formula in the coordinates and the weight."""
        found = self.partials(partial)
        if not self.by_weight:
            return found
        return found + symbol(WEIGHT) * self.partials(partial._replace(field=self.direction(partial.field)))

    def direction(self, field: int) -> int:
        return len(self.formulas) - len(self.by_weight) + field

    def plain(self, X: Tensor, weight: Tensor | None, field: int) -> Tensor:
        """A field at the rows of X, in operations of torch alone."""
        zero = (0,) * X.shape[1]
        found = self.point_function(field, zero)(*X.unbind(1))
        if weight is None:
            return found
        return found + weight * self.point_function(self.direction(field), zero)(*X.unbind(1))

    def point_function(self, field: int, alpha: MultiIndex) -> PointFunction:
        key = field, alpha
        if key not in self._lowered:
            partial = self.partials(Partial(field, alpha, self.fields.symbols))
            symbolic = SymbolicPartials(partial, self.fields.coordinates)
            self._lowered[key] = lower_one(symbolic.graph, symbolic.root)
        return self._lowered[key]


class OneCall:
    """The source of closed fields during one call of the code, which asks for the same partial many times."""

    def __init__(self, closed: Closed) -> None:
        self.closed = closed
        self.direction = closed.direction
        self._known: dict[tuple[int, int, int, MultiIndex], tuple[Tensor, Tensor]] = {}

    def value(self, X: Tensor, weight: Tensor | None, field: int, alpha: MultiIndex) -> Tensor:
        found = self._base(X, field, alpha)
        if weight is None:
            return found
        return found + weight * self._base(X, self.direction(field), alpha)

    def _base(self, X: Tensor, field: int, alpha: MultiIndex) -> Tensor:
        if is_transformed():
            return self.closed.point_function(field, alpha)(*X.unbind(1))
        key = X.data_ptr(), X._version, field, alpha
        if key not in self._known or self._known[key][0].shape != X.shape:
            # With X itself, whose memory is not given to another tensor then.
            self._known[key] = X, self.closed.point_function(field, alpha)(*X.unbind(1))
        return self._known[key][1].detach()

    def is_zero(self, cotangent: Tensor) -> bool:
        return not bool(cotangent.any())


def symmetries(fields: Fields, formulas: Sequence[sp.Expr], partials: Sequence[Partial]) -> Iterator[str]:
    """Pairs of partials that are multiples of each other, and partials that are 0: u_t is -u. They hide errors."""
    exact = closed_form(fields, formulas)
    values = {fields.of(p): _values(fields, exact(p)) for p in partials}
    names = list(values)
    for k, a in enumerate(names):
        if all(x == 0 for x in values[a]):
            yield f"{a} is 0"
        for b in names[:k]:
            ratios = {round(x / y, 9) for x, y in zip(values[a], values[b], strict=True) if y}
            if len(ratios) == 1 and len(formulas) and any(values[a]):
                yield f"{a} is {ratios.pop():g}*{b}"


def _values(fields: Fields, formula: sp.Expr) -> list[float]:
    """At points that no formula singles out."""
    places = [[0.31 + 0.37 * j + 0.0713 * i * (j + 2) for j in range(len(fields.symbols))] for i in range(TRIES)]
    found = [formula.xreplace(dict(zip(fields.symbols, map(sp.Float, place), strict=True))) for place in places]
    return [float(value) if value.is_number and value.is_real else 0.0 for value in map(sp.N, found)]
