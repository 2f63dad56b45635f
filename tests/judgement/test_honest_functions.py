"""Implementations that people write, and torch's own functions: right, so none may disagree."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

from derivcheck import check
from tests.test_random_expressions import disagreeing


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        return 3 * ctx.saved_tensors[0] ** 2 * g


def in_place(x):
    y = x.clone()
    y.mul_(2).add_(1)
    return y * y


def double_where(x):
    positive = x > 0
    return torch.where(positive, torch.where(positive, x, torch.ones_like(x)).sqrt(), torch.zeros_like(x))


def sigmoid_without_overflow(x):
    z = torch.exp(-x.abs())
    return torch.where(x >= 0, 1 / (1 + z), z / (1 + z))


def horner(x):
    total = torch.zeros_like(x)
    for c in (0.1, -0.7, 1.3, 2.0, -0.25):
        total = total * x + c
    return total


def expm1_by_x(x):
    small = x.abs() < 1e-2
    away = torch.where(small, torch.ones_like(x), x)
    series = 1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5 * (1 + x / 6 * (1 + x / 7)))))
    return torch.where(small, series, torch.expm1(away) / away)


def newton_square_root(x):
    y = x
    for _ in range(8):
        y = (y + x / y) / 2
    return y


def matrix_product(x, y):
    weights = torch.tensor([[0.5, -0.25], [1.25, 0.75]], dtype=x.dtype)
    return (torch.stack([x, y], -1) @ weights).sum(-1)


def pair(x, y):
    return torch.stack([x, y], -1)


TWO_PI = 2 * math.pi
HONEST = [
    ("log(1 + exp(x))", F.softplus, (-15, 15)),
    ("log(exp(x) + exp(y))", torch.logaddexp, (-5, 5)),
    ("log(exp(x) + exp(y))", lambda x, y: torch.logsumexp(pair(x, y), -1), (-5, 5)),
    ("exp(x)/(exp(x) + exp(y))", lambda x, y: torch.softmax(pair(x, y), -1)[..., 0], (-5, 5)),
    ("x - log(exp(x) + exp(y))", lambda x, y: torch.log_softmax(pair(x, y), -1)[..., 0], (-5, 5)),
    ("1/(1 + exp(-x))", sigmoid_without_overflow, (0.5, 30)),
    ("1/(1 + exp(-x))", lambda x: (1 + torch.tanh(x / 2)) / 2, (-5, 5)),
    ("x/2*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))", lambda x: F.gelu(x, approximate="tanh"), (-5, 5)),
    ("x*(1 + erf(x/sqrt(2)))/2", F.gelu, (-5, 5)),
    ("x*tanh(log(1 + exp(x)))", F.mish, (-10, 10)),
    ("-log(1 + exp(-x))", F.logsigmoid, (-15, 15)),
    ("Piecewise((x, x > 0), (exp(x) - 1, True))", F.elu, (-3, 3)),
    ("(x - y)**2", lambda x, y: F.mse_loss(x, y, reduction="none"), (-2, 2)),
    ("log(1 + exp(x)) - x*y", lambda x, y: F.binary_cross_entropy_with_logits(x, y, reduction="none"), (0.5, 1)),
    ("sqrt(x**2 + y**2)", torch.hypot, (0.1, 3)),
    ("sqrt(x**2 + y**2)", lambda x, y: torch.linalg.vector_norm(pair(x, y), dim=-1), (0.1, 3)),
    ("x/sqrt((x**2 + y**2)/2 + 1e-6)", lambda x, y: x * torch.rsqrt((x * x + y * y) / 2 + 1e-6), (-3, 3)),
    ("0.1*x**4 - 0.7*x**3 + 1.3*x**2 + 2*x - 0.25", horner, (-2, 2)),
    ("x**3", Cube.apply, (-2, 2)),
    ("(2*x + 1)**2", in_place, (-2, 2)),
    ("0.25*x + 2*y", matrix_product, (-3, 3)),
    ("exp(sin(x))", lambda x: checkpoint(lambda a: a.sin().exp(), x, use_reentrant=False), (-3, 3)),
    ("2*x*cos(x**2)", torch.vmap(torch.func.grad(lambda x: (x**2).sin())), (-2, 2)),
    ("Piecewise((sqrt(x), x > 0), (0, True))", double_where, (-2, 2)),
    ("Piecewise((1, x == 0), ((exp(x) - 1)/x, True))", expm1_by_x, (-3, 3)),
    ("sqrt(x)", newton_square_root, (0.5, 4)),
    ("x*y + x", lambda x, y: pair(x, x * y).cumsum(-1)[..., 1], (-2, 2)),
    ("x**2 - y**2", lambda x, y: (torch.complex(x, y) ** 2).real, (-2, 2)),
    ("x**2 + y**2", lambda x, y: torch.einsum("ni,ni->n", pair(x, y), pair(x, y)), (-2, 2)),
    ("x**y", torch.pow, (0.2, 2)),
    ("x**y", lambda x, y: (y * x.log()).exp(), (0.2, 3)),
    ("sqrt(1 - x**2)", lambda x: ((1 - x) * (1 + x)).sqrt(), (-0.9, 0.9)),
    ("acosh(x)", lambda x: torch.log(x + ((x - 1) * (x + 1)).sqrt()), (1.1, 5)),
    ("exp(-x**2/2)/sqrt(2*pi)", lambda x: torch.distributions.Normal(0.0, 1.0).log_prob(x).exp(), (-4, 4)),
    ("-x**2/2 - log(2*pi)/2", lambda x: -x * x / 2 - math.log(TWO_PI) / 2, (-3, 3)),
    ("x - pi", lambda x: x - math.pi, (0, 5)),
    ("z + 0.7*x/y", lambda x, y, z: torch.addcdiv(z, x, y, value=0.7), (0.5, 2)),
]


@pytest.mark.parametrize("place", range(len(HONEST)))
def test_an_honest_implementation_never_disagrees(place):
    text, function, domain = HONEST[place]
    dtype = ("float32", "float64", "bfloat16")[place % 3]
    report = check(text, function=function, domain=domain, order=2, dtype=dtype, points=200, timing=False)
    assert disagreeing(report) == []
    assert len(report.checks) == 1
