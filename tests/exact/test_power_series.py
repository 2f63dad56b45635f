"""Power series of removable singularities, against sympy's series and limits."""

from itertools import product

import pytest
import sympy as sp
import torch

from derivcheck.exact.enclosures import Status
from derivcheck.exact.referees import Referees
from derivcheck.expression.parsing import parse
from derivcheck.symbolic.differentiation import SymbolicPartials


def enclosed(text, point, order=2):
    """{alpha: (value, status)} of all partials to this order."""
    formula = parse(text).formula
    names = sorted(map(str, formula.free_symbols))
    alphas = [a for a in product(range(order + 1), repeat=len(names)) if sum(a) <= order]
    found = Referees(SymbolicPartials(formula, names)).of(tuple(alphas), torch.float64).at(point)
    return {alpha: (e.high, e.status) for alpha, e in zip(alphas, found, strict=False)}


def agrees(text, around, point, order=2):
    """Whether all partials at the point are those of an expression that is analytic there, by sympy."""
    expression = sp.sympify(around)
    symbols = sorted(sp.sympify(text).free_symbols, key=str)
    at = dict(zip(symbols, map(sp.Rational, point), strict=True))
    for alpha, (value, status) in enclosed(text, point, order).items():
        steps = [(x, k) for x, k in zip(symbols, alpha, strict=True) if k]
        truth = (expression.diff(*steps) if steps else expression).subs(at)
        assert status is Status.REMOVABLE
        assert value == pytest.approx(float(truth), abs=1e-14)


ONE = ["expm1(x)/x", "1/x - 1/sin(x)", "x/tanh(x)", "sin(x)**9/tan(x)**9", "(1-cos(x))**3/x**6", "asin(x)/log1p(x)"]
ONE += ["sin(x)**5*(1-cos(x))**3/(x**5*expm1(x**2)**3)", "sqrt(x**4 + x**6)/(cos(x) - 1)", "(x - sin(x))/x**3"]


@pytest.mark.parametrize("text", ONE)
def test_in_one_variable_leading_terms_cancel(text):
    written = (
        text.replace("expm1(x**2)", "(exp(x**2)-1)").replace("expm1(x)", "(exp(x)-1)").replace("log1p(x)", "log(1+x)")
    )
    x = sp.Symbol("x")
    around = sp.series(sp.sympify(written.replace("sqrt(x**4 + x**6)", "x**2*sqrt(1+x**2)")), x, 0, 6).removeO()
    agrees(text, around, [0.0], 4)


R = "(x**2 + y**2)"
SEVERAL = [
    ("y*sin(x)/x", "y*(1 - x**2/6)", [0.0, 2.0]),
    ("(1-cos(sqrt(x**2+y**2)))/(x**2+y**2)", f"1/2 - {R}/24", [0.0, 0.0]),
    ("cosh(sqrt(x**2+y**2))*x/tanh(x)", f"(1 + {R}/2)*(1 + x**2/3)", [0.0, 0.0]),
    ("expm1(x-y)/(x-y)", "1 + (x-y)/2 + (x-y)**2/6", [0.25, 0.25]),
    ("y**2*x/tanh(x) + exp(y*x)", "y**2*(1 + x**2/3) + exp(y*x)", [0.0, 1.0]),
    ("sinc(x)*sinc(y)", "(1 - x**2/6)*(1 - y**2/6)", [0.0, 0.0]),
]
DIVIDED = [
    ("sin(x*y)/(x*y)", "1 - (x*y)**2/6", [0.0, 0.0]),
    ("sin(x*y)/(x*y)", "1 - (x*y)**2/6 + (x*y)**4/120", [0.0, 0.5]),
    ("sin(x*y)/x", "y - x**2*y**3/6", [0.0, 2.0]),
    ("(exp(x)-exp(y))/(x-y)", "exp(y)*(1 + (x-y)/2 + (x-y)**2/6)", [0.25, 0.25]),
    ("(exp(x)-exp(y)-(x-y)*exp(y))/(x-y)**2", "exp(y)*(1/2 + (x-y)/6 + (x-y)**2/24)", [0.25, 0.25]),
    ("log(x/y)/(2*x-2*y)", "1/y*(1/2 - (x-y)/(4*y) + (x-y)**2/(6*y**2))", [2.0, 2.0]),
    ("(y*sin(x)-x*sin(y))/(x*y*(x-y)*(x+y))", "-1/6 + (x**2+y**2)/120", [0.0, 0.0]),
    (f"(exp(x)-exp(y))/(x-y) + sinc(sqrt{R})", f"1 + (x+y)/2 + (x**2+x*y+y**2)/6 + 1 - {R}/6", [0.0, 0.0]),
    ("x**y*sin(x-y)/(x-y)", "x**y*(1 - (x-y)**2/6)", [2.0, 2.0]),
]
SPECIAL = [
    ("besselj(1, x)/x", "1/2 - x**2/16 + x**4/384"),
    ("besseli(2, x)/x**2", "1/8 + x**2/96 + x**4/3072"),
    ("x*coth(x)", "1 + x**2/3 - x**4/45"),
    ("1/x - csc(x)", "-x/6 - 7*x**3/360"),
    ("(2**x - 1)/x", "log(2) + x*log(2)**2/2 + x**2*log(2)**3/6 + x**3*log(2)**4/24"),
    ("LambertW(x)/x", "1 - x + 3*x**2/2 - 8*x**3/3"),
    ("erfinv(x)/x", "sqrt(pi)/2*(1 + pi*x**2/12)"),
    ("besselj(1, x)*sin(x - 1)/(x - 1)", "besselj(1, x)*(1 - (x - 1)**2/6)", [1.0]),
]


@pytest.mark.parametrize(("text", "around", "point"), SEVERAL)
def test_in_several_variables_a_vanishing_denominator_is_a_variable(text, around, point):
    agrees(text, around, point)


@pytest.mark.parametrize(("text", "around", "point"), DIVIDED)
def test_a_linear_form_that_the_formula_shows_to_divide_the_numerator_is_cancelled(text, around, point):
    agrees(text, around, point)


@pytest.mark.parametrize("case", SPECIAL, ids=lambda case: case[0])
def test_special_functions_have_a_series(case):
    text, around, point = (*case, [0.0])[:3]
    agrees(text, around, point, 2)


@pytest.mark.parametrize("order", [0, 1])
def test_a_low_order_sees_the_denominator_vanish_too(order):
    agrees("x*sinc(sqrt(x**2+y**2))", f"x*(1 - {R}/6)", [0.0, 0.0], order)


NOT = [
    ("(sin(x) + y**30)/x", [0.0, 0.0]),  # no truncated series shows y**30
    ("sin(x)/(x + y**30)", [0.0, 0.0]),
    ("(exp(x) - exp(y) + y**30)/(x - y)", [0.0, 0.0]),
    ("(exp(x) - exp(y))/(x - y)**2", [0.25, 0.25]),
    ("x*y/(x**2 + y**2)", [0.0, 0.0]),
    ("sin(x)/sqrt(x**2 + y**2)", [0.0, 0.0]),
    ("sin(sqrt(x**2 + y**2))", [0.0, 0.0]),
    ("sqrt(x**2 + x**4)*sin(x)/x**2", [0.0]),  # |x|/x
    ("sin(x)/x**2", [0.0]),
    ("sqrt(x)*sin(x)/x", [0.0]),
]


@pytest.mark.parametrize(("text", "point"), NOT)
def test_what_is_not_analytic_has_no_slope(text, point):
    found = enclosed(text, point, 1)
    assert all(status in (Status.UNDEFINED, Status.KINK) for alpha, (_, status) in found.items() if any(alpha))


@pytest.mark.parametrize("text", ["atanh(Max(y/y, x))", "atanh(y)*sin(x)/x", "exp2(1e-320)**2*sin(x)/x"])
def test_what_has_no_series_at_the_point_is_undefined_not_an_error(text):
    symbolic = SymbolicPartials(parse(text).formula, ["x", "y"])
    referee = Referees(symbolic).of(((0, 0), (1, 0)), torch.float64)
    assert referee.enclose(torch.tensor([[0.0, 1.0, 0.0], [1.0, 1.0, 0.0]], dtype=torch.float64)).status.shape == (3, 2)
