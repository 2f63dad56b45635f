"""How the function and its backward are called must not matter: backwards that depend on it, and honest ones."""

import pytest
import torch
import torch.nn.functional as F

from derivcheck import Cause, Verdict, check
from tests.liars import Cubic


def planted(backward, value=lambda *xs: xs[0] ** 2):
    """value(*xs) with `backward(g, *xs)` -> the gradients."""

    class Planted(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *xs):
            ctx.save_for_backward(*xs)
            return value(*xs)

        @staticmethod
        def backward(ctx, g):
            return backward(g, *ctx.saved_tensors)

    return Planted.apply


def row(function, expression="x**2", order=1, **options):
    report = check(expression, function=function, order=order, timing=False, points=1000, **options)
    return report.checks[0].partials[-1]


def pointer_walk(g):
    return torch.as_strided(g, g.shape, (1,), g.storage_offset())


def in_place(g, x):
    out = g * 2 * x
    x.data.mul_(2)
    return out


def eats_grad_output(g, x):
    g.data.mul_(2)
    return g * x


class SecondTime(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        ctx.calls = 0
        return x**2

    @staticmethod
    def backward(ctx, g):
        ctx.calls += 1
        return (1 + ctx.calls) * g * ctx.saved_tensors[0]


BUFFER = {}


def buffered(g, x):
    with torch.no_grad():
        return torch.mul(g * 2, x, out=BUFFER.setdefault(len(x), torch.empty(len(x), dtype=x.dtype)))


class Global(torch.autograd.Function):
    """The input is kept on the class, where the next call overwrites it."""

    @staticmethod
    def forward(ctx, x):
        Global.x = x
        return x**2

    @staticmethod
    def backward(ctx, g):
        return g * 2 * Global.x


def scaled(x, factor):
    return planted(lambda g, x: factor * 2 * g * x)(x)


WRONG = {
    "through bfloat16": (planted(lambda g, x: g.bfloat16().to(x.dtype) * 2 * x), "power of two"),
    "through float16": (planted(lambda g, x: g.half().to(x.dtype) * 2 * x), "power of two"),
    "clipped": (planted(lambda g, x: g.clamp(-100, 100) * 2 * x), "large grad_output"),
    "cut off": (planted(lambda g, x: g * (g.abs() > 1e-3) * 2 * x), "small grad_output"),
    "divided by itself": (planted(lambda g, x: g * g / g * 2 * x), "entries of grad_output are 0"),
    "skips zeros by count": (planted(lambda g, x: g * 2 * x * (1 if bool((g != 0).all()) else 2)), "entries"),
    "expanded": (planted(lambda g, x: g * 2 * x if g.stride() != (0,) else torch.zeros_like(x)), "sum"),
    "all ones": (planted(lambda g, x: g * x * (1 if bool((g == 1).all()) else 2)), "sum"),
    "pointer walk": (planted(lambda g, x: pointer_walk(g) * 2 * x), "strided grad_output"),
    "viewed": (planted(lambda g, x: g.view(torch.int16).view(g.dtype) * 2 * x), "strided grad_output: it raises"),
    "without a graph": (planted(lambda g, x: g * 2 * x * (1 if torch.is_grad_enabled() else 1.5)), "create_graph"),
    "with a graph": (planted(lambda g, x: g * 2 * x * (1.5 if torch.is_grad_enabled() else 1)), "create_graph"),
    "saved input as scratch space": (planted(in_place), "inputs of the function in place"),
    "grad_output as scratch space": (planted(eats_grad_output), "grad_output in place"),
    "second backward": (SecondTime.apply, "second backward"),
    "one buffer for all": (planted(buffered), "second backward changes the gradients"),
    "state on the class": (Global.apply, "keeps state outside of ctx"),
    "pointer walk of the input": (planted(lambda g, x: 2 * g * pointer_walk(x)), "strided inputs"),
    "expanded input": (planted(lambda g, x: 2 * g * x * (1 if x.stride() != (0,) else 2)), "expanded inputs"),
    "one number of points": (planted(lambda g, x: 2 * g * x * (2 if len(x) == 32 else 1)), "for 32 points"),
    "odd number of points": (planted(lambda g, x: 2 * g * x * (3 if len(x) % 2 else 1)), "7 points"),
    "single point": (planted(lambda g, x: 2 * g * x * (3 if len(x) == 1 else 1)), "single point"),
    "leaves only": (lambda x: scaled(x, 1 if x.is_leaf else 2), "not leaves"),
    "value without grad": (lambda x: scaled(x, 1) * (1 if torch.is_grad_enabled() else 2), "no_grad"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_backward_that_depends_on_how_it_is_called_disagrees_with_the_kind(name):
    function, message = WRONG[name]
    BUFFER.clear()
    report = check("x**2", function=function, timing=False, points=1000)
    wrong = [r for r in report.checks[0].partials if r.verdict is Verdict.DISAGREES]
    assert [r.cause for r in wrong] == [Cause.PROTOCOL]
    assert message in wrong[0].message


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_it_is_seen_in_every_dtype(dtype):
    clipped = planted(lambda g, x: g.clamp(-2, 2) * 2 * x)
    assert row(clipped, dtype=dtype).cause is Cause.PROTOCOL
    assert row(planted(lambda g, x: g * 2 * x), dtype=dtype).verdict is Verdict.AGREES


def test_an_input_that_alone_requires_grad():
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        both = all(ctx.needs_input_grad)
        return (g * y if both else g * x), (g * x if both else g * y)

    function = planted(None, lambda x, y: x * y)
    function.__self__.backward = staticmethod(backward)
    wrong = row(function, "x*y")
    assert (wrong.cause, wrong.message) == (Cause.PROTOCOL, "wrong if y is the only input that requires grad")


def test_the_second_derivative_is_called_both_ways_too():
    slope = planted(lambda g, x: 2 * g * (1 if torch.is_grad_enabled() else 1.5), lambda x: 2 * x)
    outer = planted(lambda g, x: g * slope(x))
    wrong = row(outer, order=2)
    assert (wrong.order, wrong.cause) == (2, Cause.PROTOCOL)


def test_a_matrix_is_strided_and_expanded_too():
    function = planted(
        lambda g, X: g.unsqueeze(1) * (X.flip(1) if X.is_contiguous() else X), lambda X: X[:, 0] * X[:, 1]
    )
    wrong = row(function, "x*y", layout="matrix")
    assert (wrong.cause, "strided inputs" in wrong.message) == (Cause.PROTOCOL, True)
    honest = planted(lambda g, X: g.unsqueeze(1) * X.flip(1), lambda X: X[:, 0] * X[:, 1])
    assert row(honest, "x*y", layout="matrix").verdict is Verdict.AGREES


def test_the_values_shown_are_those_of_the_call_that_is_wrong():
    wrong = row(WRONG["odd number of points"][0])
    assert wrong.worst.autograd == pytest.approx(3 * wrong.worst.exact)


def test_a_failure_that_takes_several_points_keeps_them_in_its_reproduce_line():
    assert "-n 1000" in row(WRONG["state on the class"][0]).reproduce
    assert "points=1," in row(WRONG["odd number of points"][0]).reproduce


def only_1000(x):
    return x * x.new_ones(1000) * x


def some_numbers_only(x):
    if len(x) % 8:
        raise ValueError("blocks of 8 points")
    return x**2


def contiguous_only(x):
    if not x.is_contiguous():
        raise ValueError("contiguous inputs only")
    return x**2


def residual(x):
    inner = torch.sin(x * x)
    return torch.autograd.grad(inner, x, torch.ones_like(inner), create_graph=True)[0]


HONEST = {
    "once differentiable": (Cubic.apply, "x**3"),
    "one number of points": (only_1000, "x**2"),
    "blocks of points": (some_numbers_only, "x**2"),
    "contiguous inputs": (contiguous_only, "x**2"),
    "autograd.grad inside": (residual, "2*x*cos(x**2)"),
    "vmap": (torch.vmap(lambda x: torch.tanh(x) * x), "x*tanh(x)"),
    "checkpoint": (lambda x: torch.utils.checkpoint.checkpoint(torch.sin, x, use_reentrant=False), "sin(x)"),
    "two outputs of one": (lambda x: torch.stack([x, x.exp()]).prod(0), "x*exp(x)"),
    "softplus": (F.softplus, "log(1+exp(x))"),
    "detached": (lambda x: 3 + 0 * x.detach(), "3+0*x"),
}


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_function_is_not_blamed(name):
    function, expression = HONEST[name]
    report = check(expression, function=function, domain=(-2, 2), timing=False, points=1000, corners=False)
    assert [(r.label, r.message) for r in report.checks[0].partials if r.verdict is not Verdict.AGREES] == []


def test_terms_that_cancel_exactly_for_powers_of_two_only_are_noise():
    function = lambda x, y, z: torch.cumprod(torch.stack([x, y, z], -1), -1)[..., -1]  # noqa: E731
    report = check("x*y*z", function=function, partials=["x", "x,x"], domain=(-3, 3), timing=False)
    assert report.ok


def test_an_intermediate_result_that_overflows_for_a_large_cotangent_alone_is_no_failure():
    assert row(lambda x: (x * 1e30) * (x * 1e-30), domain=(1, 2), dtype="float32").verdict is Verdict.AGREES
    assert row(lambda x: x.exp() ** 2, "exp(2*x)", domain=(41, 43), dtype="float32").verdict is Verdict.AGREES


def test_torch_matrix_exp_loses_digits_in_proportion_to_grad_output():
    """A defect of torch 2.13.0: 2^20 and 1 must give the same gradient, up to the factor."""
    matrix = torch.tensor([[1.1776, 0.6928], [0.8748, 0.2081]], requires_grad=True)
    small, large = (
        torch.autograd.grad(torch.matrix_exp(matrix)[0, 0], matrix, torch.tensor(v))[0] for v in (1.0, 2.0**20)
    )
    assert not torch.allclose(small, large / 2.0**20, rtol=1e-3)


def half_too_large(condition):
    """sin, whose slope is 1.5 times what it should be where condition(grad_output, calls so far) holds."""
    calls = [0]

    class Planted(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.sin()

        @staticmethod
        def backward(ctx, g):
            calls[0] += 1
            return g * ctx.saved_tensors[0].cos() * (1.5 if condition(g, calls[0]) else 1.0)

    return lambda x: Planted.apply(x)


HALF_TOO_LARGE = {
    "odd number of points": lambda g, calls: g.numel() % 2 == 1,
    "strided": lambda g, calls: not g.is_contiguous(),
    "small": lambda g, calls: float(g.detach().abs().max()) < 2e-3,
    "large": lambda g, calls: float(g.detach().abs().max()) > 1000,
    "every other call": lambda g, calls: calls % 2 == 0,
}


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
@pytest.mark.parametrize("name", HALF_TOO_LARGE)
def test_a_slope_half_too_large_in_one_way_of_calling_is_found_in_every_dtype(name, dtype):
    function = half_too_large(HALF_TOO_LARGE[name])
    report = check("sin(x)", function=function, domain=(-2, 2), dtype=dtype, points=200, timing=False)
    assert report.verdict is Verdict.DISAGREES
