"""Torch functions that lie about a derivative, and honest ones that look suspicious.

Each is a case: the function, the true expression, the domain, the order. The lies are planted here or are those of
torch itself; every one has been seen in real code.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch.autograd.function import once_differentiable


@dataclass(frozen=True)
class Case:
    name: str
    function: Any
    expression: str
    order: int = 1
    domain: Any = (-2, 2)
    dtype: str = "float64"
    cause: str = "FORMULA"
    first_wrong: int = 1


def backward(value, *partials):
    """value(*xs) with backward g·partials[i](*xs)."""

    class Planted(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *xs):
            ctx.save_for_backward(*xs)
            return value(*xs)

        @staticmethod
        def backward(ctx, g):
            return tuple(g * partial(*ctx.saved_tensors) for partial in partials)

    return Planted.apply


class Cubic(torch.autograd.Function):
    """x**3, honest, but only once."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    @once_differentiable
    def backward(ctx, g):
        return 3 * ctx.saved_tensors[0] ** 2 * g


class IgnoresCotangent(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.exp()

    @staticmethod
    def backward(ctx, g):
        return ctx.saved_tensors[0].exp()


class MixesPoints(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**2

    @staticmethod
    def backward(ctx, g):
        return 2 * ctx.saved_tensors[0] * (0.9 * g + 0.1 * g.mean())


class SignOfCotangent(torch.autograd.Function):
    """A straight-through habit: the size of grad_output is thrown away."""

    @staticmethod
    def forward(ctx, x):
        return 3 * x

    @staticmethod
    def backward(ctx, g):
        return 3 * g.sign()


class SavedInput(torch.autograd.Function):
    """The derivative is kept as a plain attribute: no graph leads to its own derivative."""

    @staticmethod
    def forward(ctx, x):
        ctx.slope = 3 * x.detach() ** 2
        return x**3

    @staticmethod
    def backward(ctx, g):
        return g * ctx.slope


def crossed(x, y):
    """∂x∂y right by one order of differentiation only."""
    by_y = backward(
        lambda x, y: x * torch.cos(x * y), lambda x, y: torch.cos(x * y), lambda x, y: -x * x * torch.sin(x * y)
    )
    return backward(lambda x, y: torch.sin(x * y), lambda x, y: y * torch.cos(x * y), by_y)(x, y)


def second_wrong(x):
    return backward(torch.exp, backward(torch.exp, lambda x: 1.01 * x.exp()))(x)


LIES = [
    Case("torch: the mixed partial of pow at y = 0", torch.pow, "x**y", 2, {"x": (0.1, 3), "y": (-2, 2)},
         cause="ISOLATED", first_wrong=2),
    Case("1.5 times at 1", backward(lambda x: x**2, lambda x: torch.where(x == 1, 3 * x, 2 * x)), "x**2",
         cause="ISOLATED"),
    Case("1.5 times at an end", backward(torch.sin, lambda x: torch.where(x == 2, 1.5, 1) * x.cos()), "sin(x)",
         cause="ISOLATED"),
    Case("1.5 times at ties", backward(torch.mul, lambda x, y: torch.where(x == y, 1.5 * y, y), lambda x, y: x), "x*y",
         cause="ISOLATED"),
    Case("1.5 times at a constant",
         backward(lambda x: (x - 0.7) ** 3, lambda x: (x - 0.7) ** 2 * 3 + torch.where(x == 0.7, 1, 0)), "(x-0.7)**3",
         cause="ISOLATED"),
    Case("1.5 times below 1e-6", backward(torch.sin, lambda x: torch.where(x.abs() < 1e-6, 1.5, 1) * x.cos()),
         "sin(x)"),
    Case("NaN at a constant", backward(lambda x: (x - 0.5) ** 2, lambda x: 2 * (x - 0.5) ** 2 / (x - 0.5)),
         "(x-1/2)**2", cause="NON_FINITE"),
    Case("1.5 times at integers in bfloat16", backward(lambda x: x**2, lambda x: torch.where(x == x.round(), 3, 2) * x),
         "x**2", 1, (1, 64), "bfloat16", cause="FORMULA"),
    Case("sign", backward(torch.sinh, lambda x: -x.cosh()), "sinh(x)"),
    Case("forgotten factor", backward(lambda x: (3 * x).sin(), lambda x: (3 * x).cos()), "sin(3*x)"),
    Case("chain rule left out", backward(lambda x: (x * x).exp(), lambda x: (x * x).exp()), "exp(x**2)"),
    Case("swapped", backward(lambda x, y: x * y**2, lambda x, y: 2 * x * y, lambda x, y: y**2), "x*y**2"),
    Case("clamped", backward(lambda x: x**2, lambda x: (2 * x).clamp(-3, 3)), "x**2"),
    Case("one in a thousand", backward(torch.cos, lambda x: torch.where(x > 1.996, x, -x.sin())), "cos(x)"),
    Case("series", backward(torch.sinh, lambda x: torch.where(x.abs() < 2e-3, 1 + x**2, x.cosh())), "sinh(x)"),
    Case("1e-6 off", backward(torch.atan, lambda x: (1 + 1e-6) / (1 + x**2)), "atan(x)"),
    Case("1e-10 off", backward(torch.atan, lambda x: (1 + 1e-10) / (1 + x**2)), "atan(x)"),
    Case("1e-5 off in float32", backward(torch.atan, lambda x: (1 + 1e-5) / (1 + x**2)), "atan(x)", dtype="float32"),
    Case("truncated constant", backward(lambda x: x.erf(), lambda x: 1.12838 * (-x * x).exp()), "erf(x)"),
    Case("tiny and wrong", backward(lambda x: 1e-9 * x.sin(), lambda x: 2e-9 * x.cos()), "sin(x)/10**9"),
    Case("float32 inside", backward(torch.cosh, lambda x: x.float().sinh().double()), "cosh(x)"),
    Case(
        "half inside float32",
        backward(torch.cosh, lambda x: x.half().sinh().float() if x.dtype == torch.float32 else x.sinh()),
        "cosh(x)",
        dtype="float32",
        domain=(0.5, 2),
        cause="PRECISION",
    ),
    Case("value off by a constant", lambda x: x.exp() + 1e-6, "exp(x)", cause="VALUE", first_wrong=0),
    Case("polynomial for exp", lambda x: 1 + x + x**2 / 2 + x**3 / 6, "exp(x)", cause="VALUE", first_wrong=0),
    Case("second order", second_wrong, "exp(x)", order=3, first_wrong=2),
    Case("saved as attribute", SavedInput.apply, "x**3", order=2, cause="CUT", first_wrong=2),
    Case("detached", lambda x, y: x.sin() * y.detach(), "sin(x)*y", cause="CUT"),
    Case("rebuilt", lambda x: torch.tensor(x.tolist(), dtype=x.dtype) ** 2, "x**2", cause="CUT"),
    Case("ignores grad_output", IgnoresCotangent.apply, "exp(x)", cause="PROTOCOL"),
    Case("mixes points", MixesPoints.apply, "x**2", cause="PROTOCOL"),
    Case("sign of grad_output", SignOfCotangent.apply, "3*x", cause="PROTOCOL"),
    Case("order of differentiation", crossed, "sin(x*y)", order=2, cause="ASYMMETRIC", first_wrong=2),
    Case(
        "where",
        lambda x: torch.where(x > 1, torch.sqrt(x - 1), x),
        "Piecewise((sqrt(x - 1), x > 1), (x, True))",
        cause="NON_FINITE",
    ),
    Case("naive softplus", lambda x: torch.log(1 + x.exp()), "log(1+exp(x))", domain=(-5, 2000), cause="NON_FINITE",
         first_wrong=0),
    Case("norm of small numbers", lambda x, y: ((1e-200 * x) ** 2 + (1e-200 * y) ** 2).sqrt() * 1e200,
         "sqrt(x**2+y**2)", domain=(1, 2), cause="VALUE", first_wrong=0),
    Case("pinned at the masked point",
         backward(lambda x, y: x * y.exp(), lambda x, y: torch.where(x == 0, 0.0, y.exp()), lambda x, y: x * y.exp()),
         "x*exp(y)", domain={"x": (0, 0), "y": (0, 1)}),
    Case("torch: layer_norm at order 3",
         lambda a, b, c: F.layer_norm(torch.stack([a, b, c], 1), (3,), eps=0.25)[:, 0],
         "(a - (a+b+c)/3)/sqrt(((a-(a+b+c)/3)**2 + (b-(a+b+c)/3)**2 + (c-(a+b+c)/3)**2)/3 + 1/4)",
         order=3, first_wrong=3),
    Case("torch: trigamma", torch.digamma, "digamma(x)", domain=(0.5, 20)),
]  # fmt: skip

HONEST = [
    Case("silu", F.silu, "x/(1+exp(-x))", 3, (-20, 20)),
    Case("gelu", F.gelu, "x*(1+erf(x/sqrt(2)))/2", 3, (-6, 6)),
    Case("softplus", F.softplus, "log(1+exp(x))", 2, (-15, 15)),
    Case("mish", F.mish, "x*tanh(log(1+exp(x)))", 2),
    Case("elu", F.elu, "Piecewise((x, x > 0), (exp(x) - 1, True))", 2),
    Case("huber", lambda x: F.huber_loss(x, torch.zeros_like(x), reduction="none"),
         "Piecewise((x**2/2, Abs(x) < 1), (Abs(x) - 1/2, True))", 2),
    Case("hypot", torch.hypot, "sqrt(x**2+y**2)", 2, (0.5, 2)),
    Case("pow of two variables", torch.pow, "x**y", 3, {"x": (0.1, 3), "y": (0.2, 0.8)}),
    Case("xlogy", torch.xlogy, "x*log(y)", 2, {"x": (0, 2), "y": (0.5, 3)}),
    Case("logaddexp", torch.logaddexp, "log(exp(x)+exp(y))", 3),
    Case("layer_norm to order 2", lambda a, b, c: F.layer_norm(torch.stack([a, b, c], 1), (3,))[:, 0],
         "(a - (a+b+c)/3)/sqrt(((a-(a+b+c)/3)**2 + (b-(a+b+c)/3)**2 + (c-(a+b+c)/3)**2)/3 + 1/100000)", 2, (-1, 1)),
    Case("inverse of a matrix, which raises where it is singular",
         lambda a, b: torch.linalg.inv(torch.stack([torch.stack([a, b], 1), torch.stack([b, 3 * a], 1)], 1))[:, 0, 0],
         "3*a/(3*a**2 - b**2)", 2, {"a": (2, 3), "b": (-1, 1)}),
    Case("norm", lambda a, b: torch.linalg.vector_norm(torch.stack([a, b], 1), dim=1), "sqrt(a**2+b**2)", 1, (1, 3)),
    Case("linear", lambda x: 2 * x + 1, "2*x + 1", 3),
    Case("unused variable", lambda x, y: x**3, "x**3 + 0*y", 2),
    Case("constant", lambda x: torch.ones_like(x), "1 + 0*x", 2),
    Case("relu", torch.relu, "Max(x, 0)", 2),
    Case("abs cubed", lambda x: x.abs() ** 3, "Abs(x)**3", 3),
    Case("double where", lambda x: torch.where(x > 0, torch.where(x > 0, x, 1.0).log() * x**4, 0 * x),
         "Piecewise((x**4*log(x), x > 0), (0, True))", 2),
    Case("right chain", backward(torch.sin, backward(torch.cos, lambda x: -x.sin())), "sin(x)", 3),
    Case("high power", lambda x: (1 + x) ** 25, "(1+x)**25", 3, (-0.5, 1)),
    Case("sharp peak", lambda x: 1 / (1e-10 + x**2), "1/(1e-10 + x**2)", 3, (-1e-3, 1e-3)),
    Case("near a pole", torch.tan, "tan(x)", 3, (1.5, 1.5707)),
    Case("float32 everyday", lambda x, y: torch.tanh(x * y) + x / (1 + y**2), "tanh(x*y) + x/(1+y**2)", 3, (-2, 2),
         "float32"),
    Case("bfloat16 everyday", lambda x: x.sin() * (-x).exp(), "sin(x)*exp(-x)", 2, (0.1, 2), "bfloat16"),
    Case("float16 everyday", lambda x: x.sin() * (-x).exp(), "sin(x)*exp(-x)", 2, (0.1, 2), "float16"),
]  # fmt: skip

ILL_CONDITIONED = [
    Case("gelu in float32", F.gelu, "x*(1+erf(x/sqrt(2)))/2", 2, (-4, 4), "float32"),
    Case("one minus cos", lambda x: (1 - x.cos()) / x**2, "(1-cos(x))/x**2", 3, (1e-3, 1e-1)),
    Case("difference quotient", lambda x, y: (x.exp() - y.exp()) / (x - y), "(exp(x)-exp(y))/(x-y)", 2,
         {"x": (1.0, 1.01), "y": (0.98, 0.999)}),
    Case("fast oscillation", lambda x: torch.sin(1e6 * x), "sin(1000000*x)", 3, (-1, 1)),
    Case("saturated sigmoid", torch.sigmoid, "1/(1+exp(-x))", 2, (30, 60)),
    Case("saturated tanh in float32", torch.tanh, "tanh(x)", 2, (6, 12), "float32"),
    Case("sinc near zero", torch.sinc, "sin(pi*x)/(pi*x)", 2, (1e-9, 1e-6)),
]  # fmt: skip
