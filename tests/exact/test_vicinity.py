"""A singularity within one rounding of a point, and what merely looks like one."""

import pytest
import torch

from derivcheck.exact.referee import Referees
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
