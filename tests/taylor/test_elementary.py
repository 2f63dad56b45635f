"""Every Taylor rule against mpmath.taylor at 40 digits, over its domain."""

from math import comb

import mpmath
import pytest
import torch

from derivcheck.taylor.elementary import ELEMENTARY, RELATIVE, power
from derivcheck.taylor.special import SPECIAL, incomplete_gamma, polygamma, zeta

ORDER = 6
LINE = [-2.5, -0.75, 0.0, 1e-3, 0.5, 1.75, 6.0]
POSITIVE = [1e-3, 0.25, 1.0, 2.5, 20.0]
OPEN = [-0.95, -0.4, 0.0, 1e-3, 0.625, 0.99]
UNIT = [0.01, 0.3, 0.5, 0.875]
BESSEL = [-4.0, -2.5, -1.5, -1e-3, 0.0, 1e-3, 0.7, 1.99, 2.01, 4.5]


def cylinder(bessel, n, half, sign):
    """Taylor coefficients of Y_n and K_n, the order given: half^k·Σ binomial(k, j)·sign^j·C_(n-k+2j)/k! (DLMF 10.6.7,
    10.29.5). mpmath would difference them at a hundred digits, which takes a minute."""

    def coefficient(x, k):
        orders = [comb(k, j) * sign**j * bessel(n - k + 2 * j, x) for j in range(k + 1)]
        return mpmath.mpf(half) ** k * mpmath.fsum(orders) / mpmath.factorial(k)

    return lambda x, order: [coefficient(x, k) for k in range(order + 1)]


# name -> (mpmath's function, points): a new rule fails until it is listed here.
REFERENCES = {
    "exp": (mpmath.exp, LINE),
    "exp2": (lambda x: mpmath.mpf(2) ** x, LINE),
    "expm1": (mpmath.expm1, LINE),
    "log": (mpmath.log, POSITIVE),
    "log1p": (mpmath.log1p, [-0.9, -1e-3, 0.0, 1e-3, 3.0]),
    "log2": (lambda x: mpmath.log(x) / mpmath.log(2), POSITIVE),
    "log10": (lambda x: mpmath.log(x) / mpmath.log(10), POSITIVE),
    "sin": (mpmath.sin, LINE),
    "cos": (mpmath.cos, LINE),
    "sinh": (mpmath.sinh, LINE),
    "cosh": (mpmath.cosh, LINE),
    "tan": (mpmath.tan, [-1.5, -0.5, 0.0, 1e-3, 1.0, 2.0]),
    "tanh": (mpmath.tanh, LINE),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), LINE),
    "asin": (mpmath.asin, OPEN),
    "acos": (mpmath.acos, OPEN),
    "atan": (mpmath.atan, LINE),
    "asinh": (mpmath.asinh, LINE),
    "acosh": (mpmath.acosh, [1.001, 1.5, 3.0, 20.0]),
    "atanh": (mpmath.atanh, OPEN),
    "sqrt": (mpmath.sqrt, POSITIVE),
    "rsqrt": (lambda x: 1 / mpmath.sqrt(x), POSITIVE),
    "square": (lambda x: x * x, LINE),
    "reciprocal": (lambda x: 1 / x, [-2.0, -1e-3, 0.5, 3.0]),
    "erf": (mpmath.erf, LINE),
    "erfc": (mpmath.erfc, LINE),
    "ndtr": (mpmath.ncdf, LINE),
    "erfinv": (mpmath.erfinv, OPEN),
    "ndtri": (lambda p: mpmath.sqrt(2) * mpmath.erfinv(2 * p - 1), UNIT),
    "erfcx": (lambda x: mpmath.exp(x * x) * mpmath.erfc(x), [-1.5, 0.0, 0.25, 1.0]),
    "log_ndtr": (lambda x: mpmath.log(mpmath.ncdf(x)), [-2.0, -0.5, 0.0, 1.0, 3.0]),
    "lgamma": (mpmath.loggamma, [0.25, 1.0, 2.5, 20.0]),
    "digamma": (mpmath.digamma, [0.25, 1.0, 2.5, 20.0]),
    "sinc": (lambda x: mpmath.sinc(mpmath.pi * x), [-3.25, -0.99, -1e-3, 0.0, 0.3, 1.01, 4.5]),
    "bessel_j0": (lambda x: mpmath.besselj(0, x), BESSEL),
    "bessel_j1": (lambda x: mpmath.besselj(1, x), BESSEL),
    "bessel_y0": (cylinder(mpmath.bessely, 0, 0.5, -1), [0.5, 1.9, 2.1, 12.0]),
    "bessel_y1": (cylinder(mpmath.bessely, 1, 0.5, -1), [0.5, 1.9, 2.1, 12.0]),
    "i0": (lambda x: mpmath.besseli(0, x), BESSEL),
    "i1": (lambda x: mpmath.besseli(1, x), BESSEL),
    "i0e": (lambda x: mpmath.besseli(0, x) * mpmath.exp(-mpmath.sign(x) * x), [p for p in BESSEL if p]),
    "i1e": (lambda x: mpmath.besseli(1, x) * mpmath.exp(-mpmath.sign(x) * x), [p for p in BESSEL if p]),
    "modified_bessel_k0": (cylinder(mpmath.besselk, 0, -0.5, 1), [0.5, 1.9, 2.1, 12.0]),
    "modified_bessel_k1": (cylinder(mpmath.besselk, 1, -0.5, 1), [0.5, 1.9, 2.1, 12.0]),
}
KNOWN = [function for name, (function, _) in REFERENCES.items() if name.startswith(("bessel_y", "modified"))]
# What torch's own kernel knows of the function, and what a division by x costs, where that leaves less than 11 digits.
ROUGH = {
    **dict.fromkeys(["lgamma", "digamma"], 1e-8),
    **{
        name: 1e-7 if name in ("bessel_j0", "bessel_j1") else 1e-9
        for name in SPECIAL
        if "bessel" in name or name in ("i0", "i1", "i0e", "i1e")
    },
}


def taylor(function, x, order=ORDER):
    """Forty digits of g^(k)(x)/k!."""
    with mpmath.workdps(40):
        if function in KNOWN:
            return function(mpmath.mpf(x), order)
        return [mpmath.re(c) for c in mpmath.taylor(function, mpmath.mpf(x), order)]


def assert_rule(rule, function, points, rtol=1e-11):
    """Each coefficient relative to the largest of its size at this point: those that vanish have no digits."""
    found = rule(torch.tensor(points, dtype=torch.float64), ORDER)
    assert len(found) == ORDER + 1
    for i, x in enumerate(points):
        exact = taylor(function, x)
        for k, c in enumerate(exact):
            scale = abs(c) + mpmath.mpf(1e-3) * max(map(abs, exact[max(0, k - 1) : k + 2]))
            assert abs(found[k][i].item() - c) <= rtol * scale, (x, k, found[k][i].item(), mpmath.nstr(c, 17))


def test_every_rule_has_a_reference_and_every_reference_a_rule():
    assert set(REFERENCES) == {*ELEMENTARY, *SPECIAL}


@pytest.mark.parametrize("name", [*ELEMENTARY, *SPECIAL])
def test_a_rule_gives_the_coefficients_of_mpmath(name):
    function, points = REFERENCES[name]
    assert_rule((ELEMENTARY | SPECIAL)[name], function, points, ROUGH.get(name, 1e-11))


@pytest.mark.parametrize("name", RELATIVE)
def test_a_relative_rule_gives_the_coefficients_times_powers_of_the_point(name):
    function, points = REFERENCES[name]
    found = RELATIVE[name](torch.tensor(points, dtype=torch.float64), ORDER)
    for i, x in enumerate(points):
        for k, c in enumerate(taylor(function, x)):
            assert found[k][i].item() == pytest.approx(float(c * mpmath.mpf(x) ** k), rel=1e-13)


@pytest.mark.parametrize("name", [*ELEMENTARY, *SPECIAL])
def test_order_zero_is_torchs_own_value(name):
    op = getattr(torch, name, None) or getattr(torch.special, name)
    x = torch.tensor(REFERENCES[name][1], dtype=torch.float64)
    (value,) = (ELEMENTARY | SPECIAL)[name](x, 0)
    assert torch.equal(value, op(x))


@pytest.mark.parametrize("exponent", [0, 1, 3, -2, 0.5, -0.5, 2.5, 1 / 3])
def test_powers(exponent):
    points = POSITIVE if exponent % 1 else [-2.0, -0.5, 1.0, 3.0]
    assert_rule(lambda x, order: power(x, exponent, order), lambda x: x ** mpmath.mpf(exponent), points)


def test_a_whole_power_has_no_derivative_beyond_its_own_at_zero():
    found = power(torch.zeros(1, dtype=torch.float64), 3, ORDER)
    assert [t.item() for t in found] == [0, 0, 0, 1, 0, 0, 0]


@pytest.mark.parametrize("n", [1, 2, 4])
def test_polygammas(n):
    """torch.polygamma itself is accurate to 1e-9 at some points."""
    assert_rule(polygamma(n), lambda x: mpmath.polygamma(n, x), [0.25, 1.0, 2.5, 20.0], 1e-8)


@pytest.mark.parametrize("s", [1.5, 2, 4])
def test_hurwitz_zeta_in_its_second_argument(s):
    assert_rule(zeta(s), lambda q: mpmath.zeta(s, q), [0.25, 1.0, 2.5, 10.0], 1e-10)


@pytest.mark.parametrize("a", [0.5, 1.0, 2.5])
def test_incomplete_gammas(a):
    points = [0.25, 0.5, 2.0, 6.0]
    lower = incomplete_gamma(a, torch.special.gammainc, 1)
    upper = incomplete_gamma(a, torch.special.gammaincc, -1)
    assert_rule(lower, lambda x: mpmath.gammainc(a, 0, x, regularized=True), points, 1e-9)
    assert_rule(upper, lambda x: mpmath.gammainc(a, x, mpmath.inf, regularized=True), points, 1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", [*ELEMENTARY, *SPECIAL])
def test_a_rule_keeps_the_dtype(name, dtype):
    op = getattr(torch, name, None) or getattr(torch.special, name)
    x = torch.tensor([REFERENCES[name][1][2]], dtype=dtype)
    try:
        op(x)
        found = (ELEMENTARY | SPECIAL)[name](x, 3)
    except RuntimeError as error:  # torch 2.5 has i0 in bfloat16 and not its derivative i1
        if "not implemented" not in str(error):
            raise
        pytest.skip(f"torch has no {name} in {dtype}")
    assert {t.dtype for t in found} == {dtype}
