"""What the expression becomes in torch, against mpmath."""

import math
import random

import mpmath
import pytest
import torch

from derivcheck.errors import Unsupported
from derivcheck.expression.parsing import parse
from derivcheck.symbolic.differentiation import SymbolicPartials
from derivcheck.symbolic.lowering import lower_one

# text -> mpmath, interval, relative accuracy of torch's kernels (torch.digamma and lgamma are the coarsest)
VALUES = {
    "sec(x) + csc(x) + cot(x)": (lambda x: mpmath.sec(x) + mpmath.csc(x) + mpmath.cot(x), (0.2, 1.2)),
    "sech(x) + csch(x) + coth(x)": (lambda x: mpmath.sech(x) + mpmath.csch(x) + mpmath.coth(x), (0.2, 3)),
    "asec(x) + acsc(x) + acoth(x)": (lambda x: mpmath.asec(x) + mpmath.acsc(x) + mpmath.acoth(x), (1.2, 5)),
    "asech(x) + acsch(x) + acot(x)": (lambda x: mpmath.asech(x) + mpmath.acsch(x) + mpmath.acot(x), (0.2, 0.9)),
    "gamma(x)": (mpmath.gamma, (-3.9, 4)),
    "beta(x, 2)": (lambda x: mpmath.beta(x, 2), (0.2, 4)),
    "besselj(3, x)": (lambda x: mpmath.besselj(3, x), (3, 4)),
    "besseli(2, x)": (lambda x: mpmath.besseli(2, x), (2, 4)),
    "besselk(2, x)": (lambda x: mpmath.besselk(2, x), (0.5, 4)),
    "bessely(2, x)": (lambda x: mpmath.bessely(2, x), (0.5, 4)),
    "lowergamma(2, x)": (lambda x: mpmath.gammainc(2, 0, x), (0.5, 4)),
    "uppergamma(2, x)": (lambda x: mpmath.gammainc(2, x), (0.5, 4)),
    "erfcinv(x)": (lambda x: mpmath.erfinv(1 - x), (0.2, 1.8)),
    "x % 0.5": (lambda x: x - mpmath.floor(2 * x) / 2, (-2, 2)),
    "frac(x) + ceiling(x)": (lambda x: x - mpmath.floor(x) + mpmath.ceil(x), (-2, 2)),
    "Max(x, 0, 1 - x)": (lambda x: max(x, 0, 1 - x), (-2, 2)),
    "Min(x, 0.5)": (lambda x: min(x, 0.5), (-2, 2)),
    "Heaviside(x) + sign(x)": (lambda x: 2 * (x > 0) - (x < 0), (-2, 2)),
    "(x + 1)**2/3/x - 2/x**3": (lambda x: (x + 1) ** 2 / 3 / x - 2 / x**3, (0.5, 2)),
    "2**x*x**x": (lambda x: 2**x * x**x, (0.5, 2)),
    "-x": (lambda x: -x, (-2, 2)),
    "Piecewise((-1, x < -1), (x, (x < 1) & (x > 0)), (x**2, ~(x > 0)), (1, True))": (
        lambda x: -1 if x < -1 else x if 0 < x < 1 else x**2 if x <= 0 else 1,
        (-2, 2),
    ),
}


def lowered(text):
    partials = SymbolicPartials(parse(text).formula, ["x"])
    return lower_one(partials.graph, partials.root)


@pytest.mark.parametrize("text", VALUES)
def test_a_lowered_expression_has_the_value_that_mpmath_finds(text):
    reference, (low, high) = VALUES[text]
    draw = random.Random(text)
    points = [draw.uniform(low, high) for _ in range(30)]
    values = lowered(text)(torch.tensor(points, dtype=torch.float64)).tolist()
    for x, value in zip(points, values, strict=True):
        assert value == pytest.approx(float(mpmath.mpf(reference(mpmath.mpf(x)))), rel=2e-7, abs=1e-12)


class Operations(torch.overrides.TorchFunctionMode):
    """Notes the arithmetic that a function does."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.names.append(func.__name__.strip("_"))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    ("text", "operations"),
    [
        ("x + 1", ["add"]),
        ("1 - x", ["rsub"]),
        ("-x", ["neg"]),
        ("2 - 3*x", ["mul", "rsub"]),
        ("3*x", ["mul"]),
        ("sin(x) - 3*x", ["sin", "mul", "sub"]),
        ("-3*x - sin(x)", ["mul", "sin", "sub"]),
    ],
)
def test_a_sum_is_what_a_person_would_write(text, operations):
    x = torch.linspace(0.5, 1, 3, dtype=torch.float64)
    with Operations() as seen:
        lowered(text)(x)
    done = [name for name in seen.names if name in ("add", "radd", "sub", "rsub", "mul", "rmul", "neg", "sin")]
    assert sorted(done) == sorted(operations)


def test_a_constant_expression_still_has_one_value_per_point():
    assert lowered("sqrt(2) + 0*x")(torch.zeros(3, dtype=torch.float32)).tolist() == [pytest.approx(2**0.5)] * 3


@pytest.mark.parametrize("text", ["1e300 + 0*x", "Piecewise((1e300, x > 0), (x, True))"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_a_number_beyond_the_dtype_is_infinite(text, dtype):
    assert lowered(text)(torch.ones(2, dtype=dtype)).tolist() == [math.inf] * 2


def test_a_number_beyond_float64_is_unsupported():
    with pytest.raises(Unsupported, match="beyond the range"):
        lowered("10**400*x")


def test_a_power_with_a_number_as_exponent_has_its_derivatives_at_zero():
    x = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    y = lowered("x**2")(x)
    for _ in range(2):
        (y,) = torch.autograd.grad(y, x, torch.ones_like(x), create_graph=True)
        assert torch.isfinite(y).all()
    assert y.item() == 2


@pytest.mark.parametrize("text", ["polygamma(2, x)", "zeta(3.5, x)"])
def test_what_torch_does_not_finish_at_negative_numbers_is_unsupported(text):
    """torch's zeta takes one step per unit: at -1e12 + 1/2 it computes for hours, and no signal interrupts it."""
    with pytest.raises(Unsupported, match="one step per unit"):
        lowered(text)(torch.tensor([-1e12 + 0.5], dtype=torch.float64))
