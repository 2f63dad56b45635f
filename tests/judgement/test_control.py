"""A pass is worth what a planted error shows."""

import pytest

from derivcheck import Cause, Verdict, check
from derivcheck.judgement import control


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
@pytest.mark.parametrize("text", ["x1**2*sin(x2)", "exp(x1)/(1+x2**2)"])
def test_twice_the_stated_sensitivity_is_found_in_every_partial(text, dtype):
    report = check(text, order=2, domain=(0.5, 2), dtype=dtype, control=True, timing=False, points=500)
    assert report.verdict in (Verdict.AGREES, Verdict.IMPRECISE)


def test_a_function_of_a_matrix_is_controlled_too():
    function = lambda m: m[:, 0] * m[:, 1].exp()  # noqa: E731
    assert check("x*exp(y)", function=function, layout="matrix", control=True, timing=False).ok


def test_a_control_that_passes_fails_the_check_and_says_why(monkeypatch):
    monkeypatch.setattr(control, "TIMES", 1e-6)
    row = check("sin(x)*exp(x)", control=True, timing=False).checks[0].partials[1]
    assert (row.verdict, row.cause) == (Verdict.DISAGREES, Cause.CONTROL)
