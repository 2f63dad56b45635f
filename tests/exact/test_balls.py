"""Enclosures against mpmath, which computes everything another way."""

import random

import mpmath
import pytest
from flint import arb, ctx

from derivcheck.exact.arb_heads import HEADS as HEADS_OF_ARB
from derivcheck.exact.balls import Program
from derivcheck.expression.parsing import parse
from derivcheck.symbolic.differentiation import SymbolicPartials

U = 2.0**-53
# text -> mpmath, domain
HEADS = {
    **{
        name: (getattr(mpmath, name), (0.1, 0.9)) for name in "sin cos tan sec csc cot asin acos atan sinh cosh".split()
    },
    **{name: (getattr(mpmath, name), (0.1, 0.9)) for name in "tanh sech csch coth asinh atanh exp log expm1".split()},
    **{name: (getattr(mpmath, name), (0.1, 0.9)) for name in "erf erfc erfi erfinv gamma loggamma digamma".split()},
    **{name: (getattr(mpmath, name), (1.1, 3.0)) for name in "acosh asec acsc acoth".split()},
    **{name: (getattr(mpmath, name), (0.1, 0.9)) for name in "asech acsch acot sqrt cbrt".split()},
    "log1p": (lambda x: mpmath.log(1 + x), (-0.5, 3.0)),
    "log2": (lambda x: mpmath.log(x, 2), (0.1, 9.0)),
    "log10": (mpmath.log10, (0.1, 9.0)),
    "exp2": (lambda x: mpmath.mpf(2) ** x, (-3, 3)),
    "erfcinv": (lambda x: mpmath.erfinv(1 - x), (0.1, 1.9)),
    "LambertW": (lambda x: mpmath.lambertw(x).real, (0.1, 5.0)),
    "zeta": (mpmath.zeta, (1.5, 9.0)),
    "besselj(2, {})": (lambda x: mpmath.besselj(2, x), (0.1, 20.0)),
    "bessely(1, {})": (lambda x: mpmath.bessely(1, x), (0.1, 20.0)),
    "besseli(3, {})": (lambda x: mpmath.besseli(3, x), (-4.0, 4.0)),
    "besselk(0, {})": (lambda x: mpmath.besselk(0, x), (0.1, 9.0)),
    "polygamma(1, {})": (lambda x: mpmath.polygamma(1, x), (0.1, 9.0)),
    "polygamma(4, {})": (lambda x: mpmath.polygamma(4, x), (0.1, 9.0)),
    "zeta(3, {})": (lambda x: mpmath.zeta(3, x), (0.1, 9.0)),
    "lowergamma(2, {})": (lambda x: mpmath.gammainc(2, 0, x), (0.1, 9.0)),
    "uppergamma(2.5, {})": (lambda x: mpmath.gammainc(2.5, x), (0.1, 9.0)),
    "beta({}, 2.5)": (lambda x: mpmath.beta(x, 2.5), (0.1, 9.0)),
    "atan2({}, -2)": (lambda x: mpmath.atan2(x, -2), (-3.0, 3.0)),
    "hypot({}, 3)": (lambda x: mpmath.hypot(x, 3), (-3.0, 3.0)),
    "{}**1.7": (lambda x: mpmath.power(x, mpmath.mpf(17) / 10), (0.1, 3.0)),
    "{}**(-5/3)": (lambda x: mpmath.power(x, mpmath.mpf(-5) / 3), (0.1, 3.0)),
    "{}**-7": (lambda x: x**-7, (-3.0, -0.1)),
    "1.3**{}": (lambda x: mpmath.power(mpmath.mpf(13) / 10, x), (-3.0, 3.0)),
    "{} % 0.3": (lambda x: x - mpmath.mpf("0.3") * mpmath.floor(x / mpmath.mpf("0.3")), (-2.0, 2.0)),
    "ceiling({})": (mpmath.ceil, (-2.0, 2.0)),
    "Max({}, 0.2)": (lambda x: max(x, mpmath.mpf("0.2")), (-1.0, 1.0)),
}


def program(text, variables=("x",)):
    partials = SymbolicPartials(parse(text).formula, variables)
    return Program(partials.graph, [partials.root], U)


@pytest.mark.parametrize("head", HEADS)
def test_an_enclosure_contains_what_mpmath_finds(head):
    reference, (low, high) = HEADS[head]
    run = program(head.format("x") if "{}" in head else f"{head}(x)")
    draw = random.Random(head)
    before, ctx.prec = ctx.prec, 128
    try:
        with mpmath.workdps(60):
            for _ in range(20):
                x = draw.uniform(low, high)
                (ball,), _ = run.run([x])
                expected = mpmath.mpf(reference(mpmath.mpf(x)))
                middle = mpmath.mpf(ball.mid().str(50, radius=False))
                assert abs(middle - expected) <= mpmath.mpf(10) ** -30 * (1 + abs(expected)), x
                assert ball.rel_accuracy_bits() > 90
    finally:
        ctx.prec = before


@pytest.mark.parametrize("text", ["log(x)", "sqrt(x)", "x**0.3", "asin(x)", "1/(x - x/2 + 1)", "Max(log(x), 1)"])
def test_where_the_function_is_not_real_there_is_no_enclosure(text):
    (ball,), _ = program(text).run([-2.0])
    assert not ball.is_finite()


def test_a_switch_that_is_exactly_zero_is_tied_even_when_its_ball_is_not_exact():
    run = program("Abs(x/3 - 1/3)")
    (ball,), tied = run.run([1.0])
    assert ball.contains(0)
    assert tied


def test_a_switch_within_rounding_of_zero_is_tied_and_one_beyond_is_not():
    run = program("Max(x, 0.1)")
    assert run.run([0.1])[1]
    assert not run.run([0.1001])[1]


def test_a_difference_and_its_negative_share_one_switch():
    run = program("Max(x, y) + Abs(y - x) + Min(2*x, 2*y)", ("x", "y"))
    _, tied = run.run([0.5, 0.5])
    assert len(tied) == 1


def test_whole_powers_of_a_ball_around_zero_are_finite():
    (ball,), _ = program("(x/3 - 1/3)**2 + (x/3 - 1/3)**5").run([1.0])
    assert ball.is_finite()
    assert ball.contains(0)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("x", [-0.3, -0.5, -17.25, -123456.75, -1e6 + 0.125])
def test_polygamma_of_negative_numbers_is_enclosed(order, x):
    before, ctx.prec = ctx.prec, 200
    try:
        (ball,), _ = program(f"polygamma({order}, x)").run([x])
    finally:
        ctx.prec = before
    with mpmath.workdps(50):
        reflected = (-1) ** order * mpmath.psi(order, 1 - mpmath.mpf(x))
        expected = reflected - mpmath.diff(lambda t: mpmath.pi * mpmath.cot(mpmath.pi * t), mpmath.mpf(x), order)
        assert abs(mpmath.mpf(ball.mid().str(40, radius=False)) / expected - 1) < 1e-12
    assert ball.rel_accuracy_bits() > 90


@pytest.mark.parametrize(
    ("head", "arguments"),
    [
        ("lowergamma", (arb(1e5), arb(1e5))),  # 8 s
        ("zeta", (arb(-10000.5), arb(0.3))),  # 10 s
        ("besseli", (arb(4), arb(1e5, 1e3))),  # 100 s
    ],
)
def test_what_would_take_seconds_has_no_enclosure(head, arguments):
    before, ctx.prec = ctx.prec, 2048
    try:
        assert not HEADS_OF_ARB[head](*arguments).is_finite()
    finally:
        ctx.prec = before


def test_no_more_bits_are_computed_than_an_argument_has():
    """besselk of 53 bits took 13 s with 2048."""
    before, ctx.prec = ctx.prec, 2048
    try:
        ball = HEADS_OF_ARB["besselk"](arb(4), arb(100.3, 1e-14))
        with mpmath.workdps(40):
            assert ball.contains(arb(mpmath.nstr(mpmath.besselk(4, mpmath.mpf(100.3)), 30)))
        assert ctx.prec == 2048
        assert 40 < ball.rel_accuracy_bits() < 64
    finally:
        ctx.prec = before


@pytest.mark.parametrize("text", ["lowergamma(x, 2)", "uppergamma(x, 2)"])
def test_incomplete_gamma_functions_are_defined_for_positive_orders_alone_as_in_torch(text):
    symbolic = SymbolicPartials(parse(text).formula, ["x"])
    program = Program(symbolic.graph, [symbolic.root], U)
    assert [bool(program.run([x])[0][0].is_finite()) for x in (-0.5, 0.5)] == [False, True]
