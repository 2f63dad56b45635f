"""Bilinear operations: products of matrices, and convolutions as products of the windows of the input."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from derivcheck.tracing.arrays import Arrays
from derivcheck.tracing.kinds import Rule, bound
from derivcheck.tracing.reductions import summed
from derivcheck.tracing.values import Value


def matmul(arrays: Arrays, a: Tensor, b: Tensor) -> Tensor:
    """The refs of a·b for refs (..., n, k) and (..., k, m), with broadcasting in front."""
    pairs = torch.broadcast_tensors(a.unsqueeze(-2), b.transpose(-1, -2).unsqueeze(-3))  # (..., n, m, k) each
    return arrays.rows(summed, arrays.each(lambda x, y: x * y, *pairs))


def product(shaped: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]], shape: Callable[[Tensor], Tensor]) -> Rule:
    """A product of two tensors that are brought into the shapes of matrices, and the result out of it."""

    def rule(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
        return shape(matmul(arrays, *shaped(arrays.numbers(args[0]), arrays.numbers(args[1]))))

    return rule


def added(product: Rule, over: bool = False) -> Rule:
    """beta·c + alpha·(a·b); `over` a batch, whose products are summed."""

    def rule(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
        beta, alpha = float(kwargs.get("beta", 1)), float(kwargs.get("alpha", 1))
        products = product(arrays, func, args[1:], {})
        if over:
            products = arrays.rows(summed, products.movedim(0, -1))

        def combined(c: Value, p: Value) -> Value:
            weighted = c * beta if beta else c.of(0)
            return weighted + p * alpha

        return arrays.each(combined, arrays.numbers(args[0]), products)

    return rule


def _cross(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """a × b along `dim`, which has three components."""
    dim = kwargs.get("dim", args[2] if len(args) > 2 else -1)
    a, b = torch.broadcast_tensors(arrays.numbers(args[0]), arrays.numbers(args[1]))

    def turned(k: int, m: int) -> Tensor:
        return arrays.each(lambda x, y: x * y, a.roll(-k, dim), b.roll(-m, dim))

    return arrays.each(lambda x, y: x - y, turned(1, 2), turned(2, 1))


def windows(refs: Tensor, size: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Tensor:
    """The windows of the last axes: (..., *axes) -> (..., *places, *size)."""
    first = refs.ndim - len(size)
    for k, (count, step, spread) in enumerate(zip(size, stride, dilation, strict=True)):
        refs = refs.unfold(first + k, spread * (count - 1) + 1, step)[..., ::spread]
    return refs


def convolution(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """aten.convolution: (n, c, *space) and (out, c/groups, *size) -> (n, out, *places)."""
    given = bound(func, args, kwargs)
    refs, weight = arrays.numbers(given["input"]), arrays.numbers(given["weight"])
    count = weight.ndim - 2
    stride, padding, dilation = (_each(given[name], count) for name in ("stride", "padding", "dilation"))
    groups, ends = given["groups"], [(p, p) for p in padding]
    if given["transposed"]:
        extra = _each(given["output_padding"], count)
        refs, stride, before = _spread(refs, stride), [1] * count, padding
        reach = [d * (k - 1) - p for d, k, p in zip(dilation, weight.shape[2:], before, strict=True)]
        ends = [(r, r + e) for r, e in zip(reach, extra, strict=True)]
        weight = _turned(weight, groups)
    padded = F.pad(refs, [p for pair in reversed(ends) for p in pair])
    result = _correlated(arrays, windows(padded, weight.shape[2:], stride, dilation), weight, groups)
    if given["bias"] is None:
        return result
    bias = arrays.numbers(given["bias"]).reshape(-1, *[1] * count)
    return arrays.each(lambda x, b: x + b, result, bias)


def _each(value: Sequence[int], count: int) -> list[int]:
    """One number for every axis; torch takes a single one for all."""
    return list(value) * (count if len(value) == 1 else 1)


def _spread(refs: Tensor, stride: Sequence[int]) -> Tensor:
    """The input of a transposed convolution with zeros (node 0) between its elements."""
    shape = [*refs.shape[:2], *((n - 1) * s + 1 for n, s in zip(refs.shape[2:], stride, strict=True))]
    spread = torch.zeros(shape, dtype=torch.int64)
    spread[(slice(None), slice(None), *(slice(None, None, s) for s in stride))] = refs
    return spread


def _turned(weight: Tensor, groups: int) -> Tensor:
    """The weight of a transposed convolution as that of a plain one: turned around, inputs and outputs exchanged."""
    into, out, *size = weight.shape
    turned = weight.flip(list(range(2, weight.ndim))).reshape(groups, into // groups, out, *size)
    return turned.transpose(1, 2).reshape(groups * out, into // groups, *size)


def _correlated(arrays: Arrays, pieces: Tensor, weight: Tensor, groups: int) -> Tensor:
    """Windows (n, c, *places, *size) times weights (out, c/groups, *size): (n, out, *places)."""
    count = weight.ndim - 2
    n, channels, *places = pieces.shape[: 2 + count]
    grouped = pieces.reshape(n, groups, channels // groups, math.prod(places), -1).permute(1, 0, 3, 2, 4)
    rows = grouped.reshape(groups, n * math.prod(places), -1)
    columns = weight.reshape(groups, weight.shape[0] // groups, -1).transpose(1, 2)
    result = matmul(arrays, rows, columns).reshape(groups, n, math.prod(places), -1)
    return result.permute(1, 0, 3, 2).reshape(n, weight.shape[0], *places)


def _matrices(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    return a, b


def _same(refs: Tensor) -> Tensor:
    return refs


_MM = product(_matrices, _same)
_MV = product(lambda a, b: (a, b.unsqueeze(-1)), lambda refs: refs.squeeze(-1))
_OUTER = product(lambda a, b: (a.unsqueeze(-1), b.unsqueeze(-2)), _same)

PRODUCTS: dict[str, Rule] = {
    "mm": _MM,
    "bmm": _MM,
    "mv": _MV,
    "dot": product(lambda a, b: (a.unsqueeze(0), b.unsqueeze(1)), lambda refs: refs.reshape(())),
    "vdot": product(lambda a, b: (a.unsqueeze(0), b.unsqueeze(1)), lambda refs: refs.reshape(())),
    "addmm": added(_MM),
    "baddbmm": added(_MM),
    "addbmm": added(_MM, over=True),
    "addmv": added(_MV),
    "addr": added(_OUTER),
    "linalg_cross": _cross,
    "convolution": convolution,
}
