"""Functions of values: the elementary ones, rounding, and special functions by what defines them.

Where torch's kernels approximate (a polynomial for erf), the formula is what they approximate.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from derivcheck.symbolic.graph import Constant
from derivcheck.tracing.values import Value, apply, both, exact, larger, smaller, where

HALF, THIRD = Fraction(1, 2), Fraction(1, 3)


def head(name: str) -> Callable[[Value], Value]:
    return lambda x: apply(name, x)


exp, log, floor, absolute, sign = map(head, ("exp", "log", "floor", "abs", "sign"))


def pi(like: Value) -> Value:
    return like.node(Constant("pi"))


def sqrt(x: Value) -> Value:
    return x**HALF


def sigmoid(x: Value) -> Value:
    return 1 / (1 + exp(-x))


def erf(x: Value) -> Value:
    return apply("erf", x)


def trunc(x: Value) -> Value:
    return where(x >= 0, floor(x), -floor(-x))


def rounded(x: Value, decimals: int = 0) -> Value:
    """To the nearest whole number. At a half, where it jumps, this is the upper one, not the even one."""
    return floor(x * Fraction(10) ** decimals + HALF) / Fraction(10) ** decimals


def remainder(x: Value, y: Value) -> Value:
    """x - y·floor(x/y), the sign of y."""
    return apply("mod", x, y, Value(x.graph, x.graph.ratio(x.ref, y.ref)))


def divided(x: Value, y: Value, rounding_mode: str | None = None) -> Value:
    if rounding_mode is None:
        return x / y
    return floor(x / y) if rounding_mode == "floor" else trunc(x / y)


def clamped(x: Value, low: Value | None = None, high: Value | None = None) -> Value:
    above = x if low is None else larger(x, low)
    return above if high is None else smaller(above, high)


def entropy(x: Value) -> Value:
    """-x·log(x), 0 at 0 and -inf below."""
    return where(x > 0, -x * log(x), where(x.compare("==", 0), x.of(0), x.of(-float("inf"))))


def times_log(x: Value, y: Value) -> Value:
    """x·log(y), and 0 where x is 0 and there is no logarithm."""
    return where(both(x.compare("==", 0), y <= 0), x.of(0), x * log(y))


def times_log1p(x: Value, y: Value) -> Value:
    return where(both(x.compare("==", 0), y <= -1), x.of(0), x * apply("log1p", y))


def sinc(x: Value) -> Value:
    """1 at 0, which is the value of its power series there."""
    return apply("sin", pi(x) * x) / (pi(x) * x)


def log_ndtr(x: Value) -> Value:
    return log(HALF * apply("erfc", -x / sqrt(x.of(2))))


def ndtri(p: Value) -> Value:
    return sqrt(p.of(2)) * apply("erfinv", 2 * p - 1)


def copysign(x: Value, y: Value) -> Value:
    """|x| with the sign of y, +0 taken as positive: a node has no signed zero."""
    return where(y >= 0, absolute(x), -absolute(x))


def sum_scaled(x: Value, y: Value, alpha: float = 1) -> Value:
    return x.plus(y, exact(alpha))


def log_gamma(x: Value) -> Value:
    """log|Γ(x)|. For negative x, where Γ has both signs, the logarithm is written out."""
    return where(x > 0, apply("loggamma", x), log(absolute(apply("gamma", x))))


def bessel(kind: str, order: int) -> Callable[[Value], Value]:
    return lambda x: apply(f"bessel{kind}", x.of(order), x)


def bessel_scaled(kind: str, order: int, towards: int) -> Callable[[Value], Value]:
    """Times exp(-|x|) or exp(x)."""
    return lambda x: exp(-absolute(x) if towards < 0 else x) * apply(f"bessel{kind}", x.of(order), x)


def incomplete_gamma(which: str) -> Callable[[Value, Value], Value]:
    return lambda a, x: apply(f"{which}gamma", a, x) / apply("gamma", a)


def multivariate_log_gamma(a: Value, p: Value) -> Value:
    """log Γ_p(a) (Muirhead, Aspects of Multivariate Statistical Theory, 1982, theorem 2.1.12)."""
    count = int(p.number or 0)
    start = Fraction(count * (count - 1), 4) * log(pi(a))
    return sum((apply("loggamma", a - Fraction(j, 2)) for j in range(count)), start)


def finite_or(x: Value, nan: Value | None = None, *_: Value | None) -> Value:
    """nan_to_num: a node that is defined is neither NaN nor infinite."""
    return x if x.ref >= 0 else x.of(0) if nan is None else nan
