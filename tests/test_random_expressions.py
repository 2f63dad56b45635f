"""Nothing honest disagrees: random expressions and physics formulas in every dtype."""

import pytest

from derivcheck import Verdict, check
from derivcheck.errors import ExpressionError
from tests.expressions import expression

# The seeds that `make fuzz` found nothing at; those that torch itself gets wrong are in CHANGELOG.md.
SEEDS = range(40)
PHYSICS = {
    "m*v/sqrt(1 - v**2/c**2)": {"m": (1, 5), "v": (1, 2), "c": (3, 10)},
    "h*w**3/(pi**2*c**2*(exp(h*w/(k*T)) - 1))": (1, 5),
    "exp(-((x - m)/s)**2/2)/(sqrt(2*pi)*s)": (1, 3),
    "sqrt((x2 - x1)**2 + (y2 - y1)**2)": (1, 5),
    "G*m/((x2-x1)**2 + (y2-y1)**2)": {"G": (1, 2), "m": (1, 2), "x1": (1, 2), "x2": (3, 4), "y1": (1, 2), "y2": (3, 4)},
    "q/(4*pi*e*r*(1 - v/c))": {"q": (1, 5), "e": (1, 5), "r": (1, 5), "v": (1, 2), "c": (3, 10)},
    "I0*(sin(n*t/2)/sin(t/2))**2": {"I0": (1, 5), "n": (1, 5), "t": (1, 5)},
    "asin(w/(n*d))": {"w": (1, 2), "n": (1, 2), "d": (2, 5)},
    "4*a*((s/r)**12 - (s/r)**6)": (1, 2),
    "n0*exp(-m*g*x/(k*T))": (1, 5),
}  # fmt: skip

# What random searches found: text, domain, dtype, order. Each was a false alarm, or took minutes.
ONCE_WRONG = [
    ("tan(coth(y*x) + asinh(softplus(x)))", {"x": (0.999, 1.001), "y": (0, 1)}, "float32", 2),
    ("x**2/atan2(x, x)*(2*x - x**2) - tan((3 + sinc(x))*(x - (x + 2)))", {"x": (0.1, 2)}, "bfloat16", 2),
    ("z + pi", {"z": (-5, -0.1)}, "float32", 1),
    ("(i0(x + y) + (1.7/y)**-2)/sqrt(x**2)", {"x": (-100, 100), "y": (-100, 100)}, "bfloat16", 1),
    ("(x - 0.1)*(x - 0.7)", {"x": (0, 1)}, "float16", 2),
    ("csc(x*y)", {"x": (-5, -0.1), "y": (0, 1e-12)}, "float32", 2),
    ("3*y**4/(Min(y, 2)*(x + y))", {"x": (-100, 100), "y": (-100, 100)}, "float32", 0),
]


def random_case(seed):
    variables = ["x1", "x2"][: 1 + seed % 2]
    domain = [(0, 1), (0.1, 2), (-1, 1)][seed % 3]
    return expression(seed, 2 + seed % 4, variables), variables, domain


def disagreeing(report):
    return [
        (c.dtype, r.label, r.cause, r.worst)
        for c in report.checks
        for r in c.partials
        if r.verdict is Verdict.DISAGREES
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_expression_never_disagrees(seed):
    text, variables, domain = random_case(seed)
    dtypes = ["float64", "float32", "bfloat16"]
    try:
        report = check(text, variables=variables, order=3, domain=domain, dtype=dtypes, points=1000, timing=False)
    except ExpressionError:
        pytest.skip("a constant part of it is not real")
    assert disagreeing(report) == [], text


@pytest.mark.parametrize(("text", "domain", "dtype", "order"), ONCE_WRONG)
def test_what_once_was_a_false_alarm_does_not_disagree(text, domain, dtype, order):
    assert disagreeing(check(text, domain=domain, order=order, dtype=dtype, points=200, timing=False)) == []


@pytest.mark.parametrize("text", PHYSICS)
def test_a_formula_of_physics_never_disagrees(text):
    report = check(text, order=2, domain=PHYSICS[text], dtype=["float64", "float32"], points=1000, timing=False)
    assert disagreeing(report) == []
    assert {r.verdict for c in report.checks for r in c.partials} <= {Verdict.AGREES, Verdict.IMPRECISE}
