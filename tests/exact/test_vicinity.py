"""A singularity within one rounding of a point, and what merely looks like one."""

import pytest
import torch

from derivcheck.exact.balls import Program
from derivcheck.exact.referees import Referees
from derivcheck.exact.steps import precision
from derivcheck.expression.parsing import parse
from derivcheck.symbolic.differentiation import SymbolicPartials

BELOW_ONE = 1 - 2.0**-53
NEAREST_POLE = 1.5707963267948966  # the float64 next to pi/2: tan is 1.6e16 there

WITHIN = [
    ("log(1 - x)", BELOW_ONE, 0, torch.float64),
    ("1/(1 - x)", 0.998046875, 0, torch.bfloat16),
    ("tan(x)", NEAREST_POLE, 0, torch.float64),
    ("sqrt(log10(1.001 + x))", 0.0, 1, torch.bfloat16),
    ("asin(x)", BELOW_ONE, 1, torch.float64),
    ("(sin(x) - sin(x)*cos(pi*x/2))/(x - 1/3)", 1 / 3, 0, torch.float64),
]
APART = [
    ("sqrt(x - 1)", 1 + 2.0**-52, 1, torch.float64),
    ("exp(x) - exp(-x)", 0.0, 1, torch.float32),
    ("x/(1 + exp(-x))", -30.0, 1, torch.bfloat16),
    ("sqrt(log(1 + x))", 1e-17, 1, torch.float64),
    ("1/(1 - x)", 0.9, 2, torch.bfloat16),
    ("log(x)", 1e-300, 2, torch.float64),
    ("Abs(x)*Max(x, 0)", 0.0, 1, torch.float64),
    ("Piecewise((x**2, x < 1), (1/x, True))", 1.0, 1, torch.bfloat16),
    ("x**2 - x**2 + 1/(x**2 - x + 1)", 0.5, 1, torch.bfloat16),
    ("floor(x) + x % 1", 3.0, 0, torch.float64),
    ("tan(x)", 1.5, 2, torch.float32),
]


def singular(text, x, order, dtype):
    referee = Referees(SymbolicPartials(parse(text).formula, ["x"])).of(((order,),), dtype)
    return bool(referee.singular(torch.tensor([[x]], dtype=torch.float64)))


@pytest.mark.parametrize(("text", "x", "order", "dtype"), WITHIN)
def test_a_singularity_within_a_rounding_is_seen(text, x, order, dtype):
    assert singular(text, x, order, dtype)


@pytest.mark.parametrize(("text", "x", "order", "dtype"), APART)
def test_a_steep_or_bent_function_is_not_singular(text, x, order, dtype):
    assert not singular(text, x, order, dtype)


def test_a_derivative_is_singular_where_the_function_is():
    referee = Referees(SymbolicPartials(parse("log(1 - x)").formula, ["x"])).of(((1,),), torch.float64)
    assert referee.singular(torch.tensor([[BELOW_ONE, 0.5]], dtype=torch.float64)).tolist() == [[True], [False]]


def test_within_the_roundings_of_every_step_more_is_singular():
    referee = Referees(SymbolicPartials(parse("1/(x + cosh(x) - 3.14)").formula, ["x"])).of(((0,),), torch.bfloat16)
    point = torch.tensor([[1.25]], dtype=torch.float64)
    assert referee.singular(point, every=True).tolist() == [[True]]
    assert referee.singular(torch.tensor([[1.0]], dtype=torch.float64), every=True).tolist() == [[False]]


@pytest.mark.parametrize(
    ("text", "dtype", "point", "tied"),
    [
        ("sign(cos((1000/x)**4) + 1/2)", torch.float32, 3.0, True),  # the cosine of 1e10, known to 1e4 radians
        ("sign(cos((1000/x)**4) + 1/2)", torch.float64, 3.0, False),
        ("sign(cos(1.5e8*(1 + x)))", torch.float32, 1e-9, True),  # 1 + x is rounded, whatever x is known to
        ("sign(sin(x))", torch.float32, 1e9, True),
        ("floor((1000/x)**4)", torch.float32, 3.0, True),
        ("floor((1000/x)**4)", torch.float64, 3.0, False),
        ("Max(x, 0.1)", torch.float64, 0.1001, False),
        ("Max(x, 0.1)", torch.bfloat16, 0.10107421875, True),
        ("Max(exp(x), 2)", torch.float64, 0.6931471805599454, True),
        ("Max(exp(x), 2)", torch.float64, 0.69314718056, False),
        ("x + sign(cos(100000) + 1/2)", torch.float32, 3.0, False),
        ("x*Heaviside(pi - 3)", torch.bfloat16, 3.0, False),
        ("floor(pi + 1e-30)*x", torch.bfloat16, 3.0, False),
    ],
)
def test_a_switch_is_tied_where_rounding_turns_it(text, dtype, point, tied):
    symbolic = SymbolicPartials(parse(text).formula, ["x"])
    referee = Referees(symbolic).of(((0,), (1,)), dtype)
    with precision(128):
        assert bool(referee.program.run([point])[1]) is tied


def test_switches_of_few_roundings_cost_nothing_more():
    symbolic = SymbolicPartials(parse("Max(x*y, 0.1)*Abs(x**2 - y) + floor(3*x)").formula, ["x", "y"])
    program = Program(symbolic.graph, [symbolic.root], 2.0**-53, reach=lambda ref, point: pytest.fail("asked"))
    assert program.run([0.3, 0.4])[1] == set()


@pytest.mark.parametrize("text", ["log(x + {})", "log(x*x + {})", "sqrt({} + x)"])
def test_a_constant_below_the_smallest_float_may_be_zero_in_the_dtype(text):
    assert singular(text.format("1e-320"), 0.0, 1, torch.float32)
    assert not singular(text.format("1e-44"), 0.0, 1, torch.float32)


def test_the_value_is_singular_where_only_its_slope_was_asked_to_be_rescued():
    """1e300 is no float64, so nobody knows the remainder; its slope at the tie was looked for and not found."""
    symbolic = SymbolicPartials(parse("asec((1e300) % x)").formula, ["x"])
    referee = Referees(symbolic).of(((0,), (1,)), torch.float64)
    point = torch.tensor([[1.5]], dtype=torch.float64)
    assert float(referee.enclose(point).high[0, 0]) == 0.0
    assert referee.singular(point).tolist() == [[True, True]]
