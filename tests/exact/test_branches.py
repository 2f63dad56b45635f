"""Branches are resolved before they are differentiated."""

import math
from itertools import product

import mpmath
import pytest
import torch

from derivcheck.exact.enclosures import Status
from derivcheck.exact.referees import Referees
from derivcheck.expression.parsing import parse
from derivcheck.symbolic.differentiation import SymbolicPartials


def enclosed(text, point, order):
    """Values and statuses of all partials to this order, in ascending order."""
    formula = parse(text).formula
    names = sorted(map(str, formula.free_symbols))
    alphas = sorted(
        (a for a in product(range(order + 1), repeat=len(names)) if sum(a) <= order), key=lambda a: (sum(a), a)
    )
    referee = Referees(SymbolicPartials(formula, names)).of(tuple(alphas), torch.float64)
    exact = referee.enclose(torch.tensor(point, dtype=torch.float64).reshape(len(names), 1))
    return exact.high[0].tolist(), [Status(s) for s in exact.status[0].tolist()]


# The formula, a point where its derivative is 0**(-1/2)·0 or alike, and the function that it is around the point.
RESOLVED = [
    ("sqrt(Max(0,x))", -0.5, lambda x: mpmath.mpf(0)),
    ("sqrt(-Min(0,x))+x**2", 0.5, lambda x: x**2),
    ("sqrt(Abs(x)-x)*x+sin(x)", 0.75, mpmath.sin),
    ("sqrt(sign(x)+1)*x", -3.0, lambda x: mpmath.mpf(0)),
    ("sqrt(1-Heaviside(x))+exp(x)", 1.5, mpmath.exp),
    ("sqrt(floor(x))*x", 0.5, lambda x: mpmath.mpf(0)),
    ("sqrt(Mod(x,1)-x+2)*x", 2.5, lambda x: mpmath.mpf(0)),
    ("sqrt(Piecewise((0,x<1),(x,True)))+cos(x)", 0.5, mpmath.cos),
    ("Max(0,x)**Rational(1,3)*Max(1,Abs(x))", -2.0, lambda x: mpmath.mpf(0)),
    ("Max(1,Max(0,x)**Rational(1,2)+x)", -2.0, lambda x: mpmath.mpf(1)),
]


@pytest.mark.parametrize(("text", "x", "around"), RESOLVED, ids=lambda part: part if isinstance(part, str) else None)
def test_a_branch_has_derivatives_of_its_own(text, x, around):
    values, statuses = enclosed(text, [x], 3)
    assert statuses == [Status.SETTLED] * 4
    for k, value in enumerate(values):
        assert value == pytest.approx(float(mpmath.diff(around, x, k)), abs=1e-12)


def test_each_variable_has_its_partials():
    values, statuses = enclosed("sqrt(Max(0, 1+a-b-c))/2", [-0.5, 0.4, 0.9], 1)
    assert (values, statuses) == ([0.0] * 4, [Status.SETTLED] * 4)
    (value, *slopes), _ = enclosed("sqrt(Max(0, 1+a-b-c))/2", [0.5, 0.4, 0.9], 1)
    root = math.sqrt(1 + 0.5 - 0.4 - 0.9)
    assert [value, *slopes] == pytest.approx([root / 2, -0.25 / root, -0.25 / root, 0.25 / root])


@pytest.mark.parametrize(("text", "x"), [("log(Max(0,x))", -1.0), ("sqrt(Max(0,x)-1)", -1.0), ("1/Max(0,x)", -1.0)])
def test_a_branch_that_is_undefined_remains_so(text, x):
    assert enclosed(text, [x], 2)[1] == [Status.UNDEFINED] * 3


def test_at_the_edge_of_a_branch_the_derivative_does_not_exist():
    assert enclosed("sqrt(Max(0,x))", [0.0], 1)[1] == [Status.SETTLED, Status.UNDEFINED]


def test_what_is_tied_elsewhere_is_compared_side_by_side():
    text = "sqrt(Max(0,-1-x)) + Abs(x)"
    assert enclosed(text, [0.0], 2)[1] == [Status.SETTLED, Status.KINK, Status.KINK]
    assert enclosed("sqrt(Max(0,-1-x)) + Abs(x)**3", [0.0], 2) == ([0.0] * 3, [Status.SETTLED] * 3)


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("Piecewise((expm1(x)/x, x != 0), (1, True))", [1, 1 / 2, 1 / 3]),
        ("Piecewise((1, x == 0), (sin(x)/x, True))", [1, 0, -1 / 3]),
        ("Piecewise((exp(-1/x), x > 0), (0, True))", [0, 0, 0]),
        ("Piecewise((x**3*log(x), x > 0), (0, True))", [0, 0, 0]),
    ],
)
def test_a_hole_that_a_case_fills_has_the_derivatives_from_around_it(text, truth):
    assert enclosed(text, [0.0], 2) == (pytest.approx(truth), [Status.SETTLED] * 3)


@pytest.mark.parametrize(
    ("text", "statuses"),
    [
        ("Piecewise((expm1(x)/x, x != 0), (2, True))", [Status.SETTLED, Status.KINK]),
        ("Piecewise((x*log(x), x > 0), (0, True))", [Status.SETTLED, Status.UNDEFINED]),
        ("Piecewise((sqrt(x), x > 0), (0, True))", [Status.SETTLED, Status.UNDEFINED]),
    ],
)
def test_a_hole_filled_otherwise_has_no_slope(text, statuses):
    assert enclosed(text, [0.0], 1)[1] == statuses


def test_a_removable_singularity_of_an_absolute_value():
    values, statuses = enclosed("sin(Abs(x))/Abs(x)", [0.0], 2)
    assert (values, statuses) == (pytest.approx([1, 0, -1 / 3]), [Status.REMOVABLE] * 3)
    assert enclosed("x*sign(x)/Abs(x)", [0.0], 1) == ([1.0, 0.0], [Status.REMOVABLE] * 2)


def test_a_jump_is_not_removed_by_cancellation():
    assert enclosed("x + atan2(x, x)*log(1 + exp(x))", [0.0], 1)[1] == [Status.UNDEFINED] * 2
    assert enclosed("atan2(x, x)", [-1.0], 1) == ([pytest.approx(-0.75 * math.pi), 0.0], [Status.SETTLED] * 2)
    for text in ("x/Abs(x)", "sign(x)**2", "Abs(x)/x", "Heaviside(x) + x"):
        assert enclosed(text, [0.0], 1)[1][1] in (Status.UNDEFINED, Status.KINK), text
