"""Torch functions written out in others, so that Taylor mode needs no rule of their own for them.

Each is the definition in torch's documentation. Where a function has branches, the one that torch takes is taken.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from derivcheck.errors import Unsupported

# The scale and alpha of selu: Klambauer et al., Self-Normalizing Neural Networks, 2017, as torch has them.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def _maximum(a: Tensor, b: Tensor, sign: int = 1) -> Tensor:
    """The larger one; where they are equal, torch gives half of the slope to each."""
    return torch.where(a == b, (a + b) / 2, torch.where(sign * (a - b) > 0, a, b))


def _clamp(x: Tensor, min: Any = None, max: Any = None) -> Tensor:
    below = x if min is None else torch.where(x < min, torch.as_tensor(min), x)
    return below if max is None else torch.where(below > max, torch.as_tensor(max), below)


def _hypot(a: Tensor, b: Tensor) -> Tensor:
    return torch.sqrt(a * a + b * b)


def _atan2(y: Any, x: Any) -> Tensor:
    """atan(y/x) or -atan(x/y), whichever divides by the larger, and a constant."""
    swap = abs(y) > abs(x)
    angle = torch.atan(torch.where(swap, -x, y) / torch.where(swap, y, x))
    turn = torch.atan2(y.detach() + 0 * x.detach(), x.detach() + 0 * y.detach()) - angle.detach()
    return angle + turn


def _logsumexp(x: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    shift = x.detach().amax(dim, keepdim=True)
    total = torch.log(torch.exp(x - shift).sum(dim, keepdim=True)) + shift
    return total if keepdim else total.squeeze(dim)


def _softmax(x: Tensor, dim: int = -1, **_: Any) -> Tensor:
    powers = torch.exp(x - x.detach().amax(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True)


def _softplus(x: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:
    return torch.where(x * beta > threshold, x, torch.log1p(torch.exp(x * beta)) / beta)


def _gelu(x: Tensor, approximate: str = "none") -> Tensor:
    if approximate == "tanh":
        return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1 + torch.erf(x * math.sqrt(0.5)))


def _elu(x: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    return torch.where(x > 0, x, alpha * torch.expm1(x))


def _logit(x: Tensor, eps: float | None = None) -> Tensor:
    inside = x if eps is None else torch.clamp(x, eps, 1 - eps)
    return torch.log(inside / (1 - inside))


def _xlogy(x: Any, y: Any) -> Tensor:
    return torch.where(x == 0, torch.zeros_like(x * y), x * torch.log(y))


COMPOSITIONS: dict[str, Callable[..., Any]] = {
    "abs": lambda x: x * torch.sign(x),
    "maximum": _maximum,
    "minimum": lambda a, b: _maximum(a, b, -1),
    "clamp": _clamp,
    "clamp_min": lambda x, min: _clamp(x, min),
    "clamp_max": lambda x, max: _clamp(x, None, max),
    "relu": lambda x, inplace=False: torch.where(x > 0, x, torch.zeros_like(x)),
    "relu6": lambda x, inplace=False: _clamp(x, 0.0, 6.0),
    "leaky_relu": lambda x, negative_slope=0.01, inplace=False: torch.where(x > 0, x, x * negative_slope),
    "hardtanh": lambda x, min_val=-1.0, max_val=1.0, inplace=False: _clamp(x, min_val, max_val),
    "elu": _elu,
    "celu": lambda x, alpha=1.0, inplace=False: torch.where(x > 0, x, alpha * torch.expm1(x / alpha)),
    "selu": lambda x, inplace=False: SELU_SCALE * _elu(x, SELU_ALPHA),
    "gelu": _gelu,
    "silu": lambda x, inplace=False: x * torch.sigmoid(x),
    "mish": lambda x, inplace=False: x * torch.tanh(_softplus(x)),
    "softplus": _softplus,
    "softsign": lambda x: x / (1 + torch.abs(x)),
    "logsigmoid": lambda x: -torch.log1p(torch.exp(-torch.abs(x))) + torch.clamp(x, max=0.0),
    "tanhshrink": lambda x: x - torch.tanh(x),
    "hypot": _hypot,
    "atan2": _atan2,
    "frac": lambda x: x - torch.trunc(x),
    "remainder": lambda x, p: x - p * torch.floor(x / p),
    "fmod": lambda x, p: x - p * torch.trunc(x / p),
    "logaddexp": lambda a, b: _logsumexp(torch.stack([a, b]), 0),
    "logsumexp": _logsumexp,
    "softmax": _softmax,
    "log_softmax": lambda x, dim=-1, **_: x - _logsumexp(x, dim, keepdim=True),
    "logit": _logit,
    "xlogy": _xlogy,
    "xlog1py": lambda x, y: torch.where(x == 0, torch.zeros_like(x * y), x * torch.log1p(y)),
    "entr": lambda x: -_xlogy(x, x),
    "lerp": lambda a, b, weight: a + weight * (b - a),
    "addcmul": lambda x, a, b, value=1: x + value * a * b,
    "addcdiv": lambda x, a, b, value=1: x + value * a / b,
    "deg2rad": lambda x: x * (math.pi / 180),
    "rad2deg": lambda x: x * (180 / math.pi),
    "dropout": lambda x, p=0.5, training=True, inplace=False: x if not training else _random(),
}


def _random() -> Tensor:
    raise Unsupported("dropout in training is not a function of its input")
