"""Truncated series in several variables with coefficients that are balls.

    Σ c_α·t^α   over |α| <= degree,   negative powers included

(Griewank & Walther, Evaluating Derivatives, 2008, ch. 13.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

from flint import arb, arb_series, ctx

from derivcheck.multi_index import MultiIndex


class NotAnalytic(Exception):
    """The function has no power series at the point, or none is known."""


class Series(NamedTuple):
    """What is known of a series: the terms to a total degree. No coefficient is exactly 0."""

    terms: dict[MultiIndex, arb]
    degree: int

    @property
    def lowest(self) -> int:
        """No term has a lower total degree."""
        return min(map(sum, self.terms), default=self.degree + 1)

    @property
    def regular(self) -> Series:
        """This series, if it has no negative powers. Raises `NotAnalytic` if it has some or may have."""
        if self.degree < -1 or any(k < 0 for alpha in self.terms for k in alpha):
            raise NotAnalytic
        return self


def series(terms: Iterable[tuple[MultiIndex, arb]], degree: int) -> Series:
    """The sum of these terms as far as it is known."""
    total: dict[MultiIndex, arb] = {}
    for alpha, c in terms:
        if sum(alpha) <= degree:
            total[alpha] = total[alpha] + c if alpha in total else c
    return Series({alpha: c for alpha, c in total.items() if not c.is_zero()}, degree)


def plus(a: Series, b: Series) -> Series:
    """Their sum, known as far as both are."""
    return series((*a.terms.items(), *b.terms.items()), min(a.degree, b.degree))


def times(a: Series, b: Series, most: int) -> Series:
    """The product, to a total degree of `most` more than its lowest: what is unknown of one factor counts from its
    product with the lowest term of the other."""
    degree = min(a.degree + b.lowest, b.degree + a.lowest, most + max(0, a.lowest + b.lowest))
    pairs = ((alpha, x, beta, y) for alpha, x in a.terms.items() for beta, y in b.terms.items())
    return series(((tuple(map(sum, zip(alpha, beta, strict=True))), x * y) for alpha, x, beta, y in pairs), degree)


def composed(head: Callable[[int, arb], Sequence[arb]], inner: Series, origin: MultiIndex, most: int) -> Series:
    """head(inner). `head(n, c)` are the Taylor coefficients of a function at c, the first n."""
    constant = inner.regular.terms.get(origin, arb(0))
    try:
        coefficients = head(most + 1, constant)
    except (ValueError, ZeroDivisionError, OverflowError):  # flint, of 1/(1 - x*x) at 1, which is the slope of atanh
        raise NotAnalytic from None
    if inner.degree < 0 or not all(c.is_finite() for c in coefficients):
        raise NotAnalytic
    rest = series(((alpha, c) for alpha, c in inner.terms.items() if any(alpha)), inner.degree)
    total = Series({}, most)
    for c in reversed(coefficients):  # Horner's rule
        total = plus(times(total, rest, most), series([(origin, c)], most))
    return Series(total.terms, min(total.degree, inner.degree))


def raised(base: Series, exponent: Fraction, origin: MultiIndex, most: int) -> Series:
    """base**exponent. Where the base vanishes, its lowest term must be one term, which is taken out in front."""
    if exponent.denominator == 1 and exponent > 0:
        return _whole(base, int(exponent), origin, most)
    if exponent == -1 or exponent.denominator > 1:
        return _unit_power(base, exponent, origin, most)
    return _whole(_unit_power(base, Fraction(-1), origin, most), -int(exponent), origin, most)


def _whole(base: Series, exponent: int, origin: MultiIndex, most: int) -> Series:
    """By squaring."""
    if exponent == 0:
        return Series({origin: arb(1)}, most)
    half = _whole(base, exponent // 2, origin, most)
    square = times(half, half, most) if exponent > 1 else half
    return times(square, base, most) if exponent % 2 else square


def _unit_power(base: Series, exponent: Fraction, origin: MultiIndex, most: int) -> Series:
    """(c·t^α·(1 + ...))**exponent. A root of t^α is smooth where it is an even power of an even one: |t|**2."""
    lead = [alpha for alpha in base.terms if sum(alpha) == base.lowest]
    if len(lead) != 1 or (c := base.terms[lead[0]]).contains(0):
        raise NotAnalytic
    powers = [k * exponent for k in lead[0]]
    if exponent.denominator > 1 and not (c > 0 and all(k % 2 == 0 for k in [*map(Fraction, lead[0]), *powers])):
        raise NotAnalytic
    unit = Series({_minus(alpha, lead[0]): x for alpha, x in base.terms.items()}, base.degree - base.lowest)
    power = composed(lambda n, at: _binomial(exponent, n, at), unit, origin, most)
    shift = tuple(map(int, powers))
    return Series({_minus(alpha, shift, -1): x for alpha, x in power.terms.items()}, power.degree + sum(shift))


def _minus(alpha: MultiIndex, beta: MultiIndex, sign: int = 1) -> MultiIndex:
    return tuple(i - sign * j for i, j in zip(alpha, beta, strict=True))


def _binomial(exponent: Fraction, n: int, at: arb) -> list[arb]:
    """binomial(e, k)·at**(e-k)"""
    p, q = exponent.numerator, exponent.denominator
    found = [(at if q == 1 else at.root(q)) ** p]
    for k in range(n - 1):
        found.append(found[-1] * (p - k * q) / (q * (k + 1)) / at)
    return found


def of_arb_series(head: Callable[[arb_series], arb_series]) -> Callable[[int, arb], list[arb]]:
    """The Taylor coefficients of one of flint's functions."""

    def coefficients(n: int, at: arb) -> list[arb]:
        before, ctx.cap = ctx.cap, n
        try:
            found: list[arb] = head(arb_series([at, 1])).coeffs()
        finally:
            ctx.cap = before
        return found

    return coefficients
