"""Torch's reductions, norms and losses written out in other functions, for Taylor mode: as in `compositions`.

The defaults, such as eps, are those of torch's documentation.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from derivcheck.errors import Unsupported
from derivcheck.taylor.compositions import binary_scale


def _logsumexp(x: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    shift = x.detach().amax(dim, keepdim=True)
    total = torch.log(torch.exp(x - shift).sum(dim, keepdim=True)) + shift
    return total if keepdim else total.squeeze(dim)


def _softmax(x: Tensor, dim: int = -1, dtype: Any = None, **_: Any) -> Tensor:
    x = x if dtype is None else x.to(dtype)
    powers = torch.exp(x - x.detach().amax(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True)


def _prod(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    x, axis = (x.reshape(-1), 0) if dim is None else (x, dim)
    result = _cumprod(x, axis).select(axis, -1)
    return result.unsqueeze(axis) if keepdim and dim is not None else result


def _cumprod(x: Tensor, dim: int) -> Tensor:
    parts = list(x.unbind(dim))
    for k in range(1, len(parts)):
        parts[k] = parts[k - 1] * parts[k]
    return torch.stack(parts, dim)


def _extreme(pick: Callable[..., Any], pairwise: Callable[..., Tensor]) -> Callable[..., Any]:
    """torch.max and torch.min: of two tensors, of all numbers, or along an axis together with the place."""

    def of(x: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
        if isinstance(dim, Tensor):
            return pairwise(x, dim)
        if dim is None:
            return _even(pick)(x)
        _, places = pick(x.detach(), dim, keepdim=True)
        found = torch.take_along_dim(x, places, dim)
        kind = type(pick(x.detach(), dim))
        return kind((found, places)) if keepdim else kind((found.squeeze(dim), places.squeeze(dim)))

    return of


def _even(pick: Callable[..., Any]) -> Callable[..., Tensor]:
    """torch.amax and torch.amin: equally large numbers share the slope evenly."""

    def of(x: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
        axes = tuple(range(x.dim())) if dim is None or dim == () else dim
        reached = x.detach() == pick(x.detach(), axes, keepdim=True)
        chosen: Tensor = torch.where(reached, x, 0.0 * x.detach()).sum(axes, keepdim=keepdim)
        return chosen.div(reached.sum(axes, keepdim=keepdim))

    return of


def _var(
    x: Tensor, dim: Any = None, unbiased: bool = True, correction: float | None = None, keepdim: bool = False
) -> Tensor:
    axes = tuple(range(x.dim())) if dim is None else dim
    center = x - x.mean(axes, keepdim=True)
    count = math.prod(x.shape[k] for k in (axes if isinstance(axes, tuple | list) else (axes,)))
    return (center * center).sum(axes, keepdim=keepdim) / (count - (unbiased if correction is None else correction))


def _norm(x: Tensor, ord: Any = 2, dim: Any = None, keepdim: bool = False, p: Any = None) -> Tensor:
    """(Σ |x|^p)^(1/p) of vectors."""
    axes, ord = tuple(range(x.dim())) if dim is None else dim, ord if p is None else p
    ord = 2 if ord == "fro" else ord
    if isinstance(ord, str):
        raise Unsupported(f"the norm {ord} has no Taylor rule")
    if math.isinf(ord):
        return (torch.amax if ord > 0 else torch.amin)(torch.abs(x), axes, keepdim=keepdim)
    if ord == 2:
        scale = binary_scale(x.detach().abs().amax(axes, keepdim=True))
        length = torch.sqrt(((x / scale) ** 2).sum(axes, keepdim=True)) * scale
        return length if keepdim else length.squeeze(axes)
    if ord == 1:
        return torch.abs(x).sum(axes, keepdim=keepdim)
    total: Tensor = (torch.abs(x) ** ord).sum(axes, keepdim=keepdim)
    return total.pow(1 / ord)


def _linalg_norm(x: Tensor, ord: Any = 2, dim: Any = None, keepdim: bool = False) -> Tensor:
    """torch.norm for vectors; for matrices it is a different norm, unless no order is given."""
    if ord != 2 and x.dim() > 1 and not isinstance(dim, int):
        raise Unsupported("matrix norms have no Taylor rule")
    return _norm(x, ord, dim, keepdim)


def _normalize(x: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Any = None) -> Tensor:
    return x / _norm(x, p, dim, keepdim=True).clamp_min(eps)


def _cosine_similarity(a: Tensor, b: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    lengths = [_norm(v, 2, dim).clamp_min(eps) for v in (a, b)]
    return (a * b).sum(dim) / (lengths[0] * lengths[1])


def _layer_norm(x: Tensor, shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Tensor:
    axes = tuple(range(-len(shape), 0))
    center = x - x.mean(axes, keepdim=True)
    result = center * torch.rsqrt((center * center).mean(axes, keepdim=True) + eps)
    result = result if weight is None else result * weight
    return result if bias is None else result + bias


def _loss(each: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A loss per pair, reduced as requested."""

    def of(x: Any, y: Any, weight: Any = 1, *, reduction: str = "mean", **options: Any) -> Tensor:
        losses: Tensor = each(x, y, **options) * weight
        return losses if reduction == "none" else losses.sum() if reduction == "sum" else losses.mean()

    return of


def _huber(x: Tensor, y: Tensor, delta: float = 1.0, scale: float = 1.0) -> Tensor:
    error = x - y
    return torch.where(error.abs() <= delta, 0.5 * error * error, delta * (error.abs() - 0.5 * delta)) / scale


def _cross_entropy(x: Tensor, y: Tensor, pos_weight: Any = 1) -> Tensor:
    """With logits: (1 - y)·x + (1 + (p - 1)·y)·log(1 + e^-x)."""
    result: Tensor = (1 - y) * x - (1 + (pos_weight - 1) * y) * torch.nn.functional.logsigmoid(x)
    return result


REDUCTIONS: dict[str, Callable[..., Any]] = {
    "logsumexp": _logsumexp,
    "softmax": _softmax,
    "softmin": lambda x, dim=-1, **more: _softmax(-x, dim, **more),
    "log_softmax": lambda x, dim=-1, **_: x - _logsumexp(x, dim, keepdim=True),
    "prod": _prod,
    "cumprod": _cumprod,
    "amax": _even(torch.amax),
    "amin": _even(torch.amin),
    "max": _extreme(torch.max, torch.maximum),
    "min": _extreme(torch.min, torch.minimum),
    "var": _var,
    "std": lambda *args, **options: torch.sqrt(_var(*args, **options)),
    "norm": _norm,
    "linalg_norm": _linalg_norm,
    "linalg_vector_norm": _norm,
    "normalize": _normalize,
    "cosine_similarity": _cosine_similarity,
    "linalg_vecdot": lambda a, b, dim=-1: (a * b).sum(dim),
    "layer_norm": _layer_norm,
    "mse_loss": _loss(lambda x, y: (x - y) * (x - y)),
    "l1_loss": _loss(lambda x, y: torch.abs(x - y)),
    "huber_loss": _loss(_huber),
    "smooth_l1_loss": _loss(lambda x, y, beta=1.0: _huber(x, y, beta, beta)),
    "binary_cross_entropy_with_logits": _loss(_cross_entropy),
}
