"""Floats of code as the numbers that they round: 0.1, 1/3, 0.01/pi."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import sympy as sp

CLOSE = Fraction(1, 2**48)  # relative: a float of 53 bits after a few roundings
LARGEST_DENOMINATOR = 10**6  # of a rational that a person writes: 1e-6; a random float is near one 0.4 % of the time
OF_PI = 1000  # the largest denominator of a multiple of pi
SHORT = 10**6  # a denominator up to this is printed as it is
PI = Fraction(math.pi)


def cleaned(expression: sp.Expr) -> sp.Expr:
    """The expression with every long fraction as the number that it rounds."""
    long = {number: meant(number) for number in expression.atoms(sp.Rational) if number.q > SHORT}
    return expression.xreplace(long) if long else expression


def meant(number: sp.Rational) -> sp.Expr:
    """A nearby rational, or rational multiple of pi or 1/pi; a decimal of 17 digits if there is none."""
    q = Fraction(int(number.p), int(number.q))
    for value, factor in _candidates(q):
        if value and abs(value * factor[0] - q) <= abs(q) * CLOSE:
            return sp.Rational(value.numerator, value.denominator) * factor[1]
    try:
        return sp.Float(repr(float(q)), 17)
    except OverflowError:
        return number


def _candidates(q: Fraction) -> Iterator[tuple[Fraction, tuple[Fraction, sp.Expr]]]:
    yield _nearest(q, LARGEST_DENOMINATOR), (Fraction(1), sp.S.One)
    yield _nearest(q / PI, OF_PI), (PI, sp.pi)
    yield _nearest(q * PI, OF_PI), (1 / PI, 1 / sp.pi)
    yield _nearest(q / PI**2, OF_PI), (PI**2, sp.pi**2)


def _nearest(q: Fraction, largest: int) -> Fraction:
    """The nearest fraction with a short denominator, or for a small number with a short numerator: 1/40000000."""
    if q and abs(q) * largest < 1:
        return 1 / (1 / q).limit_denominator(OF_PI)
    return q.limit_denominator(largest)
