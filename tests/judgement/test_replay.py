"""The line that replays a failure replays it."""

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
