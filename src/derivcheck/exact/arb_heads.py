"""Head -> ball arithmetic: the table of what each function is in python-flint (Arb). Every entry is rigorous."""

from collections.abc import Callable
from functools import cache

from flint import acb, arb, fmpz_poly


def _of_reciprocal(op: Callable[[arb], arb]) -> Callable[[arb], arb]:
    return lambda x: op(1 / x)


def _lower_gamma(a: arb, x: arb) -> arb:
    return x.gamma_lower(a)


def _upper_gamma(a: arb, x: arb) -> arb:
    return x.gamma_upper(a)


def _polygamma(order: arb, x: arb) -> arb:
    """psi^(n)(x). At negative x by reflection: Arb's own takes 10 ms there and is infinite beyond -1e5.

    (-1)^n psi^(n)(1 - x) - psi^(n)(x) = pi d^n/dx^n cot(pi x)  (NIST Handbook 5.15.6)
    """
    if order.is_zero():
        return x.digamma()
    if not x < 0:
        return acb(x).polygamma(acb(order)).real
    n = round(float(order))
    cotangent: arb = _cot_derivative(n)(x.cot_pi())
    reflected: arb = _polygamma(order, 1 - x) * (-1) ** n - arb.pi() ** (n + 1) * cotangent
    return reflected


@cache
def _cot_derivative(n: int) -> fmpz_poly:
    """d^n/dt^n cot(t) as a polynomial in c = cot(t), by d/dt P(c) = -(1 + c^2) P'(c)."""
    if n == 0:
        return fmpz_poly([0, 1])
    return fmpz_poly([-1, 0, -1]) * _cot_derivative(n - 1).derivative()


def _beta(a: arb, b: arb) -> arb:
    return a.gamma() * b.gamma() / (a + b).gamma()


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
    "atan2": lambda y, x: arb.atan2(y, x),
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
