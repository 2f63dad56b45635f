"""Equations as text: fields, their partials, and operators on expressions of them."""

import pytest
import sympy as sp

from derivcheck.errors import ExpressionError
from derivcheck.expression.equations import equations
from derivcheck.expression.fields import Fields

FIELDS = Fields(["u", "v"], ["x", "y", "t"])


def formulas(text, **params):
    return [equation.formula for equation in equations(text, FIELDS, params)]


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("u_tx", "u_xt"),
        ("D(u, x, t)", "u_xt"),
        ("D(x**2*u_x, x)", "2*x*u_x + x**2*u_xx"),
        ("D(u**2, t)", "2*u*u_t"),
        ("laplacian(u)", "u_xx + u_yy"),
        ("laplacian(u, x, t)", "u_xx + u_tt"),
        ("div(u, v)", "u_x + v_y"),
        ("u_t = u_xx", "u_t - u_xx"),
        ("u_t + u = 0", "u_t + u"),
        ("D(u(x**2, y, t), x)", "2*x*u_x(x**2, y, t)"),
    ],
)
def test_two_ways_to_write_an_equation_are_one(text, same):
    (one,), (other,) = formulas(text), formulas(same)
    assert sp.expand(one - other) == 0


def test_equations_are_separated_by_semicolons():
    assert [str(f) for f in formulas("u_t; v(x, 0, t) + 1;")] == ["u_t", "v(x, 0, t) + 1"]


def test_a_decimal_of_an_equation_is_exact():
    assert formulas("0.01/pi*u_xx")[0].coeff(sp.Symbol("u_xx", real=True)) == 1 / (100 * sp.pi)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("u_z", "not made of coordinates"),
        ("D(u, z)", "no coordinate"),
        ("D(u)", "D takes"),
        ("u(x, 0)", "3 coordinates"),
        ("div(u)", "div takes 2"),
        ("u_t + __import__(x)", "no function"),
        ("", "empty"),
    ],
)
def test_what_is_no_equation_is_refused_with_the_reason(text, cause):
    with pytest.raises(ExpressionError) as error:
        formulas(text)
    assert cause in str(error.value)
