"""Layers and losses as functions of tensors, one number or several per point; the first axis has the points.

None of them has a formula in the suite: the forward of torch is the formula. Weights are fixed.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

WEIGHTS = (0.5, -0.25, 0.75, 1.25, -0.5, 0.375, -1.0, 0.625, 0.125, -0.75, 1.5, 0.25)
"""Fixed numbers that every dtype has."""


def _weights(like: Tensor, *shape: int) -> Tensor:
    count = torch.Size(shape).numel()
    return torch.tensor((WEIGHTS * (count // len(WEIGHTS) + 1))[:count]).to(like).reshape(shape)


def softmax(x: Tensor) -> Tensor:
    return torch.softmax(x, -1)


def log_softmax(x: Tensor) -> Tensor:
    return torch.log_softmax(x, -1)


def layer_norm(x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[1:], _weights(x, *x.shape[1:]))


def rms_norm(x: Tensor) -> Tensor:
    return F.rms_norm(x, x.shape[1:], _weights(x, *x.shape[1:]))


def group_norm(x: Tensor) -> Tensor:
    return F.group_norm(x, 2)


def batch_norm(x: Tensor) -> Tensor:
    """In training. Each point is a batch of its own: its channels are the points."""
    return F.batch_norm(x.T, None, None, training=True).T


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(q, k, v)


def _reduced(loss: Callable[..., Tensor], reduction: str) -> Callable[[Tensor, Tensor], Tensor]:
    """A loss of one point, whose reduction is over its own numbers."""
    return lambda x, y: torch.stack([loss(a, b, reduction=reduction) for a, b in zip(x, y, strict=True)])


mse_loss_mean = _reduced(F.mse_loss, "mean")
smooth_l1_loss_sum = _reduced(F.smooth_l1_loss, "sum")
huber_loss_mean = _reduced(F.huber_loss, "mean")
soft_margin_loss_mean = _reduced(F.soft_margin_loss, "mean")


def conv1d(x: Tensor) -> Tensor:
    return F.conv1d(x, _weights(x, 2, 1, 3))


def conv2d(x: Tensor) -> Tensor:
    return F.conv2d(x.unsqueeze(1), _weights(x, 1, 1, 2, 2), padding=1)


def conv_weights(w: Tensor) -> Tensor:
    """A convolution by its weights: each point is a group of its own."""
    x = _weights(w, 1, 1, 4).expand(1, len(w), 4)
    return F.conv1d(x, w.unsqueeze(1), groups=len(w)).squeeze(0)


def bilinear(x: Tensor, y: Tensor) -> Tensor:
    return F.bilinear(x, y, _weights(x, 2, 2, 2))


def interpolate(x: Tensor) -> Tensor:
    return F.interpolate(x.unsqueeze(1), size=5, mode="linear", align_corners=True)


def cumsum(x: Tensor) -> Tensor:
    return torch.cumsum(x, -1)


def cumprod(x: Tensor) -> Tensor:
    return torch.cumprod(x, -1)


def logcumsumexp(x: Tensor) -> Tensor:
    return torch.logcumsumexp(x, -1)


def cdist(x: Tensor) -> Tensor:
    return torch.cdist(x, _weights(x, 2, 2).expand(len(x), 2, 2))


def _well_conditioned(x: Tensor) -> Tensor:
    """Matrices with entries of at most 1, made diagonally dominant."""
    return x + 4 * torch.eye(x.shape[-1]).to(x)


def det(x: Tensor) -> Tensor:
    found: Tensor = torch.linalg.det(_well_conditioned(x))
    return found


def inverse(x: Tensor) -> Tensor:
    found: Tensor = torch.linalg.inv(_well_conditioned(x))
    return found


def solve(x: Tensor, b: Tensor) -> Tensor:
    found: Tensor = torch.linalg.solve(_well_conditioned(x), b)
    return found


def lstm_cell(x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    weights = (_weights(x, 8, x.shape[1]), _weights(x, 8, 2), _weights(x, 8), _weights(x, 8))
    return torch.lstm_cell(x, (h, c), *weights)


def gru_cell(x: Tensor, h: Tensor) -> Tensor:
    return torch.gru_cell(x, h, _weights(x, 6, x.shape[1]), _weights(x, 6, 2), _weights(x, 6), _weights(x, 6))
