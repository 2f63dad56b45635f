"""Head -> ball arithmetic: the table of what each function is in python-flint (Arb). Every entry is rigorous."""

from collections.abc import Callable

from flint import acb, arb


def _of_reciprocal(op: Callable[[arb], arb]) -> Callable[[arb], arb]:
    return lambda x: op(1 / x)


def _lower_gamma(a: arb, x: arb) -> arb:
    return x.gamma_lower(a)


def _upper_gamma(a: arb, x: arb) -> arb:
    return x.gamma_upper(a)


def _polygamma(order: arb, x: arb) -> arb:
    return x.digamma() if order.is_zero() else acb(x).polygamma(acb(order)).real


def _beta(a: arb, b: arb) -> arb:
    return a.gamma() * b.gamma() / (a + b).gamma()


def _atan2(y: arb, x: arb) -> arb:
    """Undefined at the origin, where it has no limit, as in sympy. Otherwise atan2(x, x) would have the slope 0 at 0."""
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
