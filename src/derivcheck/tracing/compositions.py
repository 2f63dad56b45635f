"""Operations written in torch in terms of others: normalisations, losses, pooling, and what adds into places.

They are written without what torch does for the sake of rounding alone, such as subtracting the maximum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from derivcheck.errors import Unsupported
from derivcheck.tracing.arrays import Arrays
from derivcheck.tracing.kinds import Rule, bound, composed, place, placed
from derivcheck.tracing.products import windows
from derivcheck.tracing.reductions import averaged, largest
from derivcheck.tracing.values import MINUS_INFINITY, Value

REDUCTION: dict[int, Callable[[Tensor], Tensor]] = {0: lambda x: x, 1: torch.mean, 2: torch.sum}
"""none, mean and sum, by aten's numbers."""


def _affine(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    scaled = x if weight is None else x * weight
    return scaled if bias is None else scaled + bias


def _normalized(x: Tensor, dims: list[int], eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """(x - mean)/sqrt(var + eps) with the mean and the reciprocal deviation."""
    mean, var = x.mean(dims, keepdim=True), x.var(dims, correction=0, keepdim=True)
    scale = torch.rsqrt(var + eps)
    return (x - mean) * scale, mean, scale


def layer_norm(x: Tensor, shape: Sequence[int], weight: Tensor | None, bias: Tensor | None, eps: float) -> Any:
    normalized, mean, scale = _normalized(x, list(range(x.ndim - len(shape), x.ndim)), eps)
    return _affine(normalized, weight, bias), mean, scale


def rms_norm(x: Tensor, shape: Sequence[int], weight: Tensor | None, eps: float | None = None) -> Any:
    dims = list(range(x.ndim - len(shape), x.ndim))
    scale = torch.rsqrt((x * x).mean(dims, keepdim=True) + (torch.finfo(x.dtype).eps if eps is None else eps))
    return _affine(x * scale, weight, None), scale


def group_norm(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, n: int, c: int, space: int, groups: int, eps: float
) -> Any:
    normalized, mean, scale = _normalized(x.reshape(n, groups, -1), [-1], eps)
    per_channel = [None if w is None else w.reshape(c, *[1] * (x.ndim - 2)) for w in (weight, bias)]
    return _affine(normalized.reshape(x.shape), *per_channel), mean.squeeze(-1), scale.squeeze(-1)


def batch_norm(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, mean: Tensor | None, var: Tensor | None,
    training: bool, momentum: float, eps: float,
) -> Any:  # fmt: skip
    """Over all axes but the second; in evaluation with the running statistics. What training writes to them is not
    traced."""
    shape = (-1, *[1] * (x.ndim - 2))
    others = [d for d in range(x.ndim) if d != 1]
    if training or mean is None or var is None:
        normalized, m, scale = _normalized(x, others, eps)
    else:
        m, scale = mean.reshape(shape), torch.rsqrt(var.reshape(shape) + eps)
        normalized = (x - m) * scale
    per_channel = [None if w is None else w.reshape(shape) for w in (weight, bias)]
    return _affine(normalized, *per_channel), m.flatten(), scale.flatten()


def loss(pointwise: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A loss (input, target, reduction, options) of its value at each element."""
    return lambda x, y, reduction=1, *options: REDUCTION[reduction](pointwise(x, y, *options))


def huber(x: Tensor, y: Tensor, delta: float = 1.0) -> Tensor:
    gap = (x - y).abs()
    return torch.where(gap < delta, gap**2 / 2, delta * (gap - delta / 2))


def smooth_l1(x: Tensor, y: Tensor, beta: float = 1.0) -> Tensor:
    gap = (x - y).abs()
    return torch.where(gap < beta, gap**2 / 2 / beta, gap - beta / 2) if beta else gap


def binary_cross_entropy(x: Tensor, y: Tensor, weight: Tensor | None = None, reduction: int = 1) -> Tensor:
    """torch bounds the logarithms by -100 from below."""
    value = -(y * torch.log(x).clamp(min=-100) + (1 - y) * torch.log(1 - x).clamp(min=-100))
    return REDUCTION[reduction](value if weight is None else value * weight)


def binary_cross_entropy_with_logits(
    x: Tensor, y: Tensor, weight: Tensor | None = None, pos_weight: Tensor | None = None, reduction: int = 1
) -> Tensor:
    positive = y if pos_weight is None else y * pos_weight
    value = positive * torch.log1p(torch.exp(-x)) + (1 - y) * torch.log1p(torch.exp(x))
    return REDUCTION[reduction](value if weight is None else value * weight)


def distances(x: Tensor, y: Tensor, p: float, *_: Any) -> Tensor:
    """cdist: (..., n, k) and (..., m, k) -> (..., n, m)."""
    found: Tensor = torch.linalg.vector_norm(x.unsqueeze(-2) - y.unsqueeze(-3), p, -1)
    return found


def trilinear(
    a: Tensor, b: Tensor, c: Tensor, of_a: Sequence[int], of_b: Sequence[int], of_c: Sequence[int],
    summed: Sequence[int], unroll: int = 1,
) -> Tensor:  # fmt: skip
    """Σ a·b·c over some axes, each with new axes at the places given for it."""
    for place_ in range(a.ndim + len(of_a)):
        a = a.unsqueeze(place_) if place_ in of_a else a
        b = b.unsqueeze(place_) if place_ in of_b else b
        c = c.unsqueeze(place_) if place_ in of_c else c
    return (a * b * c).sum(list(summed))


def gated(x: Tensor, dim: int = -1) -> Tensor:
    first, second = x.chunk(2, dim)
    return first * torch.sigmoid(second)


def adding(positions: Callable[..., Tensor], source: int) -> Rule:
    """self + Σ of elements of a source at positions, which may repeat."""

    def rule(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
        grid = torch.arange(args[0].numel()).reshape(args[0].shape)
        at = positions(arrays, grid, *args[1:])
        added = arrays.numbers(args[source])
        added = added[tuple(slice(n) for n in at.shape)] if func._schema.name.startswith("aten::scatter") else added
        alpha, found = kwargs.get("alpha", 1), arrays.numbers(args[0]).flatten().tolist()
        for place_, ref in zip(at.flatten().tolist(), added.expand(at.shape).flatten().tolist(), strict=True):
            found[place_] = (Value(arrays.graph, found[place_]) + alpha * Value(arrays.graph, ref)).ref
        return torch.tensor(found, dtype=torch.int64).reshape(args[0].shape)

    return rule


def _scattered(arrays: Arrays, grid: Tensor, dim: int, index: Tensor, *_: Any) -> Tensor:
    return grid.gather(dim, place(arrays, index))


def _selected(arrays: Arrays, grid: Tensor, dim: int, index: Tensor, *_: Any) -> Tensor:
    return grid.index_select(dim, place(arrays, index))


def _indexed(arrays: Arrays, grid: Tensor, indices: Sequence[Tensor | None], *_: Any) -> Tensor:
    return grid[tuple(slice(None) if index is None else place(arrays, index) for index in indices)]


def _index_put(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    accumulate = kwargs.get("accumulate", args[3] if len(args) > 3 else False)
    return (adding(_indexed, 2) if accumulate else placed)(arrays, func, args, kwargs)


def pooled(function: Callable[[list[Value]], Value], filling: int) -> Rule:
    """A function of the values in each window of the last axes; what lies outside is `filling`, a ref."""

    def rule(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
        given = bound(func, args, kwargs)
        count = int(func._schema.name.partition("pool")[2][0])  # 2 of avg_pool2d
        if given.get("ceil_mode") or not given.get("count_include_pad", True) or given.get("divisor_override"):
            raise Unsupported("has no rule with ceil_mode, count_include_pad=False or divisor_override")
        size = _per_axis(given["kernel_size"], 1, count)
        stride = _per_axis(given.get("stride"), size, count)
        padding = _per_axis(given.get("padding"), 0, count)
        refs = F.pad(arrays.numbers(args[0]), [p for n in reversed(padding) for p in (n, n)], value=filling)
        pieces = windows(refs, size, stride, _per_axis(given.get("dilation"), 1, count))
        return arrays.rows(function, pieces.flatten(-count))

    return rule


def _per_axis(value: Sequence[int] | None, default: int | list[int], count: int) -> list[int]:
    """One number for every axis; torch takes a single one for all, and none for the default."""
    if not value:
        return default if isinstance(default, list) else [default] * count
    return list(value) * (count if len(value) == 1 else 1)


COMPOSITIONS: dict[str, Rule] = {
    "native_layer_norm": composed(layer_norm),
    "_fused_rms_norm": composed(rms_norm),
    "native_group_norm": composed(group_norm),
    "native_batch_norm": composed(batch_norm),
    "_native_batch_norm_legit": composed(batch_norm),
    "mse_loss": composed(loss(lambda x, y: (x - y) ** 2)),
    "huber_loss": composed(loss(huber)),
    "smooth_l1_loss": composed(loss(smooth_l1)),
    "soft_margin_loss": composed(loss(lambda x, y: torch.log1p(torch.exp(-y * x)))),
    "binary_cross_entropy": composed(binary_cross_entropy),
    "binary_cross_entropy_with_logits": composed(binary_cross_entropy_with_logits),
    "_cdist_forward": composed(distances),
    "_trilinear": composed(trilinear),
    "glu": composed(gated),
    "scatter_add": adding(_scattered, 3),
    "index_add": adding(_selected, 3),
    "index_put": _index_put,
    "_index_put_impl": _index_put,
    **{f"avg_pool{n}d": pooled(averaged, 0) for n in (1, 2, 3)},
    **{f"max_pool{n}d_with_indices": pooled(largest, MINUS_INFINITY) for n in (2, 3)},
}
