"""Taylor coefficients of special functions, as in `elementary`: error, gamma, zeta and Bessel functions."""

import math
from collections.abc import Callable, Sequence
from math import comb, factorial

import torch
from torch import Tensor

from derivcheck.taylor.elementary import ELEMENTARY, Coefficients, Rule, exponential, integral, powers, product

SMALL = 2.0  # |x| below which Bessel functions are summed: there the recurrence divides numbers that cancel by x
SMALL_FOR_SINC = 1.0  # |x| below which sinc is summed: above it, the recurrence's divisions by x amplify no error
TERMS = 24  # of those sums and of sinc's: (SMALL²/4)^k/k!² and π^(2k)/(2k + 1)! are below 1e-38 then


def gaussian(op: Callable[[Tensor], Tensor], scale: float, width: float) -> Rule:
    """g' = scale·exp(-width·x²): the error function and its kin."""

    def rule(x: Tensor, order: int) -> Coefficients:
        s = [-width * x * x, -2 * width * x, torch.full_like(x, -width), *[torch.zeros_like(x)] * order]
        return integral(op(x), [scale * v for v in exponential(s)[:order]])

    return rule


def inverse_gaussian(op: Callable[[Tensor], Tensor], scale: float, width: float) -> Rule:
    """y' = scale·exp(width·y²), coefficient by coefficient: erfinv and ndtri."""

    def rule(x: Tensor, order: int) -> Coefficients:
        y = [op(x)]
        for k in range(order):
            y.append(scale * exponential([width * s for s in product(y, y)])[k] / (k + 1))
        return y

    return rule


def _erfcx(x: Tensor, order: int) -> Coefficients:
    """y' = 2·x·y - 2/√π."""
    y = [torch.special.erfcx(x)]
    for k in range(order):
        slope = 2 * (x * y[k] + (y[k - 1] if k else 0.0)) - (2 / math.sqrt(math.pi) if k == 0 else 0.0)
        y.append(slope / (k + 1))
    return y


def _log_ndtr(x: Tensor, order: int) -> Coefficients:
    """y' = r = φ/Φ, r' = -r·(x + r)."""
    value = torch.special.log_ndtr(x)
    r = [torch.exp(-x * x / 2 - value) / math.sqrt(2 * math.pi)]
    for k in range(order - 1):
        r.append(-(x * r[k] + (r[k - 1] if k else 0.0) + product(r, r)[k]) / (k + 1))
    return integral(value, r[:order])


def polygamma(n: int) -> Rule:
    """ψ_n: ψ_(n+k)/k!; log Γ is n = -1."""

    def rule(x: Tensor, order: int) -> Coefficients:
        return [_psi(n + k, x) / factorial(k) for k in range(order + 1)]

    return rule


def _psi(n: int, x: Tensor) -> Tensor:
    if n < 1:
        return torch.lgamma(x) if n < 0 else torch.digamma(x)
    return torch.polygamma(n, x)


def zeta(s: float) -> Rule:
    """Hurwitz' ζ(s, q) in q: binomial(-s, k)·ζ(s + k, q)."""

    def rule(q: Tensor, order: int) -> Coefficients:
        found, binomial = [], 1.0
        for k in range(order + 1):
            found.append(binomial * torch.special.zeta(torch.full_like(q, s + k), q))
            binomial *= (-s - k) / (k + 1)
        return found

    return rule


def incomplete_gamma(a: float | Tensor, op: Callable[[Tensor, Tensor], Tensor], sign: float) -> Rule:
    """P(a, x) and Q(a, x) in x: g' = v = ±x^(a-1)·e^-x/Γ(a), x·v' = (a - 1 - x)·v; at 0 the product itself."""

    def rule(x: Tensor, order: int) -> Coefficients:
        shape = torch.zeros_like(x) + a
        v = [sign * torch.exp((shape - 1) * torch.log(x) - x - torch.lgamma(shape))]
        for k in range(order - 1):
            v.append(((shape - 1 - k - x) * v[k] - (v[k - 1] if k else 0.0)) / ((k + 1) * x))
        decay = [torch.full_like(x, (-1) ** k / math.factorial(k)) for k in range(order)]
        at_zero = product(powers(x, shape - 1, order - 1), decay) if order else []
        v = [
            torch.where(x == 0, sign * z * torch.exp(-torch.lgamma(shape)), t) for t, z in zip(v, at_zero, strict=False)
        ]
        return integral(op(shape, x), v[:order])

    return rule


def _bessel(kind: str, n: int) -> Rule:
    """y_0' = s·y_1 and y_1' = r·y_0 - y_1/x (DLMF 10.6.2 and 10.29.2), the ascending series where x is small."""
    (zeroth, first), (s, r) = TORCH_NAMES[kind], BESSEL[kind]

    def rule(x: Tensor, order: int) -> Coefficients:
        damping = x.sign() if kind == "scaled i" else torch.zeros_like(x)
        a, b = [getattr(torch.special, zeroth)(x)], [getattr(torch.special, first)(x)]
        for k in range(order):
            b_before = b[k - 1] if k else torch.zeros_like(x)
            slope = r * (x * a[k] + (a[k - 1] if k else 0.0)) - (k + 1) * b[k] - damping * (x * b[k] + b_before)
            a.append((s * b[k] - damping * a[k]) / (k + 1))
            b.append(slope / ((k + 1) * x))
        found = b if n else a
        return _summed_near_zero(kind, n, x, found) if kind in SUMMED else found

    return rule


def _summed_near_zero(kind: str, n: int, x: Tensor, found: Coefficients) -> Coefficients:
    """For small x, where the recurrence loses digits, the ascending series differentiated (DLMF 10.2.2, 10.25.2)."""
    order = len(found) - 1
    terms = [
        (2 * j + n, SUMMED[kind] ** j / (factorial(j) * factorial(j + n) * 2.0 ** (2 * j + n))) for j in range(TERMS)
    ]
    near = _polynomial(x, terms, order)
    if kind == "scaled i":
        near = product(near, exponential([-x.abs(), -x.sign(), *[torch.zeros_like(x)] * order][: order + 1]))
    return _chosen(x.abs() < SMALL, near, found)


def _polynomial(x: Tensor, terms: Sequence[tuple[int, float]], order: int) -> Coefficients:
    """Taylor coefficients of Σ c·x^m."""
    zero = torch.zeros_like(x)
    return [sum((c * comb(m, k) * x ** (m - k) for m, c in terms if m >= k), zero) for k in range(order + 1)]


def _chosen(mask: Tensor, near: Coefficients, far: Coefficients) -> Coefficients:
    """torch's own value, then for each order the one or the other."""
    return [far[0], *(torch.where(mask, p, t) for p, t in zip(near[1:], far[1:], strict=True))]


TORCH_NAMES = {
    "j": ("bessel_j0", "bessel_j1"),
    "y": ("bessel_y0", "bessel_y1"),
    "i": ("i0", "i1"),
    "scaled i": ("i0e", "i1e"),
    "k": ("modified_bessel_k0", "modified_bessel_k1"),
}
BESSEL = {"j": (-1, 1), "y": (-1, 1), "i": (1, 1), "scaled i": (1, 1), "k": (-1, -1)}  # s and r of the equations
SUMMED = {"j": -1, "i": 1, "scaled i": 1}  # those that are finite at 0, with the signs of their ascending series


def _sinc(x: Tensor, order: int) -> Coefficients:
    """sin(πx)/(πx): x·y = sin(πx)/π, so x·y_k + y_(k-1) = s_k; summed where x is small."""
    s = [t * math.pi ** (k - 1) for k, t in enumerate(ELEMENTARY["sin"](math.pi * x, order))]
    y = [torch.sinc(x)]
    for k in range(1, order + 1):
        y.append((s[k] - y[k - 1]) / x)
    terms = [(2 * j, (-1) ** j * math.pi ** (2 * j) / factorial(2 * j + 1)) for j in range(TERMS)]
    return _chosen(x.abs() < SMALL_FOR_SINC, _polynomial(x, terms, order), y)


SPECIAL: dict[str, Rule] = {
    "erf": gaussian(torch.erf, 2 / math.sqrt(math.pi), 1),
    "erfc": gaussian(torch.erfc, -2 / math.sqrt(math.pi), 1),
    "ndtr": gaussian(torch.special.ndtr, 1 / math.sqrt(2 * math.pi), 0.5),
    "erfinv": inverse_gaussian(torch.erfinv, math.sqrt(math.pi) / 2, 1),
    "ndtri": inverse_gaussian(torch.special.ndtri, math.sqrt(2 * math.pi), 0.5),
    "erfcx": _erfcx,
    "log_ndtr": _log_ndtr,
    "lgamma": polygamma(-1),
    "digamma": polygamma(0),
    "sinc": _sinc,
    **{names[n]: _bessel(kind, n) for kind, names in TORCH_NAMES.items() for n in (0, 1)},
}
