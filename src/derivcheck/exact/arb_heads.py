"""Head -> ball arithmetic: the table of what each function is in python-flint (Arb). Every entry is rigorous."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import factorial, inf

from flint import acb, arb, arb_series, ctx

from derivcheck.errors import TimedOut


def _of_reciprocal(op: Callable[[arb], arb]) -> Callable[[arb], arb]:
    return lambda x: op(1 / x)


LARGEST_INCOMPLETE = 2_000  # arguments of incomplete gamma functions; at 10**5 flint takes 1.6 s, at 2048 bits minutes
LARGEST_HURWITZ = 1_000  # order of zeta(s, a); at -10**4 flint takes 0.4 s with 512 bits, 6 s with 2048
WIDE = 1, 100  # a ball of radius 1 around 100 and beyond: besseli(4, 10**5 ± 10**3) takes 1 s, with 2048 bits 100 s
GUARD = 64  # bits beyond those that an argument has: more change no digit, and take up to 12 s in besselk


_latest = [inf]


@contextmanager
def until(latest: float) -> Iterator[None]:
    """Inside, functions that may take seconds raise `TimedOut` past a time of `time.monotonic`: a tower of thirty
    besselk takes minutes at a single point. The caller has the precision, and so the process, for itself."""
    before, _latest[0] = _latest[0], latest
    try:
        yield
    finally:
        _latest[0] = before


def _affordable(op: Callable[..., arb], largest: float = float("inf")) -> Callable[..., arb]:
    """op, with no more bits than its arguments have; NaN, which is never judged, where it would take seconds."""

    def bounded(*arguments: arb) -> arb:
        if time.monotonic() > _latest[0]:
            raise TimedOut("the exact value took too long")
        if not all(_is_affordable(x, largest) for x in arguments):
            return arb("nan")
        before = ctx.prec
        ctx.prec = min(before, max(GUARD, GUARD + min(int(x.rel_accuracy_bits()) for x in arguments)))
        try:
            return op(*arguments)
        finally:
            ctx.prec = before

    return bounded


def _is_affordable(x: arb, largest: float) -> bool:
    radius, size = WIDE
    return x.is_finite() and bool(abs(x) < largest) and not (x.rad() >= radius and abs(x.mid()) >= size)


def _lower_gamma(a: arb, x: arb) -> arb:
    return x.gamma_lower(a) if a > 0 and x >= 0 else arb("nan")


def _upper_gamma(a: arb, x: arb) -> arb:
    """Of a > 0 and x >= 0 alone, as torch has it; for a < 0 the integral of the lower one does not exist."""
    return x.gamma_upper(a) if a > 0 and x >= 0 else arb("nan")


def _bessel_k(n: arb, x: arb) -> arb:
    """K_n(x); beyond a tenth of the precision sqrt(pi)·(2x)^n·exp(-x)·U(n + 1/2, 2n + 1, 2x) (DLMF 10.39.6): there
    flint's own takes 20 ms with 128 bits and a minute with 2048, this 0.3 ms and 20 ms."""
    if not x > ctx.prec / 10:
        return x.bessel_k(n)
    return arb.pi().sqrt() * (2 * x) ** n * (-x).exp() * (2 * x).hypgeom_u(n + arb(0.5), 2 * n + 1)


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
        cot_pi = arb_series([x, 1]).cot_pi()
    finally:
        ctx.cap = before
    cot = cot_pi[int(n)] * factorial(int(n)) * arb.pi()  # at -1/2 some coefficients are 0, and the last ones left out
    reflected: arb = (-1) ** int(n) * acb(1 - x).polygamma(acb(order)).real - cot
    return reflected


_riemann, _hurwitz = _affordable(arb.zeta), _affordable(arb.zeta, LARGEST_HURWITZ)


def _zeta(s: arb, *a: arb) -> arb:
    return _hurwitz(s, *a) if a else _riemann(s)


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
        for name in "asinh acosh atanh exp log log1p expm1 erf erfc erfi erfinv erfcinv gamma".split()
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
    "polygamma": _affordable(_polygamma),
    "zeta": _zeta,
    "beta": _beta,
    "lowergamma": _affordable(_lower_gamma, LARGEST_INCOMPLETE),
    "uppergamma": _affordable(_upper_gamma, LARGEST_INCOMPLETE),
    "lambertw": lambda x: x.lambertw(),
    "besselj": _affordable(lambda n, x: x.bessel_j(n)),
    "bessely": _affordable(lambda n, x: x.bessel_y(n)),
    "besseli": _affordable(lambda n, x: x.bessel_i(n)),
    "besselk": _affordable(_bessel_k),
}

# head -> value, given the side of its switch, which is the last argument
JUMPS: dict[str, Callable[..., arb]] = {
    "abs": lambda side, x: x if side > 0 else -x,
    "sign": lambda side, x: arb(side),
    "heaviside": lambda side, x: arb(side + 1) / 2,
    "max": lambda side, a, b, _: a if side > 0 else b,
    "min": lambda side, a, b, _: b if side > 0 else a,
}
