"""Elementwise operations as formulas of values: one row each, as their documentation defines them."""

from __future__ import annotations

from collections.abc import Callable

from derivcheck.symbolic.graph import COMPARE
from derivcheck.tracing.activations import ACTIVATIONS
from derivcheck.tracing.special import (
    HALF,
    THIRD,
    absolute,
    bessel,
    bessel_scaled,
    clamped,
    copysign,
    divided,
    entropy,
    exp,
    finite_or,
    floor,
    head,
    incomplete_gamma,
    log,
    log_gamma,
    log_ndtr,
    multivariate_log_gamma,
    ndtri,
    pi,
    remainder,
    rounded,
    sign,
    sinc,
    sqrt,
    sum_scaled,
    times_log,
    times_log1p,
    trunc,
)
from derivcheck.tracing.values import (
    INFINITY,
    Value,
    apply,
    as_number,
    both,
    either,
    exact,
    larger,
    opposite,
    smaller,
    truth,
    where,
)

SIMPLE = """
    sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh exp log log2 log10 log1p expm1 exp2 erf erfc erfinv
    floor sign abs
""".split()

ELEMENTWISE: dict[str, Callable[..., Value]] = {
    **{name: head(name) for name in SIMPLE},
    **ACTIVATIONS,
    "add": sum_scaled,
    "sub": lambda x, y, alpha=1: x.plus(y, -exact(alpha)),
    "rsub": lambda x, y, alpha=1: y.plus(x, -exact(alpha)),
    "mul": lambda x, y: x * y,
    "div": divided,
    "true_divide": lambda x, y: x / y,
    "floor_divide": lambda x, y: floor(x / y),
    "pow": lambda x, y: x**y,
    "float_power": lambda x, y: x**y,
    "neg": lambda x: -x,
    "positive": lambda x: x,
    "reciprocal": lambda x: 1 / x,
    "square": lambda x: x**2,
    "sqrt": sqrt,
    "rsqrt": lambda x: x**-HALF,
    "cbrt": lambda x: sign(x) * absolute(x) ** THIRD,
    "sgn": sign,
    "angle": lambda x: where(x < 0, pi(x), x.of(0)),
    "ceil": lambda x: -floor(-x),
    "trunc": trunc,
    "fix": trunc,
    "frac": lambda x: x - trunc(x),
    "round": rounded,
    "remainder": remainder,
    "fmod": lambda x, y: x - y * trunc(x / y),
    "maximum": larger,
    "minimum": smaller,
    "fmax": larger,
    "fmin": smaller,
    "clamp": clamped,
    "clamp_min": lambda x, low: larger(x, low),
    "clamp_max": lambda x, high: smaller(x, high),
    "heaviside": lambda x, at: where(x.compare("==", 0), at, as_number(x > 0)),
    "copysign": copysign,
    "atan2": lambda y, x: apply("atan2", y, x),
    "hypot": lambda x, y: sqrt(x**2 + y**2),
    "ldexp": lambda x, y: x * x.of(2) ** y,
    "lerp": lambda x, y, w: x + w * (y - x),
    "addcmul": lambda x, a, b, value=1: x.plus(a * b, exact(value)),
    "addcdiv": lambda x, a, b, value=1: x.plus(a / b, exact(value)),
    "fma": lambda a, b, c: a * b + c,
    "deg2rad": lambda x: x * pi(x) / 180,
    "rad2deg": lambda x: x * 180 / pi(x),
    "logaddexp": lambda x, y: log(exp(x) + exp(y)),
    "logaddexp2": lambda x, y: apply("log2", x.of(2) ** x + x.of(2) ** y),
    "xlogy": times_log,
    "xlog1py": times_log1p,
    "entr": entropy,
    "sinc": sinc,
    "erf_inv": head("erfinv"),
    "lgamma": log_gamma,
    "digamma": lambda x: apply("polygamma", x.of(0), x),
    "polygamma": lambda n, x: apply("polygamma", n, x),
    "zeta": lambda s, a: apply("zeta", s, a),
    "mvlgamma": multivariate_log_gamma,
    "igamma": incomplete_gamma("lower"),
    "igammac": incomplete_gamma("upper"),
    "erfcx": lambda x: exp(x**2) * apply("erfc", x),
    "log_ndtr": log_ndtr,
    "ndtri": ndtri,
    "i0": bessel("i", 0),
    "i1": bessel("i", 1),
    "i0e": bessel_scaled("i", 0, -1),
    "i1e": bessel_scaled("i", 1, -1),
    **{f"{long}bessel_{kind}{n}": bessel(kind, n) for kind in "jyik" for n in (0, 1)
       for long in ("", "modified_")},
    **{f"scaled_modified_bessel_k{n}": bessel_scaled("k", n, 1) for n in (0, 1)},
    "nan_to_num": finite_or,
    "fill": lambda x, value: value,
    "zero": lambda x: x.of(0),
    "copy": lambda x, value: value,
}  # fmt: skip
"""Operation -> its formula, of numbers."""


def _comparison(operator: str) -> Callable[[Value, Value], Value]:
    return lambda x, y: x.compare(operator, y)


COMPARISONS: dict[str, Callable[..., Value]] = {
    **{name: _comparison(o) for name, o in zip(("lt", "le", "gt", "ge", "eq", "ne"), COMPARE, strict=True)},
    "isnan": lambda x: truth(x.graph, False),
    "isinf": lambda x: truth(x.graph, x.ref < 0),
    "isposinf": lambda x: truth(x.graph, x.ref == INFINITY),
    "isfinite": lambda x: truth(x.graph, x.ref >= 0),
    "signbit": lambda x: x < 0,
}
"""Comparisons of numbers."""

LOGICAL: dict[str, Callable[..., Value]] = {
    "logical_and": both,
    "logical_or": either,
    "logical_not": opposite,
    "logical_xor": lambda a, b: either(both(a, opposite(b)), both(b, opposite(a))),
    "bitwise_and": both,
    "bitwise_or": either,
    "bitwise_not": opposite,
    "__and__": both,
    "__or__": either,
}
"""Operations on conditions."""

CHOICES: dict[str, tuple[Callable[..., Value], int]] = {
    "where": (where, 0),
    "masked_fill": (lambda x, mask, value: where(mask, value, x), 1),
}
"""Operations on numbers with one operand that is a condition: its place."""
