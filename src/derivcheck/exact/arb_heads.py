"""Head -> ball arithmetic: the table of what each function is in python-flint (Arb). Every entry is rigorous."""

from collections.abc import Callable
from math import factorial

from flint import acb, arb, arb_series, ctx


def _of_reciprocal(op: Callable[[arb], arb]) -> Callable[[arb], arb]:
    return lambda x: op(1 / x)


def _lower_gamma(a: arb, x: arb) -> arb:
    return x.gamma_lower(a)


def _upper_gamma(a: arb, x: arb) -> arb:
    return x.gamma_upper(a)


def _polygamma(order: arb, x: arb) -> arb:
    """psi^(n)(x); for x < 0 by reflection, psi^(n)(x) = (-1)^n·psi^(n)(1 - x) - ∂^n (pi·cot(pi·x)) (DLMF 5.15.6), since
    flint takes 10 ms there, and gives an infinite ball from -1e5 on."""
    if order.is_zero():
        return x.digamma()
    n = order.unique_fmpz()
    if n is None or not x < 0:
        return acb(x).polygamma(acb(order)).real
    before, ctx.cap = ctx.cap, int(n) + 1
    try:
        coefficients = arb_series([x, 1]).cot_pi().coeffs()
    finally:
        ctx.cap = before
    cot = coefficients[int(n)] * factorial(int(n)) * arb.pi()
    reflected: arb = (-1) ** int(n) * acb(1 - x).polygamma(acb(order)).real - cot
    return reflected


def _beta(a: arb, b: arb) -> arb:
    return a.gamma() * b.gamma() / (a + b).gamma()


def _atan2(y: arb, x: arb) -> arb:
    """Undefined at the origin, where it has no limit, as in sympy: or else atan2(x, x) would have the slope 0 at 0."""
    return arb("nan") if y.is_zero() and x.is_zero() else arb.atan2(y, x)


HEADS: dict[str, Callable[..., arb]] = {
    **{
        name: getattr(arb, name)
        for name in "sin cos tan cot sec csc asin acos atan sinh cosh tanh coth sech csch".split()
    },
    **{
        name: getattr(arb, name)
        for name in "asinh acosh atanh exp log log1p expm1 erf erfc erfi erfinv erfcinv gamma zeta".split()
    },
    **{name: _of_reciprocal(getattr(arb, op)) for name, op in [("acot", "atan"), ("asec", "acos"), ("acsc", "asin")]},
    **{
        name: _of_reciprocal(getattr(arb, op))
        for name, op in [("acoth", "atanh"), ("asech", "acosh"), ("acsch", "asinh")]
    },
    "log2": lambda x: x.log() / arb(2).log(),
    "log10": lambda x: x.log() / arb(10).log(),
    "exp2": lambda x: arb(2) ** x,
    "hypot": lambda x, y: (x * x + y * y).sqrt(),
    "atan2": _atan2,
    "pow": lambda x, y: x**y,
    "loggamma": lambda x: x.lgamma(),
    "polygamma": _polygamma,
    "beta": _beta,
    "lowergamma": _lower_gamma,
    "uppergamma": _upper_gamma,
    "lambertw": lambda x: x.lambertw(),
    "besselj": lambda n, x: x.bessel_j(n),
    "bessely": lambda n, x: x.bessel_y(n),
    "besseli": lambda n, x: x.bessel_i(n),
    "besselk": lambda n, x: x.bessel_k(n),
}

# head -> value, given the side of its switch, which is the last argument
JUMPS: dict[str, Callable[..., arb]] = {
    "abs": lambda side, x: x if side > 0 else -x,
    "sign": lambda side, x: arb(side),
    "heaviside": lambda side, x: arb(side + 1) / 2,
    "max": lambda side, a, b, _: a if side > 0 else b,
    "min": lambda side, a, b, _: b if side > 0 else a,
}
