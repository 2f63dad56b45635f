"""Every engine against the exact value, and what makes reverse mode more than one call of autograd.grad."""

import math
import sys
import textwrap
import time
import types
import warnings
from dataclasses import replace
from importlib.metadata import EntryPoint

import pytest
import torch

from derivcheck import check, problem
from derivcheck.engines import extend, registry, reverse
from derivcheck.errors import RequestError, TimedOut
from derivcheck.outcomes import Verdict
from tests.liars import IgnoresCotangent

EAGER = [name for name in registry.BUILT_IN if name != "compiled"]  # which takes seconds to compile: one test alone
POINTS = torch.tensor([[0.3, 0.7, 1.9], [0.2, 1.1, 0.5]], dtype=torch.float64)


def evaluated(name, text, **options):
    made = problem.create(text, **options)
    return registry.engine(name)(made)(POINTS[: len(made.variables)])


@pytest.mark.parametrize("name", EAGER)
def test_the_partials_of_the_article_come_out_by_hand(name):
    x, y = POINTS
    values = evaluated(name, "x1**2*sin(x2)", order=2).values
    by_hand = [x**2 * y.sin(), 2 * x * y.sin(), x**2 * y.cos(), 2 * y.sin(), 2 * x * y.cos(), -(x**2) * y.sin()]
    assert torch.allclose(values, torch.stack(by_hand, 1), rtol=1e-15, atol=0)


@pytest.mark.parametrize("name", EAGER)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_results_have_the_dtype_of_the_points(name, dtype):
    made = problem.create("x1/x2 + sqrt(2)*x1 + 0.1", order=2)
    values = registry.engine(name)(made)(POINTS.to(dtype)).values
    assert values.dtype == dtype
    assert values.shape == (3, 6)
    assert torch.isfinite(values).all()


@pytest.mark.parametrize("name", EAGER)
def test_linear_constant_and_unused_variables_have_partials_of_zero(name):
    values = evaluated(name, "3*x + 0*y + 1", order=2).values
    assert values[0].tolist() == [pytest.approx(1.9), 3, 0, 0, 0, 0]


@pytest.mark.parametrize("name", EAGER)
def test_each_branch_of_a_piecewise_is_computed_at_its_own_points(name):
    values = evaluated(name, "Piecewise((sqrt(x - 1), x > 1), (x**2, True))", order=2).values
    assert torch.isfinite(values).all()
    assert values[:, 2].tolist() == pytest.approx([2.0, 2.0, -0.25 * 0.9**-1.5])


def test_reverse_and_symbolic_agree_to_order_six():
    made = problem.create("exp(sin(x1*x2))", order=6)
    points = torch.rand(2, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    a, b = (registry.engine(name)(made)(points).values for name in ("reverse", "symbolic"))
    assert a.shape == (50, 28)
    assert torch.allclose(a, b, rtol=1e-12, atol=1e-11)


def test_cotangents_are_signed_powers_of_two_that_never_multiply_beyond_one():
    draw = reverse.powers_of_two(0)
    product = torch.ones(1000, dtype=torch.float64)
    for level in range(5):
        v = draw(1000, level, torch.device("cpu"), torch.float64)
        assert set(v.abs().tolist()) <= {0.5, 1.0, 2.0}
        product *= v
        assert set(product.abs().tolist()) == {0.5, 1.0}
    assert len(set(v.tolist())) > 3


def test_the_same_seed_draws_the_same_cotangents():
    a, b, c = (reverse.powers_of_two(s)(50, 0, torch.device("cpu"), torch.float64) for s in (1, 1, 2))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_a_forgotten_grad_output_shows_under_random_cotangents_and_not_under_ones():
    made = problem.create("exp(x)", function=IgnoresCotangent.apply)
    points = torch.rand(1, 100, dtype=torch.float64)
    truth = points[0].exp()
    ones = reverse.along(made, [(0,)], reverse.ones)(points).values[:, 0]
    drawn = registry.engine("reverse")(made)(points).values[:, 1]
    assert torch.equal(ones, truth)
    assert not torch.allclose(drawn, truth)


def test_a_detached_variable_is_reported_as_cut():
    made = problem.create("x*y", function=lambda x, y: x * y.detach())
    found = registry.engine("reverse")(made)(POINTS)
    assert found.cut == {2}
    assert found.values[:, 2].tolist() == [0, 0, 0]


def test_an_operation_without_a_backward_costs_only_the_rows_that_need_it():
    found = evaluated("reverse", "x1*besselj(0, x2)", order=1)
    assert dict(found.unsupported) == {2: "torch.special.bessel_j0 has no backward"}
    assert found.values[0, 1].item() == pytest.approx(0.9900249722395764)  # J0(0.2), DLMF 10.2.2
    assert math.isnan(found.values[0, 2])


def test_what_torch_does_not_have_is_unsupported_by_name():
    found = evaluated("reverse", "LambertW(x)", order=1)
    assert set(found.unsupported.values()) == {"torch has no Lambert W"}


def test_an_unknown_engine_is_refused_with_the_list():
    with pytest.raises(RequestError, match=r"(?s)--engine revers: unknown.*reverse, symbolic"):
        registry.engine("revers")


def test_the_engine_that_the_documentation_shows_is_one(monkeypatch):
    shown = textwrap.dedent(extend.__doc__[extend.__doc__.index("    def prepare") :])
    module = types.ModuleType("shown")
    vars(module).update({name: getattr(extend, name) for name in extend.__all__}, torch=torch)
    exec(shown, vars(module))
    monkeypatch.setitem(sys.modules, "shown", module)
    monkeypatch.setattr(registry, "entry_points", lambda group: [EntryPoint("mine", "shown:prepare", registry.GROUP)])
    report = check("x*sin(y)", engines=["mine"], timing=False, points=100)
    assert {row.verdict for row in report.checks[0].partials} == {Verdict.AGREES}
    refused = check("x*sin(y)", order=2, engines=["mine"], timing=False, points=100)
    assert {row.verdict for row in refused.checks[0].partials} == {Verdict.UNSUPPORTED}


def test_an_engine_of_a_plugin_is_found_and_a_broken_one_is_a_warning(monkeypatch):
    good = EntryPoint("mine", "derivcheck.engines.symbolic:prepare", registry.GROUP)
    broken = EntryPoint("broken", "no_such_module:prepare", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [good, broken])
    assert registry.names() == [*registry.BUILT_IN, "broken", "mine"]
    assert registry.engine("mine").__module__ == "derivcheck.engines.symbolic"
    with pytest.warns(UserWarning, match="engine broken of an unknown"), pytest.raises(RequestError):
        registry.engine("broken")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        registry.engine("reverse")


def test_a_constant_beyond_float64_costs_only_the_symbolic_side():
    function = lambda x: x * 1e38 * 1e302  # noqa: E731
    row = check("x*10**340", function=function, order=0, domain=(1e-40, 1e-39), timing=False).checks[0].partials[0]
    assert (row.verdict, math.isnan(row.sympy.max_abs_error)) == (Verdict.AGREES, True)
    assert row.points.refereed > 0
    wrong = check("x*10**340", function=lambda x: x * 1e300, order=0, domain=(1e-40, 1e-39), timing=False)
    assert wrong.verdict is Verdict.DISAGREES


@pytest.mark.parametrize("name", ["forward", "forward-over-reverse"])
def test_an_operation_without_forward_mode_is_unsupported(name):
    """Of torch.heaviside it says no more than that it does not support it."""
    report = check("Heaviside(x - 0.5)", engines=name, points=5, timing=False)
    assert {row.verdict for row in report.checks[0].partials} == {Verdict.UNSUPPORTED}
    assert "aten::heaviside" in report.checks[0].partials[0].message


def test_a_gradient_that_would_take_too_long_is_not_begun(monkeypatch):
    """Each order takes several times as long as the last one: one gradient of order 13 takes 20 s and 7 GB."""
    times = iter([1.0, 5.0])
    monkeypatch.setattr(reverse, "once", lambda call: (call(), next(times)))
    made = replace(problem.create("sin(x)", order=5), deadline=time.monotonic() + 20)
    with pytest.raises(TimedOut, match="autograd at order 3 would take longer than --timeout"):
        reverse.prepare(made)(torch.ones(1, 4, dtype=torch.float64))
