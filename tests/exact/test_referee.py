import math
import time

import pytest
import torch
from flint import arb

from derivcheck.errors import TimedOut
from derivcheck.exact.arb_heads import HEADS, until
from derivcheck.exact.enclosures import Exact, Status
from derivcheck.exact.referees import Referees
from derivcheck.exact.steps import precision
from derivcheck.expression.parsing import parse
from derivcheck.symbolic.differentiation import SymbolicPartials


def at(text, point, order=0, variables=("x",), partials=None):
    """(values, statuses) of the partials up to this order in x at one point."""
    alphas = partials or [(k,) for k in range(order + 1)]
    symbolic = SymbolicPartials(parse(text).formula, variables)
    found = Referees(symbolic).of(tuple(alphas), torch.float64).at(point)[: len(alphas)]
    return [e.high for e in found], [e.status for e in found]


def test_catastrophic_cancellation_is_settled_by_more_precision():
    (value,), (status,) = at("(1 - cos(x))/x**2", [1e-100])
    assert status is Status.SETTLED
    assert value == 0.5


def test_the_exact_value_holds_106_bits():
    symbolic = SymbolicPartials(parse("x/3").formula, ["x"])
    exact = Referees(symbolic).of(((0,),), torch.float64).enclose(torch.tensor([[1.0]], dtype=torch.float64))
    assert exact.high.item() == 1 / 3
    assert exact.low.item() == pytest.approx(1 / 3 * 2**-54, rel=1e-10)


def test_an_error_far_below_a_rounding_is_seen():
    exact = Exact(torch.tensor([1.0]).double(), torch.tensor([2.0**-60]).double(), torch.tensor([0]))
    assert exact.error(torch.tensor([1.0]).double()).item() == 2.0**-60


def test_a_function_that_is_not_defined_has_no_partials_there():
    assert at("log(x)", [-1.0], 2)[1] == [Status.UNDEFINED] * 3


@pytest.mark.parametrize(
    ("text", "point", "statuses"),
    [
        ("Abs(x)**3", 0.0, "SSSK"),
        ("Abs(x)", 0.0, "SKK"),
        ("Abs(x)", 1e-300, "SSS"),
        ("sign(x)", 0.0, "KKK"),
        ("Max(x, 0)**2", 0.0, "SSK"),
        ("floor(x)", 2.0, "KK"),
        ("x - floor(x)", 0.5, "SS"),
        ("Mod(x, 0.25)", 0.5, "KK"),
        ("Piecewise((x**2, x < 1), (2*x - 1, True))", 1.0, "SSK"),
        ("Piecewise((x**2, x < 1), (x, True))", 1.0, "SK"),
        ("Piecewise((x, x <= 1), (5, True))", 1.0, "KK"),
        ("Max(x, 0.1)", 0.1, "SK"),
        ("Max(x, x)", 0.5, "SS"),
        ("Abs(sin(x))", 0.0, "SK"),
        ("x**(5/2)", 0.0, "SSSU"),
        ("1/x", 0.0, "UU"),
        ("Max(log(x), x)", -1.0, "UU"),
    ],
)
def test_a_partial_exists_at_a_kink_where_all_sides_agree(text, point, statuses):
    short = {Status.SETTLED: "S", Status.KINK: "K", Status.UNDEFINED: "U", Status.UNSETTLED: "?"}
    assert "".join(short[s] for s in at(text, [point], len(statuses) - 1)[1]) == statuses


def test_at_a_smooth_joint_the_partial_is_judged_by_its_value():
    values, statuses = at("Piecewise((exp(x), x <= 0), (1 + x, True))", [0.0], 2)
    assert values[:2] == [1.0, 1.0]
    assert statuses == [Status.SETTLED, Status.SETTLED, Status.KINK]


def test_a_kink_in_another_variable_does_not_matter():
    values, statuses = at("Abs(x2)*x1", [3.0, 0.0], variables=("x1", "x2"), partials=[(0, 0), (1, 0), (0, 1)])
    assert statuses == [Status.SETTLED, Status.SETTLED, Status.KINK]
    assert values[1] == 0.0


def test_an_exact_zero_settles():
    assert at("sin(x)**2 + cos(x)**2 - 1", [0.7], 1) == ([0.0, 0.0], [Status.SETTLED] * 2)


def test_values_beyond_float64_are_infinite_not_lost():
    (value,), (status,) = at("exp(x)", [1e5])
    assert value == math.inf
    assert status is Status.SETTLED


def test_past_its_deadline_it_returns_what_it_has():
    symbolic = SymbolicPartials(parse("sin(x)").formula, ["x"])
    exact = Referees(symbolic).of(((0,),), torch.float64).enclose(torch.rand(1, 50, dtype=torch.float64), deadline=0.0)
    assert exact.high.shape == (0, 1)


ISOLATED = [
    ("Piecewise((3*y, x1 != x2), (7*y, True))", (0.5, 0.5, 0.25), [1.75, None, None, 7.0]),
    ("Piecewise((3*y, x1 != x2), (7*y, True))", (0.5, 0.5, 0.0), [0.0, 0.0, 0.0, 7.0]),
    ("Piecewise((3*y, x1 != x2), (7*y, True))", (0.5, 0.5 + 2**-53, 0.25), [0.75, 0.0, 0.0, 3.0]),
    ("Piecewise((x1*y, x1 == x2), (x2*y, True))", (0.5, 0.5, 0.25), [0.125, 0.0, 0.25, 0.5]),
    ("Piecewise((x1, x1 == x1), (0, True)) + x2 + y", (0.5, 0.5, 0.25), [1.25, 1.0, 1.0, 1.0]),
]


@pytest.mark.parametrize(("text", "point", "expected"), ISOLATED)
def test_at_an_exact_tie_equality_holds(text, point, expected):
    """Value and slopes along the tie are those of its own branch; slopes across it exist where the values meet."""
    partials = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    values, statuses = at(text, point, variables=("x1", "x2", "y"), partials=partials)
    assert [v if s is Status.SETTLED else None for v, s in zip(values, statuses, strict=True)] == expected


def test_time_runs_out_inside_of_a_point_too():
    """A tower of thirty besselk takes minutes at a single one."""
    tower = "besselk(2, " * 20 + "x" + ")" * 20
    symbolic = SymbolicPartials(parse(tower).formula, ["x"])
    referee = Referees(symbolic).of(((0,), (1,), (2,)), torch.float64)
    exact = referee.enclose(torch.rand(1, 50, dtype=torch.float64) * 1e3, time.monotonic() + 0.5)
    assert len(exact.high) < 50
    with pytest.raises(TimedOut), until(time.monotonic() - 1):
        HEADS["besselk"](arb(1), arb(2))
    assert HEADS["besselk"](arb(1), arb(2)).is_finite()


@pytest.mark.parametrize(("bits", "x"), [(128, 0.5), (128, 20.25), (128, 300.5), (512, 100.125), (2048, 500.125)])
def test_besselk_is_proved_at_any_argument(bits, x):
    """I_2(x)·K_3(x) + I_3(x)·K_2(x) = 1/x (DLMF 10.28.2). flint's own K takes a minute at 500 with 2048 bits."""
    with precision(bits):
        two, three, place = arb(2), arb(3), arb(x)
        i, k = HEADS["besseli"], HEADS["besselk"]
        ball = i(two, place) * k(three, place) + i(three, place) * k(two, place)
        assert ball.contains(1 / place)
        assert k(two, place).rel_accuracy_bits() > bits - 40
