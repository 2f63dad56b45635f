"""Residuals against the equations that are meant: every mistake is found, named, and shown at a point."""

import subprocess
import sys
from pathlib import Path

import pytest
import sympy as sp
import torch

import derivcheck
from derivcheck import check
from derivcheck.errors import RequestError
from derivcheck.expression.fields import Fields, Partial, closed_form
from derivcheck.multi_index import up_to_order
from derivcheck.pde.closed import Closed, OneCall, directions, random_formulas
from derivcheck.pde.operation import partial
from tests.pde import residuals

FILE = Path(__file__).parent / "residuals.py"
HEAT = "u_t - 0.1*u_xx"


def checked(name, equation=HEAT, **options):
    given = {"net": "net", "variables": "x,t", "order": 0, "points": 50, "timing": False} | options
    return check(equation, function=name if callable(name) else f"{FILE}:{name}", **given).checks[0]


@pytest.mark.parametrize(
    ("equation", "kind", "hint"),
    [
        ("u_t - 0.2*u_xx", "factor", "1/2 times"),
        ("u_t + 0.1*u_xx", "sign", "sign"),
        ("u_t - 0.1*u_xx + u", "missing", ""),
        ("u_t - 0.1*u_x", "too much", "too often"),
        ("u_t - 0.1*u_xxx", "too much", "too few"),
        ("u_t - 0.1*u_tt", "too much", "another column"),
        ("-u_t + 0.1*u_xx", "factor", "the whole equation has the other sign"),
    ],
)
def test_a_difference_is_named(equation, kind, hint):
    found = checked("heat", equation)
    assert found.verdict == "disagrees"
    assert found.discrepancies[0].kind == kind
    assert hint in found.discrepancies[0].hint


def test_the_row_of_the_whole_gradient_is_named():
    (found,) = checked("heat_of_row").discrepancies
    assert (found.kind, found.terms) == ("too much", "-u_xt/10")
    assert "whole gradient" in found.hint


def test_another_output_of_the_network_is_named():
    found = checked("flow", "u_x + v_y; v*u_x; u_y; v_x", variables="x,y", fields="u,v")
    assert [d.output for d in found.discrepancies] == [1, 1]
    assert "another output" in found.discrepancies[0].hint
    wrong = {row.output for row in found.partials if row.verdict == "disagrees"}
    assert wrong == {"out[1]"}


def test_a_residual_that_does_not_train_is_seen_though_its_value_is_right():
    found = checked("heat_untrained")
    assert [row.verdict for row in found.partials] == ["agrees", "disagrees"]
    assert checked("heat_untrained", training=False).verdict == "agrees"


def test_partials_of_the_residual_are_rows_too():
    found = checked("heat", order=1)
    assert found.verdict == "agrees"
    assert [row.label for row in found.partials] == ["f", "∂f/∂x", "∂f/∂t", "∂f/∂weight"]


def test_a_parameter_of_the_formula_has_an_exact_value_also_in_the_domain():
    found = checked("heat", "u_t - k*u_xx", params={"k": "1/10"}, domain={"x": "-k:k", "t": "0:1"})
    assert found.verdict == "agrees"
    assert found.domain["x"] == (-0.1, 0.1)


def test_a_given_field_that_hides_errors_is_warned_of():
    found = checked("heat", fields={"u": "exp(-t)*sin(x)"})
    assert found.verdict == "agrees"
    assert any("u_xx is 1*u_t" in note for note in found.notes)


def test_code_that_narrows_its_input_is_told_so():
    found = checked("heat_in_float32", dtype="float64")
    assert any("float32" in note for note in found.notes)
    assert found.verdict == "disagrees"


def test_a_callable_is_checked_as_a_name_is():
    assert checked(residuals.heat).verdict == "agrees"
    assert checked(residuals.Scaled(None).residual).verdict == "agrees"


def test_the_article_s_snippets_are_a_gradient_and_a_row_of_a_hessian():
    given = {"net": None, "variables": "x1,x2", "operator": "gradient", "equation": "x1**2*sin(x2)"}
    assert checked("gradient", **given).verdict == "agrees"
    assert checked("gradient_swapped", **given).verdict == "disagrees"
    assert checked("second_row", **given | {"equation": "2*x1*sin(x2)"}).verdict == "agrees"
    found = checked("hessian", **given | {"operator": "hessian"})
    assert found.verdict == "agrees"
    assert [row.output for row in found.partials] == ["out[0]", "out[1]", "out[2]", "out[3]"]


@pytest.mark.parametrize(
    ("name", "options", "cause"),
    [
        ("heat", {"equation": "u_t + w"}, "w is neither a field nor a coordinate"),
        ("heat", {"equation": "u_t; u_x"}, "1 output, but there are 2 equations"),
        ("heat", {"net": "model"}, "--net model"),
        ("Scaled.residual", {"net": "nets"}, "no such attribute"),
        ("ignoring", {}, "ignor"),
        ("heat", {"fields": "u,u"}, "distinct"),
        ("heat", {"fields": "x"}, "coordinate and a field"),
        ("heat", {"call": "other(x)"}, "not known"),
        ("heat", {"operator": "grad"}, "grad: unknown"),
    ],
)
def test_a_wrong_request_says_what_to_write(name, options, cause):
    with pytest.raises(RequestError) as error:
        checked(name, **options)
    assert cause in str(error.value)
    assert error.value.cure


def test_the_random_fields_have_distinct_partials_that_are_not_0():
    fields = Fields(["u", "v"], ["x", "y", "t"])
    exact = closed_form(fields, random_formulas(fields, [(0.0, 1.0), (-3.0, 3.0), (100.0, 101.0)], 0))
    at = {"x": 0.3, "y": -1.0, "t": 100.4}
    values = [
        float(exact(Partial(k, alpha, fields.symbols)).subs({s: at[s.name] for s in fields.symbols}))
        for k in range(2)
        for alpha in up_to_order(4, [0, 1, 2], 3)
    ]
    assert len({round(v, 12) for v in values}) == len(values)
    assert min(map(abs, values)) > 1e-8


def test_the_operation_of_a_closed_field_has_the_derivatives_of_its_formula():
    fields = Fields(["u"], ["x", "t"])
    (formula,) = random_formulas(fields, [(0.0, 1.0), (0.0, 1.0)], 1)
    closed = Closed(fields, [formula], directions(fields, 1))
    X = torch.rand(5, 2, dtype=torch.float64, requires_grad=True)
    w = torch.zeros(5, dtype=torch.float64, requires_grad=True)

    def u(X, w):
        return partial(X, w, OneCall(closed), 0, (0, 0))

    assert torch.autograd.gradcheck(u, (X, w))
    assert torch.autograd.gradgradcheck(u, (X, w))
    x, t = fields.symbols
    exact = [float(formula.subs({x: a, t: b})) for a, b in X.detach().tolist()]
    assert torch.allclose(u(X, w), torch.tensor(exact, dtype=torch.float64), rtol=1e-14)


def test_the_command_line_prints_what_is_computed_what_is_meant_and_what_is_too_much():
    command = [sys.executable, "-m", "derivcheck", HEAT, "--function", f"{FILE}:heat_of_row", "--net", "net"]
    done = subprocess.run(
        [*command, "--vars", "x,t", "--order", "0", "-n", "20", "--no-timing"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    lines = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    (shown,) = [line for line in done.stdout.splitlines() if line.startswith(f"{FILE}:heat_of_row computes")]
    computed = shown.split(" computes ")[1]
    assert sp.expand(sp.sympify(computed) - sp.sympify("u_t - u_xx/10 - u_xt/10")) == 0
    assert any(line[:2] == ["too", "much"] and line[2].startswith("-u_xt/10") for line in lines if len(line) > 2)
    again = next(line for line in done.stdout.splitlines() if "Reproduce:" in line).partition("Reproduce: ")[2]
    replayed = subprocess.run(
        again.replace("derivcheck ", f"{sys.executable} -m derivcheck ", 1),
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert replayed.returncode == 1, replayed.stderr


def test_assert_residual_raises_with_the_difference():
    derivcheck.assert_residual(residuals.heat, HEAT, net="net", variables="x,t", points=20)
    with pytest.raises(AssertionError, match="too much"):
        derivcheck.assert_residual(residuals.heat_of_row, HEAT, net="net", variables="x,t", points=20)
