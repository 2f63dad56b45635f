"""The user's function is called as a training loop calls it: leaves that require grad, by parameter name."""

import functools
import subprocess
import sys

import pytest
import torch

from derivcheck import check
from derivcheck.engines.calling import arguments
from derivcheck.errors import FunctionError

SOURCE = """
import sys
import torch

def u(x, t):
    return torch.exp(-t) * x**2

def exits(x):
    sys.exit(0)

def exits_at_corners(x):
    if bool((x == 0).any()):
        sys.exit(0)
    return x**2

class ExitsBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**2

    @staticmethod
    def backward(ctx, g):
        raise SystemExit(0)

class Later(ExitsBackward):
    calls = 0

    @staticmethod
    def backward(ctx, g):
        Later.calls += 1
        if Later.calls > 2:
            raise ValueError("the third time")
        return 2 * g * ctx.saved_tensors[0]
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(SOURCE)
    (tmp_path / "leaving.py").write_text("import sys\nsys.exit(0)\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def u(x, t):
    return torch.exp(-t) * x**2


class ByForward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, t):
        ctx.save_for_backward(x, t)
        return u(x, t)

    @staticmethod
    def backward(ctx, g):
        x, t = ctx.saved_tensors
        return g * 2 * x * torch.exp(-t), -g * u(x, t)


class Separate(ByForward):
    @staticmethod
    def forward(x, t):
        return u(x, t)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)


class Net(torch.nn.Module):
    def forward(self, x, t):
        return u(x, t)


def with_a_default(x, scale=1.0, t=0.0):
    return scale * u(x, t)


def by_keyword(x, *, t):
    return u(x, t)


BY_NAME = {
    "function": u,
    "autograd.Function": ByForward,
    "with setup_context": Separate,
    "module": Net(),
    "method": Net().forward,
    "parameter left out": with_a_default,
    "keyword only": by_keyword,
    "partial": functools.partial(with_a_default, scale=1.0),
    "vmap": torch.vmap(u),
}


@pytest.mark.parametrize("name", BY_NAME)
def test_variables_are_passed_to_the_parameters_of_their_names(name):
    assert check("x**2*exp(-t)", function=BY_NAME[name], timing=False, points=1000).ok


def test_other_names_take_the_variables_in_their_order():
    function = lambda a, b: u(b, a)  # noqa: E731
    assert check("x**2*exp(-t)", function=function, timing=False).ok
    assert check("x**2*exp(-t)", function=lambda *xs: u(*xs), variables=["x", "t"], timing=False).ok


def test_the_arguments_are_named_in_the_order_in_which_they_are_passed():
    assert arguments(u, ("t", "x")) == ("x", "t")
    assert arguments(lambda a, b: a, ("t", "x")) == ("t", "x")
    assert arguments(torch.pow, ("x", "y")) == ("x", "y")
    assert arguments(with_a_default, ("t", "x")) == ("x", "t")


@pytest.mark.parametrize("order", [0, 1])
def test_a_function_may_differentiate_by_itself(order):
    def residual(x, t):
        value = torch.sin(x * t)
        return torch.autograd.grad(value, x, torch.ones_like(value), create_graph=True)[0]

    engines = ["reverse", "forward-over-reverse"] if order == 0 else ["reverse"]
    assert check("t*cos(x*t)", function=residual, order=order, engines=engines, timing=False).ok


def test_a_variable_without_a_backward_does_not_prevent_the_others():
    function = lambda s, x: torch.special.zeta(s, x)  # noqa: E731
    report = check("zeta(s, x)", function=function, wrt=["x"], partials=["x"], domain={"s": (2, 3), "x": (1, 2)})
    assert report.checks[0].partials[0].verdict.value in ("agrees", "unsupported")


EXITS = {
    "leaving.py:f": "fails when it is imported",
    "mine.py:exits": "mine.py:exits raises",
    "mine.py:ExitsBackward": "raises when it is differentiated",
    "mine.py:exits_at_corners": "mine.py:exits_at_corners raises",
}


@pytest.mark.parametrize("name", EXITS)
def test_an_exit_in_the_users_code_is_its_failure_with_its_frames(mine, name):
    with pytest.raises(FunctionError, match=EXITS[name]) as caught:
        check("x**2", function=name, timing=False)
    assert "sys.exit(0)" in str(caught.value) or "raise SystemExit(0)" in str(caught.value)


def test_what_is_raised_after_the_first_call_is_the_functions_failure_too(mine):
    with pytest.raises(FunctionError, match="the third time") as caught:
        check("x**2", function="mine.py:Later", timing=False, points=60_000)  # four chunks
    assert 'raise ValueError("the third time")' in str(caught.value)


def test_the_command_ends_with_status_2_and_not_with_that_of_the_function(mine):
    command = [sys.executable, "-m", "derivcheck", "x**2", "--function", "mine.py:exits", "--no-timing"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, "in exits" in result.stderr) == (2, True)


class Quotient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, denominator, numerator):
        ctx.save_for_backward(denominator, numerator)
        return numerator / denominator

    @staticmethod
    def backward(ctx, g):
        denominator, numerator = ctx.saved_tensors
        return -g * numerator / denominator**2, g / denominator


def test_the_forward_of_an_autograd_function_names_its_inputs():
    report = check(
        "numerator/denominator",
        function=Quotient.apply,
        variables=["numerator", "denominator"],
        domain=(1, 2),
        points=50,
    )
    assert report.ok


def test_what_a_partial_fills_in_is_left_alone():
    elu = functools.partial(torch.nn.functional.elu, alpha=0.3)
    assert check("Piecewise((x, x > 0), (0.3*(exp(x) - 1), True))", function=elu, domain=(-2, 2), points=50).ok
    assert check("x*y", function=functools.partial(torch.mul, out=None), points=50).ok
