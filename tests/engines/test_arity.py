"""A function that does not take what it is given, or cannot be differentiated (again), is refused with the reason."""

import functools

import pytest
import torch

import derivcheck.suite
from derivcheck import check, check_all
from derivcheck.errors import FunctionError
from derivcheck.outcomes import Cause, Verdict
from tests.liars import Cubic


def one(x):
    return x


def three(a, b, c):
    return a * b * c


def with_default(x, scale=2.0):
    return scale * x


def any_number(*columns):
    return columns[0] * columns[1]


def keyword_only(x, *, y):
    return x * y


@functools.wraps(keyword_only)
def of_a_matrix(X):
    return X[:, 0] * X[:, 1]


def within(x, y):
    return torch.sin(x, y, x)


def nothing():
    return None


class WithoutBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x**3


def inside(x):
    return torch.sin(Cubic.apply(torch.exp(x)))


COLUMNS = "a tensor (n,) per variable, x, y\nWith --layout matrix it is given one tensor (n, 2); --vars names"
WRONG = {
    one: f"one takes 1 argument (x), but it is given 2: {COLUMNS}",
    three: f"three takes 3 arguments (a, b, c), but it is given 2: {COLUMNS}",
    nothing: f"nothing takes 0 arguments, but it is given 2: {COLUMNS}",
    torch.nn.Linear(2, 1): f"Linear takes 1 argument (input), but it is given 2: {COLUMNS}",
    Cubic.apply: f"Cubic takes 1 argument (x), but it is given 2: {COLUMNS}",
    torch.sin: "cannot be called like this: sin() takes 1 positional argument but 2 were given\nWith --layout",
}


@pytest.mark.parametrize(
    "function", WRONG, ids=lambda function: type(function).__name__ + getattr(function, "__name__", "")
)
def test_a_wrong_number_of_arguments_is_named_with_the_layout(function):
    with pytest.raises(FunctionError) as caught:
        check("x*y", function=function, points=10)
    assert WRONG[function] in str(caught.value)
    assert "derivcheck/engines" not in str(caught.value)


def test_a_wrong_number_of_arguments_is_named_for_a_matrix_and_for_defaults():
    with pytest.raises(FunctionError, match=r"given 1: a tensor \(n, 3\), whose columns are x, y, z\nWithout --layout"):
        check("x*y*z", function=three, layout="matrix", points=10)
    with pytest.raises(FunctionError, match=r"takes 1 to 2 arguments \(x, scale\), but it is given 3: a tensor"):
        check("x*y*z", function=with_default, points=10)


@pytest.mark.parametrize(("text", "function"), [("x*y", any_number), ("x*y", keyword_only), ("2*x", with_default)])
def test_any_number_keywords_and_defaults_are_no_mistake(text, function):
    assert check(text, function=function, points=10, timing=False).ok


def test_only_a_call_that_failed_is_a_matter_of_its_arguments():
    assert check("x*y", function=of_a_matrix, layout="matrix", points=10, timing=False).ok
    with pytest.raises(FunctionError, match=r"(?s)within raises:.*in within.*TypeError: sin\(\)") as caught:
        check("x*y", function=within, points=10)
    assert "--layout" not in str(caught.value)


def test_a_missing_backward_is_unsupported_alone_and_in_a_suite():
    name = f"{__name__}:WithoutBackward"
    suite = derivcheck.suite.loads(f'[[check]]\nexpression = "x**3"\nfunction = "{name}"\npoints = 10', "s.toml")
    for report in (check("x**3", function=name, points=10, timing=False), check_all(suite)):
        value, slope = report.checks[0].partials
        assert (value.verdict, slope.verdict) == (Verdict.AGREES, Verdict.UNSUPPORTED)
        assert slope.message == "its autograd.Function has no backward"
        assert report.exit_status == 3


@pytest.mark.parametrize(("text", "function"), [("x**3", Cubic), ("sin(exp(3*x))", inside)])
def test_once_differentiable_is_named_where_a_second_derivative_is_wrong(text, function):
    report = check(text, function=function, order=3, points=10, timing=False)
    by_order = {row.order: row for row in report.checks[0].partials}
    assert [by_order[k].verdict for k in range(2)] == [Verdict.AGREES] * 2
    for k in (2, 3):
        assert by_order[k].verdict is Verdict.DISAGREES
        assert by_order[k].cause is Cause.CUT
        assert by_order[k].message == "here by a backward that is marked @once_differentiable"
