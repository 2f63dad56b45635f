"""Twenty layers as a person writes them, and each with an error planted into its backward."""

import torch
from torch.nn import functional as F

DOUBLE = torch.float64


def random(*shape, seed=0, positive=False):
    found = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)
    return (found.abs() + 0.5 if positive else found).requires_grad_()


def attention(q, k, v):
    return torch.softmax(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5, -1) @ v


TARGETS = torch.tensor([0, 2, 1])
LAYERS = {
    "softmax": (lambda x: torch.softmax(x, -1), (random(3, 4),)),
    "log_softmax": (lambda x: torch.log_softmax(x, -1), (random(3, 4),)),
    "attention": (attention, (random(3, 2), random(4, 2, seed=1), random(4, 2, seed=2))),
    "scaled_dot_product_attention": (
        F.scaled_dot_product_attention,
        (random(1, 3, 2), random(1, 4, 2, seed=1), random(1, 4, 2, seed=2)),
    ),
    "layer_norm": (lambda x, w, b: F.layer_norm(x, (4,), w, b), (random(3, 4), random(4), random(4))),
    "rms_norm": (lambda x, w: F.rms_norm(x, (4,), w), (random(3, 4), random(4))),
    "group_norm": (lambda x: F.group_norm(x, 2), (random(2, 4, 3),)),
    "batch_norm": (lambda x: F.batch_norm(x, None, None, training=True), (random(4, 3),)),
    "conv1d": (F.conv1d, (random(2, 2, 5), random(3, 2, 3, seed=1), random(3))),
    "conv2d": (F.conv2d, (random(1, 2, 4, 4), random(2, 2, 3, 3, seed=1))),
    "linear": (F.linear, (random(3, 4), random(2, 4, seed=1), random(2))),
    "matmul": (torch.matmul, (random(3, 4), random(4, 2, seed=1))),
    "einsum": (lambda a, b: torch.einsum("bij,bjk->bik", a, b), (random(2, 2, 3), random(2, 3, 2, seed=1))),
    "bilinear": (F.bilinear, (random(2, 3), random(2, 2, seed=1), random(2, 3, 2, seed=2))),
    "cross_entropy": (lambda x: F.cross_entropy(x, TARGETS), (random(3, 4),)),
    "mse_loss": (F.mse_loss, (random(3, 4), random(3, 4, seed=1))),
    "huber_loss": (F.huber_loss, (random(3, 4), random(3, 4, seed=1))),
    "bce_with_logits": (F.binary_cross_entropy_with_logits, (random(3, 4), random(3, 4, seed=1).detach().sigmoid())),
    "gelu": (F.gelu, (random(3, 4),)),
    "logcumsumexp": (lambda x: torch.logcumsumexp(x, -1), (random(3, 4),)),
}


class Scaled(torch.autograd.Function):
    """x, whose derivatives are right below an order, and wrong by a relative error at it."""

    @staticmethod
    def forward(ctx, x, error, order):
        ctx.error, ctx.order = error, order
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        wrong = g * (1 + ctx.error) if ctx.order == 1 else Scaled.apply(g, ctx.error, ctx.order - 1)
        return wrong, None, None


def planted(function, error, order):
    """The function with an error at this order and above."""

    def lying(first, *others):
        return function(Scaled.apply(first, error, order), *others)

    return lying
