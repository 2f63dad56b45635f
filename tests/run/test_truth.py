"""Without an expression, torch code is the formula: what decides, what is refused, and how it is reported."""

import json
import math
import shlex

import pytest
import torch
from typer.testing import CliRunner

import derivcheck
from derivcheck import Check, check
from derivcheck.cli.command import app
from derivcheck.outcomes import Verdict
from derivcheck.problem import create
from derivcheck.run.journal import key_of
from derivcheck.run.sources import Sources
from derivcheck.suite.loader import loads
from tests import liars

FAST = {"points": 200, "timing": False}


def silu(x):
    return x * torch.sigmoid(x)


def plain_silu(x):
    return x / (1 + torch.exp(-x))


class Opaque(torch.autograd.Function):
    """silu with values that no operation of torch computes."""

    slope = 1.0

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        values = [v / (1 + math.exp(-v)) for v in x.double().tolist()]
        return torch.tensor(values, dtype=x.dtype)

    @classmethod
    def backward(cls, ctx, g):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return g * s * (1 + x * (1 - s) * cls.slope)


class OpaqueWrong(Opaque):
    slope = 1.00001


class Half(torch.autograd.Function):
    """The first derivative is right, and the second is cut."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x).detach()
        return g * s * (1 + x * (1 - s))


def verdicts(report):
    return {row.label: row.verdict.value for one in report.checks for row in one.partials}


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
def test_a_right_function_agrees_with_its_own_forward_in_every_dtype(dtype):
    report = check(function=silu, order=3, domain=(-9, 9), dtype=dtype, **FAST)
    assert set(verdicts(report).values()) <= {"agrees", "imprecise"}


def test_a_wrong_backward_disagrees_with_its_own_forward():
    assert verdicts(check(function=OpaqueWrong, reference=silu, order=1, **FAST)) == {
        "f": "agrees",
        "∂f/∂x": "disagrees",
    }
    assert verdicts(check(function=Half, order=2, **FAST)) == {
        "f": "agrees",
        "∂f/∂x": "agrees",
        "∂²f/∂x²": "disagrees",
    }


def test_the_truth_is_what_the_forward_computes_whatever_it_detaches():
    report = check(function=lambda x: x * torch.sigmoid(x).detach(), **FAST)
    assert verdicts(report) == {"f": "agrees", "∂f/∂x": "disagrees"}


def test_a_reference_is_the_truth_for_values_too_and_the_function_may_be_opaque():
    assert set(verdicts(check(function=Opaque, reference=plain_silu, **FAST)).values()) == {"agrees"}
    off = check(function=lambda x: silu(x) + 1e-9, reference=plain_silu, order=0, **FAST)
    assert verdicts(off) == {"f": "disagrees"}


def test_an_opaque_function_without_a_reference_is_unsupported_with_the_cure():
    (row, _) = check(function=Opaque, **FAST).checks[0].partials
    assert row.verdict is Verdict.UNSUPPORTED
    assert "outside of torch" in row.message
    assert "--reference MODULE:NAME" in row.message


def test_a_trace_that_does_not_hold_at_fresh_points_decides_nothing():
    report = check(function=lambda x: x**2 if len(x) < 4 else x**3, order=1, **FAST)
    assert set(verdicts(report).values()) == {"unsupported"}
    assert "the trace does not hold: it gives" in report.checks[0].partials[0].message


def test_what_differs_by_rounding_alone_is_no_wrong_trace():
    report = check(function=lambda x: (1 + x * 1e-14) - 1, order=1, domain=(1, 2), **FAST)
    assert Verdict.UNSUPPORTED not in {row.verdict for row in report.checks[0].partials}


@pytest.mark.parametrize("name", ["gelu", "binary_cross_entropy_with_logits"])
def test_a_value_that_lost_all_digits_is_a_finding_and_no_wrong_trace(name):
    of = getattr(torch.nn.functional, name)
    function = of if name == "gelu" else lambda x: of(x, torch.zeros_like(x), reduction="none")
    report = check(function=function, variables="x", order=0, domain=(-80, -9), **FAST)
    assert report.checks[0].partials[0].verdict is not Verdict.UNSUPPORTED


def test_constants_of_the_code_are_floats_in_every_dtype():
    def scaled(x):
        return 0.1 * x + torch.finfo(x.dtype).eps

    for dtype in ("float64", "float32", "bfloat16"):
        assert set(verdicts(check(function=scaled, dtype=dtype, **FAST)).values()) == {"agrees"}


def test_a_module_and_a_matrix_of_variables_are_traced():
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    report = check(function=network, variables="x,y", layout="matrix", order=2, dtype="float32", **FAST)
    assert len(report.checks[0].partials) == 6
    assert report.ok


def test_kinks_of_the_code_are_looked_at():
    report = check(function=torch.nn.functional.hardtanh, variables="x", domain=(-3, 3), order=1, **FAST)
    assert report.ok
    assert report.checks[0].partials[1].points.skipped["kink"] > 0


def test_every_engine_computes_the_same_without_a_formula():
    report = check(function=silu, order=2, engines="all", **FAST)
    assert len(report.checks[0].engines) >= 4
    assert report.ok


def test_the_report_says_what_decides_and_which_formula_was_found():
    own, against = (check(function=silu, **more, **FAST) for more in ({}, {"reference": plain_silu}))
    place = f"{__name__}:silu"
    assert f"{place} against its own forward   x in [0, 1]\n{place} is x/(1 + exp(-x))\n" in str(own)
    assert f"{place} against {__name__}:plain_silu   x in" in str(against)
    (data,) = against.to_dict()["checks"]
    assert (data["expression"], data["reference"]) == ("", f"{__name__}:plain_silu")
    assert data["computes"] == ["x/(1 + exp(-x))"]
    assert check(function=lambda x: 0.1 * x, **FAST).checks[0].computes == ("0.1*x",)
    assert check("x", function=torch.abs, **FAST).checks[0].computes == ()


def test_a_failure_can_be_replayed():
    report = check(function=f"{liars.__name__}:second_wrong", reference="torch:exp", order=2, **FAST)
    row = next(row for row in report.checks[0].partials if row.verdict is Verdict.DISAGREES)
    again = CliRunner().invoke(app, [*shlex.split(row.reproduce)[1:], "--no-timing", "--report", "json"])
    assert again.exit_code == 1
    (replayed,) = json.loads(again.stdout)["checks"][0]["partials"]
    assert replayed["worst"]["exact"] == row.worst.exact
    in_python = check(function=lambda x: Half.apply(x), order=2, **FAST).checks[0].partials[2].reproduce
    assert in_python.startswith("derivcheck.check(function=<the function>, partials=['x,x'], domain=")


def test_a_suite_names_a_function_its_variables_and_a_reference():
    text = f"""
    [[check]]
    function = "{__name__}:silu"
    vars = "x"
    [[check]]
    function = "{__name__}:Opaque"
    reference = "{__name__}:plain_silu"
    vars = "x"
    order = [0, 1]
    """
    report = derivcheck.check_all(loads(text, "s.toml"))
    assert [one.verdict for one in report.checks] == [Verdict.AGREES] * 3
    (without,) = loads('[[check]]\nfunction = "m:f"', "s.toml")
    assert "vars is missing" in without.error
    with pytest.raises(derivcheck.errors.SuiteError, match="reference: m:g would be imported"):
        loads('[[check]]\nfunction = "m:f"\nreference = "m:g"\nvars = "x"', "s.toml", functions=False)


def test_a_journal_tells_references_apart():
    checks = [
        Check("c", create(None, variables=["x"], function_name="torch:sin", reference_name=name))
        for name in ("torch:sin", "torch:cos", None)
    ]
    assert len({key_of(one, Sources(), None) for one in checks}) == 3


def test_assertions_take_a_reference_in_place_of_an_expression():
    derivcheck.assert_derivatives(silu, order=2)
    derivcheck.assert_derivatives(Opaque, reference=silu)
    with pytest.raises(AssertionError, match="∂f/∂x disagrees"):
        derivcheck.assert_derivatives(OpaqueWrong, reference=silu)
