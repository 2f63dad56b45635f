"""The line that replays a failure replays it."""

import functools
import shlex

import pytest
import torch
from typer.testing import CliRunner

import derivcheck
from derivcheck import Verdict, check
from derivcheck.cli.command import app
from tests.liars import backward


class Wrong(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**2

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3 * g * x


def leaking(x):
    return x**2 + 0 * x.mean() + 1e-3 * (x.mean() - x.mean().detach())


def failing(report):
    return next(row for row in report.checks[0].partials if row.verdict is Verdict.DISAGREES)


@pytest.mark.parametrize("function", [Wrong.apply, leaking])
def test_a_command_shows_the_failure_again(function):
    row = failing(check("x**2", function=function, domain=(-1, 1), timing=False, points=500))
    name, *arguments = shlex.split(row.reproduce)
    result = CliRunner().invoke(app, [*arguments, "--no-timing"])
    assert (name, result.exit_code) == ("derivcheck", 1), result.output
    assert f"{row.label} disagrees" in result.output


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_function_without_a_name_is_replayed_in_python(dtype):
    function = lambda x: backward(lambda x: x**3, lambda x: x)(x)  # noqa: E731
    row = failing(check("x**3", function=function, domain=(-1, 1), dtype=dtype, timing=False))
    assert row.reproduce.startswith("derivcheck.check('x**3', function=")
    text = row.reproduce.replace(f"function={row.reproduce.split('function=')[1].split(', partials')[0]}", "function=f")
    again = eval(text, {"derivcheck": derivcheck, "f": function})
    assert failing(again).worst.point == row.worst.point


class Cube(torch.nn.Module):
    def forward(self, x):
        return x**3

    def method(self, x):
        return x**3


def cube(x):
    return x**3


def sum_of_batch(x):
    """Wrong only where there are other points."""
    return x**2 + 1e-3 * (x.mean() - x)


MODULE, HERE = Cube(), __name__


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (torch.sin, "torch:sin"),
        (cube, f"{HERE}:cube"),
        (Wrong.apply, f"{HERE}:Wrong"),
    ],
)
def test_what_has_a_name_is_replayed_by_it(function, name):
    assert f"--function {name} " in failing(check("x", function=function, timing=False, points=50)).reproduce


@pytest.mark.parametrize(
    "function", [functools.partial(torch.mul, other=3.0), torch.compile(cube, backend="eager"), Cube(), MODULE.method]
)
def test_a_name_that_would_load_something_else_is_not_printed(function):
    row = failing(check("x", function=function, timing=False, points=50))
    assert row.reproduce.startswith("derivcheck.check('x', function=<the function>, ")
    text = row.reproduce.replace("<the function>", "f")
    assert failing(eval(text, {"derivcheck": derivcheck, "f": function})).label == row.label


def test_a_failure_that_takes_several_points_keeps_them_and_says_so():
    row = failing(check("x**2", function=sum_of_batch, timing=False, points=500, corners=False, seed=3))
    assert "one point alone does not show it" in row.message
    _, *arguments = shlex.split(row.reproduce)
    assert {"500", "3", "--no-corners"} <= set(arguments)
    result = CliRunner().invoke(app, [*arguments, "--no-timing"])
    assert result.exit_code == 1
    assert "disagrees" in result.output


def test_tolerances_are_replayed():
    report = check("x**2", function=cube, timing=False, tolerances=(1e-3, 0.0), points=50)
    assert "--rtol 0.001 --atol 0.0" in failing(report).reproduce
