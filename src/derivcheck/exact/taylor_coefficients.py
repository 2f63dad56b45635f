"""Head -> its Taylor coefficients at a ball, in ball arithmetic: the table of what has a power series.

Coefficients that are 0, as those of sin at 0, must be exactly 0: what cancels is recognised by them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from math import comb, factorial
from operator import add

from flint import arb, arb_series, ctx, fmpq

from derivcheck.exact.series import of_arb_series

Coefficients = Callable[[int, arb], Sequence[arb]]
"""(n, at) -> the first n coefficients at `at`."""


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


def _integral(value: Callable[[arb], arb], slope: Callable[[arb_series], arb_series]) -> Coefficients:
    """A function by its derivative, whose coefficients are exact where they are 0."""
    return lambda n, at: [value(at), *of_arb_series(lambda x: slope(x).integral())(n, at)[1:]]


def _inverse(value: arb, head: Coefficients, n: int) -> list[arb]:
    """Those of the inverse function, which has this value."""
    before, ctx.cap = ctx.cap, n
    try:
        found: list[arb] = arb_series([0, *head(n, value)[1:]]).reversion().coeffs()
    finally:
        ctx.cap = before
    return [value, *found[1:]]


def exponential(base: arb) -> Coefficients:
    """Those of base**x."""
    return lambda n, at: [base**at * base.log() ** k / factorial(k) for k in range(n)]


def bessel(head: str, order: int) -> Coefficients:
    """Those of J_m or I_m of a whole order: C_m^(k) = 2^-k·Σ (±1)^i·binomial(k, i)·C_(m-k+2i) (DLMF 10.6.7, 10.29)."""
    sign = -1 if head == "besselj" else 1

    def value(m: int, at: arb) -> arb:
        if at.is_zero():
            return arb(int(m == 0))
        found: arb = at.bessel_j(arb(abs(m))) if sign < 0 else at.bessel_i(arb(abs(m)))
        return arb(-1) * found if sign < 0 and m < 0 and m % 2 else found

    def coefficient(k: int, at: arb) -> arb:
        terms = [value(order - k + 2 * i, at) * (sign**i * comb(k, i)) for i in range(k + 1)]
        found: arb = reduce(add, terms) * fmpq(1, 2**k * factorial(k))
        return found

    return lambda n, at: [coefficient(k, at) for k in range(n)]


HEADS: dict[str, Coefficients] = {
    **{
        name: of_arb_series(getattr(arb_series, name))
        for name in "exp log sin cos tan asin acos atan erf erfc erfi gamma lambertw".split()
    },
    "loggamma": of_arb_series(lambda x: x.lgamma()),
    "expm1": lambda n, at: [at.expm1(), *HEADS["exp"](n, at)[1:]],
    "log1p": lambda n, at: [at.log1p(), *HEADS["log"](n, at + 1)[1:]],
    "sinh": lambda n, at: _hyperbolic(n, [at.sinh(), at.cosh()]),
    "cosh": lambda n, at: _hyperbolic(n, [at.cosh(), at.sinh()]),
    "tanh": _tanh,
    "asinh": _integral(lambda at: at.asinh(), lambda x: (1 + x * x).rsqrt()),
    "atanh": _integral(lambda at: at.atanh(), lambda x: 1 / (1 - x * x)),
    "exp2": lambda n, at: exponential(arb(2))(n, at),
    "log2": lambda n, at: [c / arb(2).log() for c in HEADS["log"](n, at)],
    "log10": lambda n, at: [c / arb(10).log() for c in HEADS["log"](n, at)],
    "erfinv": lambda n, at: _inverse(at.erfinv(), HEADS["erf"], n),
    "erfcinv": lambda n, at: _inverse(at.erfcinv(), HEADS["erfc"], n),
}
"""Functions of one argument: their Taylor coefficients."""

RATIOS = {
    "cot": ("cos", "sin"), "coth": ("cosh", "sinh"), "sec": ("", "cos"), "csc": ("", "sin"),
    "sech": ("", "cosh"), "csch": ("", "sinh"),
}  # fmt: skip
"""Functions with poles: numerator, or nothing for 1, and denominator."""
