"""Right about every lie, silent about every honest function, with no tolerance to tune."""

import pytest
import torch

from derivcheck import Cause, Verdict, check
from tests.liars import HONEST, ILL_CONDITIONED, LIES, backward


def checked(case, **more):
    report = check(
        case.expression,
        function=case.function,
        order=case.order,
        domain=case.domain,
        dtype=case.dtype,
        timing=False,
        **more,
    )
    return report.checks[0]


def named(cases):
    return [pytest.param(case, id=case.name) for case in cases]


@pytest.mark.parametrize("case", named(LIES))
def test_a_lie_disagrees_with_its_cause_and_its_order(case):
    result = checked(case)
    assert result.verdict is Verdict.DISAGREES
    assert result.message == f"first wrong at order {case.first_wrong}"
    first = next(row for row in result.partials if row.verdict is Verdict.DISAGREES)
    assert first.cause is Cause[case.cause], first.message


@pytest.mark.parametrize("case", named(HONEST))
def test_an_honest_function_agrees(case):
    result = checked(case)
    assert [(row.label, row.cause, row.worst) for row in result.partials if row.verdict is not Verdict.AGREES] == []


@pytest.mark.parametrize("case", named(ILL_CONDITIONED))
def test_digits_lost_to_cancellation_are_imprecise_and_never_a_lie(case):
    result = checked(case)
    assert result.verdict in (Verdict.AGREES, Verdict.IMPRECISE)


def test_imprecise_names_the_point_and_fails_only_when_asked_to():
    case = next(c for c in ILL_CONDITIONED if c.name == "saturated sigmoid")
    request = {"function": case.function, "order": 1, "domain": case.domain, "timing": False}
    report = check(case.expression, **request)
    row = report.checks[0].partials[1]
    assert (row.verdict, row.cause) == (Verdict.IMPRECISE, Cause.CONDITIONING)
    assert row.worst.point["x"] > 30
    assert report.exit_status == 0
    assert check(case.expression, strict=True, **request).exit_status == 1
    assert check(case.expression, max_lost_bits=20, **request).exit_status == 1
    assert check("sin(x)", max_lost_bits=20, timing=False).exit_status == 0


PLANTED = [1e-3, 1e-5, 1e-7, 1e-9, 1e-10]


@pytest.mark.parametrize("size", PLANTED)
@pytest.mark.parametrize("place", range(4))
def test_a_planted_relative_error_in_one_partial_is_caught(size, place):
    factors = [1 + size * (k == place) for k in range(4)]

    def partial(k):
        def value(*xs):
            others = torch.ones_like(xs[0])
            for j, x in enumerate(xs):
                others = others * ((2 * x).cos() * 2 if j == k else (2 * x).sin())
            return others * factors[k]

        return value

    function = backward(lambda *xs: torch.stack([(2 * x).sin() for x in xs]).prod(0), *map(partial, range(4)))
    result = check("sin(2*a)*sin(2*b)*sin(2*c)*sin(2*d)", function=function, timing=False).checks[0]
    wrong = [row.label for row in result.partials if row.verdict is Verdict.DISAGREES]
    assert wrong == [f"∂f/∂{'abcd'[place]}"]


@pytest.mark.parametrize("size", [1e-3, 1e-4, 1e-5])
def test_a_planted_relative_error_is_caught_in_float32(size):
    function = backward(lambda x, y: x.exp() * y, lambda x, y: x.exp() * y * (1 + size), lambda x, y: x.exp())
    result = check("exp(x)*y", function=function, dtype="float32", timing=False).checks[0]
    assert [row.label for row in result.partials if row.verdict is Verdict.DISAGREES] == ["∂f/∂x"]


@pytest.mark.parametrize("at", [0.5, 0.9999])
def test_a_nan_anywhere_is_never_agrees(at):
    function = backward(torch.sin, lambda x: torch.where((x - at).abs() < 5e-4, torch.nan, x.cos()))
    assert check("sin(x)", function=function, timing=False).verdict is Verdict.DISAGREES


def test_a_nan_at_a_single_corner_disagrees():
    function = backward(lambda x: x**2, lambda x: 2 * x * x / x)
    result = check("x**2", function=function, domain=(-1, 1), timing=False).checks[0]
    assert result.partials[1].cause is Cause.NON_FINITE
    assert result.partials[1].worst.point == {"x": 0.0}


def test_a_number_wrong_at_single_points_disagrees_and_says_where():
    report = check("x**y", function=torch.pow, domain={"x": (1, 3), "y": (-2, 2)}, partials=["x,y"], timing=False)
    (row,) = report.checks[0].partials
    assert (row.verdict, row.cause) == (Verdict.DISAGREES, Cause.ISOLATED)
    assert "y = 0" in row.message
    assert row.worst.point["y"] == 0
    without = check("x**y", function=torch.pow, domain={"x": (1, 3), "y": (-2, 2)}, partials=["x,y"], timing=False,
                    corners=False)  # fmt: skip
    assert without.verdict is Verdict.AGREES


def test_an_error_at_a_single_point_that_nobody_can_see_is_a_warning():
    clamped = backward(torch.acosh, lambda x: torch.where(x == 1, 1e30, (x * x - 1).rsqrt()))
    slightly = lambda x: torch.where(x == 1, x * 3e-8, torch.acosh(x))  # noqa: E731
    result = check("acosh(x)", function=slightly, domain=(1, 3), dtype="float32", order=0, timing=False).checks[0]
    assert (result.partials[0].verdict, result.partials[0].cause) == (Verdict.IMPRECISE, Cause.ISOLATED)
    assert check("acosh(x)", function=clamped, domain=(1, 3), timing=False).ok  # its slope at 1 is not defined


def test_what_overflows_only_at_a_magnitude_that_nobody_means_is_a_remark():
    report = check("sqrt(x**2 + y**2)", domain=(0, 1), timing=False, strict=True)
    slope = report.checks[0].partials[1]
    assert report.ok
    assert slope.verdict is Verdict.AGREES
    assert "2.23e-308" in slope.remarks[0]
    assert slope.excess <= 1


def test_what_overflows_in_a_domain_of_such_magnitudes_is_a_failure():
    report = check("sqrt(x**2 + y**2)", domain=(1e-300, 1e-290), timing=False, points=100)
    assert report.verdict is Verdict.DISAGREES


def test_underflow_in_the_domain_asked_for_is_a_failure():
    result = check(
        "x*y", function=lambda x, y: (x * 1e-200) * (y * 1e-200) * 1e200 * 1e200, domain=(1, 2), timing=False
    )
    assert result.verdict is Verdict.DISAGREES


def test_a_subnormal_result_of_a_kernel_that_has_none_inside_is_a_warning():
    """torch.polygamma multiplies 3! and a zeta that is 0 already; the exact value is 2.7 of the smallest subnormal."""
    domain = (807173605031936.0, 807173605031936.0)
    report = check("polygamma(2, x)", partials=["x"], domain=domain, dtype="float32", corners=False)
    (row,) = report.checks[0].partials
    assert (row.verdict, row.cause) == (Verdict.IMPRECISE, Cause.RANGE)


def test_where_an_intermediate_underflows_the_cause_is_range():
    function = backward(lambda x: x**2, lambda x: (1e-170 * x) * (1e-170 * x) * 1e170 * 1e170 * 2 / x)
    row = check("x**2", function=function, domain=(1, 2), timing=False).checks[0].partials[1]
    assert (row.verdict, row.cause) == (Verdict.DISAGREES, Cause.RANGE)
    assert "underflows" in row.message


def test_a_domain_without_a_real_value_is_undecided_and_says_which_would_do():
    row = check("log(x) + sqrt(x - 1)", domain=(-2, -1), timing=False).checks[0].partials[0]
    assert (row.verdict, row.cause) == (Verdict.UNDECIDED, Cause.EMPTY_DOMAIN)
    assert row.message == "try --domain 1:2"


def test_a_domain_that_is_a_kink_is_undecided():
    row = check("Abs(x)", domain=(0, 0), timing=False).checks[0].partials[1]
    assert (row.verdict, row.cause) == (Verdict.UNDECIDED, Cause.KINK)


def test_what_does_not_settle_is_undecided_never_passed():
    row = check("sin(x)", domain=(2.0**1020, 2.0**1021), timing=False, points=10).checks[0].partials[0]
    assert row.verdict is not Verdict.UNDECIDED
    row = check("sin(exp(x))", domain=(1500, 1600), timing=False, points=10).checks[0].partials[0]
    assert (row.verdict, row.cause) == (Verdict.UNDECIDED, Cause.UNSETTLED)


def test_out_of_time_is_undecided():
    report = check("tanh(exp(sin(x1*x2))*cos(x1+x2))", order=12, timeout=0.05, timing=False)
    assert {row.cause for row in report.checks[0].partials if row.verdict is Verdict.UNDECIDED} == {Cause.TIMEOUT}
    assert report.exit_status == 3


def test_an_operation_without_backward_is_unsupported_by_name():
    report = check("besselj(0, x)", timing=False)
    assert report.checks[0].partials[1].verdict is Verdict.UNSUPPORTED
    assert report.checks[0].partials[1].message == "torch.special.bessel_j0 has no backward"
    assert report.exit_status == 3


def test_a_backward_that_torch_has_not_implemented_is_unsupported_by_name():
    row = check("zeta(3, x)/2", function=lambda x: torch.special.zeta(3 + 0 * x, x) / 2, domain=(1, 2), timing=False)
    assert row.checks[0].partials[1].verdict is Verdict.UNSUPPORTED
    assert "zeta" in row.checks[0].partials[1].message


def test_fixed_tolerances_replace_the_rule():
    function = backward(torch.sin, lambda x: x.cos() * 1.001)
    assert check("sin(x)", function=function, tolerances=(1e-2, 0.0), timing=False).ok
    assert not check("sin(x)", function=function, tolerances=(1e-4, 0.0), timing=False).ok


def test_several_dtypes_are_several_checks_with_verdicts_of_their_own():
    half = next(c for c in LIES if c.name == "half inside float32")
    report = check("cosh(x)", function=half.function, dtype=["float64", "float32"], domain=half.domain, timing=False)
    assert [(c.dtype, c.verdict) for c in report.checks] == [
        ("float64", Verdict.AGREES),
        ("float32", Verdict.DISAGREES),
    ]


def test_the_same_seed_gives_the_same_verdicts_on_one_and_on_many_threads():
    def rows(threads):
        torch.set_num_threads(threads)
        report = check("exp(x)*sin(1000*x)/(x + 1e-6)", order=3, timing=False, dtype=["float64", "float32"])
        return [(r.verdict, r.cause) for c in report.checks for r in c.partials]

    before = torch.get_num_threads()
    try:
        assert rows(1) == rows(2)
    finally:
        torch.set_num_threads(before)


def test_a_lie_does_not_hide_behind_many_failures_that_have_an_excuse():
    # exp(x)**2 overflows inside at nearly all points, whose exact value is far; the lie is at few others.
    def wrong(x):
        return torch.where(x < 150.5, -x.exp(), x.exp() ** 2 / x.exp())

    result = check("exp(x)", function=backward(torch.exp, wrong), domain=(150, 700), timing=False).checks[0]
    assert (result.partials[1].verdict, result.partials[1].worst.point["x"] < 150.5) == (Verdict.DISAGREES, True)


@pytest.mark.parametrize("seed", [1, 2])
def test_an_error_between_poles_that_no_float_tells_apart_does_not_disagree(seed):
    """One rounding of x moves x**4 past many poles. The usual size is that of exp(x/1e4) at its largest, so that most
    errors here are too small to be seen; they are at many points, and no warning of single ones."""
    domain = {"x": (1e3, 1e6)}
    report = check("tan(x**4)*exp(x/1e4)", domain=domain, dtype="float32", points=200, seed=seed, timing=False)
    assert report.verdict is not Verdict.DISAGREES


def second_derivative_of_exp(wrong):
    """exp, whose second derivative is half too large where wrong(x)."""
    slope = backward(torch.exp, lambda x: x.exp() * torch.where(wrong(x), 1.5, 1.0).to(x.dtype))
    return backward(torch.exp, slope)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("at", [0.0, 1.0, 2.25])
def test_a_second_derivative_wrong_at_a_single_point_disagrees_in_half_precision_too(at, dtype):
    """Its noise is as large as itself in bfloat16, its neighbours' errors are not."""
    request = {"domain": (-1.5, 2.25), "dtype": dtype, "partials": ["x,x"], "points": 300, "timing": False}
    row = check("exp(x)", function=second_derivative_of_exp(lambda x: x == at), **request).checks[0].partials[0]
    assert (row.verdict, row.cause, row.worst.point) == (Verdict.DISAGREES, Cause.ISOLATED, {"x": at})
    assert check("exp(x)", function=second_derivative_of_exp(lambda x: x > 9), **request).ok
