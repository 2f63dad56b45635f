"""Partials that exist though the graph of the chain rule is not finite, against mpmath."""

from math import factorial

import mpmath
import pytest
import torch

from derivcheck import Verdict, check
from derivcheck.exact.enclosures import Status
from derivcheck.exact.referees import Referees
from derivcheck.expression.parsing import parse
from derivcheck.symbolic.differentiation import SymbolicPartials

REMOVABLE = {
    "expm1(x)/x": lambda k: 1 / mpmath.mpf(k + 1),
    "sin(x)/x": lambda k: mpmath.diff(mpmath.sinc, 0, k),
    "sinc(2*x)": lambda k: mpmath.diff(lambda x: mpmath.sinc(2 * x), 0, k),
    "(1 - cos(x))/x**2": lambda k: factorial(k) * mpmath.taylor(lambda x: mpmath.cos(x), 0, k + 2)[k + 2] * -1,
    "log1p(x)/x": lambda k: factorial(k) * (-1) ** k / mpmath.mpf(k + 1),
    "x/(exp(x) - 1)": lambda k: mpmath.bernoulli(k) if k != 1 else mpmath.mpf(-1) / 2,
    "tanh(x)*cos(x)/sinh(x)": lambda k: factorial(k) * mpmath.taylor(lambda x: mpmath.cos(x) / mpmath.cosh(x), 0, k)[k],
}
NOT = ["x/sqrt(x**2)", "sin(x)/x**2", "Abs(x)/x", "log(x)/x", "sqrt(x)/x", "cos(x)/x"]


def at(text, point, alphas):
    variables = [f"x{k}" for k in range(len(point))] if len(point) > 1 else ["x"]
    symbolic = SymbolicPartials(parse(text).formula, variables)
    return Referees(symbolic).of(tuple(alphas), torch.float64).at(point)[: len(alphas)]


@pytest.mark.parametrize("text", REMOVABLE)
def test_a_removable_singularity_has_the_value_of_its_series(text):
    found = at(text, [0.0], [(k,) for k in range(4)])
    for k, enclosure in enumerate(found):
        assert enclosure.status is Status.REMOVABLE
        assert enclosure.high == pytest.approx(float(REMOVABLE[text](k)), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("text", NOT)
def test_a_singularity_that_is_not_removable_stays_undefined(text):
    (found,) = at(text, [0.0], [(0,)])
    assert found.status in (Status.UNDEFINED, Status.KINK)


def test_sinc_of_a_norm_is_analytic_at_zero():
    found = at("x0*sinc(sqrt(x0**2 + x1**2))", [0.0, 0.0], [(0, 0), (1, 0), (0, 1), (3, 0), (1, 2)])
    assert [e.status for e in found] == [Status.REMOVABLE] * 5
    assert [e.high for e in found] == pytest.approx([0, 1, 0, -1, -1 / 3])


@pytest.mark.parametrize(
    "text", ["sqrt(Max(0, x))", "sqrt(x*(1 + sign(x))/2)", "Piecewise((sqrt(x), x > 0), (0, True))"]
)
def test_a_branch_is_chosen_before_it_is_differentiated(text):
    assert [(e.high, e.status) for e in at(text, [-2.0], [(0,), (1,), (2,)])] == [(0.0, Status.SETTLED)] * 3
    assert at(text, [4.0], [(1,)])[0].high == 0.25


def test_a_removable_singularity_is_judged_where_the_function_gives_a_number():
    def hole(value):
        return lambda x: torch.where(x == 0, value, torch.expm1(x) / torch.where(x == 0, 1.0, x))

    results = [check("expm1(x)/x", function=hole(v), domain=(-1, 1), order=0, timing=False) for v in (1.0, 0.0)]
    assert [r.verdict for r in results] == [Verdict.AGREES, Verdict.DISAGREES]
    assert check("expm1(x)/x", function=hole(float("nan")), domain=(-1, 1), order=0, timing=False).ok


def test_a_divided_difference_is_judged_where_both_points_meet():
    """The value is right at x = y; the gradient of torch.where is NaN there, unless the denominator is guarded too."""

    def trapped(x, y):
        return torch.where(x == y, x.exp(), (x.exp() - y.exp()) / (x - y))

    def series(x, y):
        middle, t = (x + y) / 2, ((x - y) / 2) ** 2
        total = torch.ones_like(t)
        for k in (156, 110, 72, 42, 20, 6):  # sinh(t)/t
            total = 1 + t / k * total
        return middle.exp() * total

    request = {"domain": (-0.5, 0.5), "points": 200, "timing": False}
    first = check("(exp(x) - exp(y))/(x - y)", function=trapped, **request).checks[0].partials[1]
    assert first.verdict is Verdict.DISAGREES
    assert first.worst.point["x"] == first.worst.point["y"]
    assert check("(exp(x) - exp(y))/(x - y)", function=series, **request).ok


@pytest.mark.parametrize("text", ["(2.5*x) % x", "(x*cos(x)) % x", "Piecewise((1, (2.5*x) % x > -1), (2, True))"])
def test_a_remainder_of_a_division_by_zero_is_undefined(text):
    """torch gives NaN, and every comparison with it is false."""
    (found,) = at(text, [0.0], [(0,)])
    assert found.status is Status.UNDEFINED
    (found,) = at(text, [0.5], [(0,)])
    assert found.status is Status.SETTLED
