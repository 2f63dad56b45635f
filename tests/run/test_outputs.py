"""Functions of tensors, and functions that return several numbers per point."""

import json
import shlex

import pytest
import torch
from typer.testing import CliRunner

import derivcheck
from derivcheck.cli.command import app
from derivcheck.errors import FunctionError, RequestError
from derivcheck.expression.shapes import entries, shapes
from derivcheck.outcomes import Verdict
from derivcheck.reports import junit, table
from derivcheck.suite import loads

FAST = {"points": 200, "timing": False}


def pair(x, y):
    return x * y, torch.stack([x + y, torch.sin(x)], 1)


def softmax(x):
    return torch.softmax(x, -1)


def linear(x, w, scale):
    return scale * (x * w).sum(-1)


def bilinear(w, x):
    """w is (n, 2, 3), x (n, 3)."""
    return (w @ x.unsqueeze(-1)).squeeze(-1)


class Transposed(torch.autograd.Function):
    """y = x A with the backward of x Aᵀ."""

    A = torch.tensor([[1.0, 2.0], [3.0, 5.0]], dtype=torch.float64)

    @staticmethod
    def forward(ctx, x):
        return x @ Transposed.A

    @staticmethod
    def backward(ctx, g):
        return g @ Transposed.A


class OneWrong(torch.autograd.Function):
    """x**2 whose backward is wrong in the fourth entry alone."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**2

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * x * torch.tensor([2, 2, 2, 2.0001], dtype=x.dtype)


def rows_of(report):
    return {row.label: row.verdict for row in report.checks[0].partials}


def test_every_number_of_a_tuple_and_of_a_matrix_has_its_rows_grouped_by_output():
    report = derivcheck.check(function=pair, **FAST)
    assert list(rows_of(report)) == [
        *("out[0]", "∂out[0]/∂x", "∂out[0]/∂y"),
        *("out[1][0]", "∂out[1][0]/∂x", "∂out[1][0]/∂y"),
        *("out[1][1]", "∂out[1][1]/∂x", "∂out[1][1]/∂y"),
    ]
    assert report.ok
    assert [row.output for row in report.checks[0].partials][::3] == ["out[0]", "out[1][0]", "out[1][1]"]
    assert report.checks[0].computes == ("x*y", "x + y", "sin(x)")


def test_a_wrong_entry_is_named_in_every_format_and_its_command_replays_it():
    report = derivcheck.check(function=f"{__name__}:OneWrong", shape=4, **FAST)
    wrong = [label for label, verdict in rows_of(report).items() if verdict is Verdict.DISAGREES]
    assert wrong == ["∂out[3]/∂x[3]"]
    assert "∂out[3]/∂x[3] disagrees" in table.render(report)
    assert 'name="∂out[3]/∂x[3]"' in junit.render(report)
    row = next(row for row in report.to_dict()["checks"][0]["partials"] if row["verdict"] == "disagrees")
    assert (row["output"], row["partial"]) == ("out[3]", {"x[3]": 1})
    again = CliRunner().invoke(app, [*shlex.split(row["reproduce"])[1:], "--no-timing", "--report", "json"])
    assert again.exit_code == 1, again.output
    replayed = {one["label"]: one["verdict"] for one in json.loads(again.stdout)["checks"][0]["partials"]}
    assert replayed["∂out[3]/∂x[3]"] == "disagrees"


def test_a_transposed_backward_is_wrong_off_the_diagonal_alone():
    report = derivcheck.check(function=Transposed, shape={"x": 2}, **FAST)
    wrong = [label for label, verdict in rows_of(report).items() if verdict is Verdict.DISAGREES]
    assert wrong == ["∂out[0]/∂x[1]", "∂out[1]/∂x[0]"]


def test_several_tensors_of_several_axes_agree_and_a_parameter_is_not_differentiated():
    report = derivcheck.check(function=bilinear, shape={"w": (2, 3), "x": 3}, order=2, wrt=["x"], **FAST)
    assert report.ok
    assert report.checks[0].variables[:4] == ("w[0][0]", "w[0][1]", "w[0][2]", "w[1][0]")
    report = derivcheck.check(function=linear, shape=2, params={"scale": 2.5}, domain={"x": (0, 2)}, **FAST)
    assert report.ok
    assert report.checks[0].domain == {"x[0]": (0, 2), "x[1]": (0, 2), "w[0]": (0, 1), "w[1]": (0, 1)}
    assert report.checks[0].computes == ("5*(w[0]*x[0])/2 + 5*(w[1]*x[1])/2",)


def test_a_reference_decides_each_output_and_must_return_as_many():
    report = derivcheck.check(function=OneWrong, reference=lambda x: x * x, shape=4, **FAST)
    assert [row.label for row in report.checks[0].partials if row.verdict is Verdict.DISAGREES] == ["∂out[3]/∂x[3]"]
    with pytest.raises(FunctionError, match="returns 3 numbers per point, the function 4"):
        derivcheck.check(function=OneWrong, reference=lambda x: x[:, :3] ** 2, shape=4, **FAST)


def test_more_than_sixty_rows_are_shown_only_where_they_do_not_agree():
    report = derivcheck.check(function=softmax, shape=8, points=20, corners=False, timing=False)
    assert len(report.checks[0].partials) == 72
    shown = table.render(report)
    assert "∂out[7]/∂x[7]" not in shown
    assert "All 72 partials agree" in shown
    assert "∂out[7]/∂x[7]" in table.render(report, show="all")


def test_a_suite_has_shapes():
    text = f"""
    [[check]]
    function = "{__name__}:linear"
    vars = "x,w"
    shape = {{x = 2, w = [2]}}
    param = {{scale = 2}}
    points = 100
    [[check]]
    function = "{__name__}:softmax"
    vars = "x"
    shape = 2
    """
    report = derivcheck.check_all(loads(text, "s.toml"))
    assert [len(one.partials) for one in report.checks] == [5, 6]
    assert report.ok
    (wrong,) = loads('[[check]]\nfunction = "m:f"\nvars = "x"\nshape = 0', "s.toml")
    assert "shape: 0: not whole numbers from 1 on" in wrong.error


def test_a_shape_is_read_in_every_form():
    assert shapes("3,4", ["x"]) == shapes((3, 4), ["x"]) == shapes({"x": [3, 4]}, ["x"]) == (("x", (3, 4)),)
    assert shapes(["x=8", "w=2,3"], ["x", "w", "t"]) == (("x", (8,)), ("w", (2, 3)), ("t", ()))
    assert shapes("x=8,w=2,3", ["x", "w"]) == (("x", (8,)), ("w", (2, 3)))
    assert entries("x", (2, 2)) == ["x[0][0]", "x[0][1]", "x[1][0]", "x[1][1]"]
    for wrong, words in [
        ("y=2", "no argument y"),
        ("x=", "whole numbers"),
        ("0", "whole numbers"),
        ("9999", "more than"),
    ]:
        with pytest.raises(RequestError, match=words):
            shapes(wrong, ["x"])
    with pytest.raises(RequestError, match="without an expression"):
        derivcheck.check("x", shape=2)
