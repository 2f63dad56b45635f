"""Torch's elementwise functions written out in others, so that Taylor mode needs no rule of their own for them.

Each is the definition in torch's documentation, with its defaults. At a branch, the side that torch takes is taken.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from derivcheck.errors import Unsupported

# The scale and alpha of selu: Klambauer et al., Self-Normalizing Neural Networks, 2017, with the digits torch has.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
# x³'s share in the tanh approximation of gelu: Hendrycks & Gimpel, Gaussian Error Linear Units, 2016, section 2.
GELU_CUBIC = 0.044715
# Where torch's hardsigmoid, hardswish and relu6 are cut off: ReLU6(x + 3)/6 (Howard et al., Searching for MobileNetV3,
# 2019, section 5.2; 6 is from Krizhevsky, Convolutional Deep Belief Networks on CIFAR-10, 2010).
HARD_SHIFT, HARD_TOP = 3.0, 6.0


def _maximum(a: Tensor, b: Tensor, sign: int = 1) -> Tensor:
    """The larger of both; if they are equal, torch gives half of the slope to each."""
    return torch.where(a == b, (a + b) / 2, torch.where(sign * (a - b) > 0, a, b))


def _clamp(x: Tensor, min: Any = None, max: Any = None) -> Tensor:
    below = x if min is None else torch.where(x < min, min, x)
    return below if max is None else torch.where(below > max, max, below)


def binary_scale(x: Tensor) -> Tensor:
    """The power of two below |x|, or 1: dividing by it loses no digit, and the square of the quotient is in range."""
    power = x / (2 * torch.frexp(x).mantissa)
    return torch.where(power.isfinite() & (power > 0), power, torch.ones_like(power))


def _hypot(a: Tensor, b: Tensor) -> Tensor:
    scale = binary_scale(torch.maximum(a.detach().abs(), b.detach().abs()))
    x, y = a / scale, b / scale
    return torch.sqrt(x * x + y * y) * scale


def _atan2(y: Any, x: Any) -> Tensor:
    """atan(y/x) or -atan(x/y), whichever divides by the larger, and a constant."""
    swap = abs(y) > abs(x)
    angle = torch.atan(torch.where(swap, -x, y) / torch.where(swap, y, x))
    turn = torch.atan2(y.detach() + 0 * x.detach(), x.detach() + 0 * y.detach()) - angle.detach()
    return angle + turn


def _softplus(x: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:
    return torch.where(x * beta > threshold, x, torch.log1p(torch.exp(x * beta)) / beta)


def _gelu(x: Tensor, approximate: str = "none") -> Tensor:
    if approximate == "tanh":
        return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + GELU_CUBIC * x**3)))
    return 0.5 * x * (1 + torch.erf(x * math.sqrt(0.5)))


def _elu(x: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    return torch.where(x > 0, x, alpha * torch.expm1(x))


def _logit(x: Tensor, eps: float | None = None) -> Tensor:
    inside = x if eps is None else torch.clamp(x, eps, 1 - eps)
    return torch.log(inside / (1 - inside))


def _xlogy(x: Any, y: Any) -> Tensor:
    """x·log y, and 0 where x = 0 and log y is not a finite number; elsewhere the slope at x = 0 is kept."""
    result = x * (torch.log(y) if isinstance(y, Tensor) else math.log(y))
    return torch.where((x == 0) & (y <= 0), torch.zeros_like(result), result)


def _logaddexp(a: Tensor, b: Tensor) -> Tensor:
    """max + log1p(exp(-|a - b|)), written so that it also has its slope where both are equal."""
    return torch.where(a > b, a + torch.log1p(torch.exp(b - a)), b + torch.log1p(torch.exp(a - b)))


def _glu(x: Tensor, dim: int = -1) -> Tensor:
    value, gate = x.chunk(2, dim)
    return value * torch.sigmoid(gate)


def _copysign(x: Tensor, y: Any) -> Tensor:
    same = torch.signbit(x.detach()) == torch.signbit(torch.as_tensor(y).detach())
    return torch.where(same, x, -x)


COMPOSITIONS: dict[str, Callable[..., Any]] = {
    "abs": lambda x: x * torch.sign(x),
    "maximum": _maximum,
    "minimum": lambda a, b: _maximum(a, b, -1),
    "clamp": _clamp,
    "clamp_min": lambda x, min: _clamp(x, min),
    "clamp_max": lambda x, max: _clamp(x, None, max),
    "relu": lambda x, inplace=False: torch.where(x > 0, x, torch.zeros_like(x)),
    "relu6": lambda x, inplace=False: _clamp(x, 0.0, HARD_TOP),
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
    "log_sigmoid": lambda x: torch.where(x < 0, x - torch.log1p(torch.exp(x)), -torch.log1p(torch.exp(-x))),
    "hardsigmoid": lambda x, inplace=False: _clamp(x / HARD_TOP + 0.5, 0.0, 1.0),
    "hardswish": lambda x, inplace=False: x * _clamp(x + HARD_SHIFT, 0.0, HARD_TOP) / HARD_TOP,
    "hardshrink": lambda x, lambd=0.5: torch.where((x >= -lambd) & (x <= lambd), torch.zeros_like(x), x),
    "softshrink": lambda x, lambd=0.5: torch.where(x > lambd, x - lambd, torch.where(x < -lambd, x + lambd, 0.0 * x)),
    "threshold": lambda x, threshold, value, inplace=False: torch.where(x > threshold, x, value),
    "glu": _glu,
    "copysign": _copysign,
    "tanhshrink": lambda x: x - torch.tanh(x),
    "hypot": _hypot,
    "atan2": _atan2,
    "frac": lambda x: x - torch.trunc(x),
    "remainder": lambda x, p: x - p * torch.floor(x / p),
    "fmod": lambda x, p: x - p * torch.trunc(x / p),
    "logaddexp": _logaddexp,
    "logaddexp2": lambda a, b: _logaddexp(a * math.log(2), b * math.log(2)) / math.log(2),
    "logit": _logit,
    "xlogy": _xlogy,
    "xlog1py": lambda x, y: torch.where((x == 0) & (y <= -1), torch.zeros_like(x * y), x * torch.log1p(y)),
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
