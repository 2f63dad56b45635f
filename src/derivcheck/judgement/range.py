"""Which failures are a matter of the dtype's range: the exact value is about to leave it, and the computation does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from derivcheck.judgement.operations import Operations, call, floats, of_all
from derivcheck.judgement.watch import SHRINKING, WITH_POLES

# In float16, whose square root of the range, 256, is an everyday number, a result is far only from here on.
LARGE = 4096.0

# Copies of a point, each with a cotangent of its own at every level: what overflowed by a factor of 2 does so again in
# one of them, but for one in 256 at the first level.
COTANGENTS = 8


def far(exact: Tensor, values: Tensor, dtype: torch.dtype) -> Tensor:
    """bool: the square of the exact value overflows, or that of it and of the computed one, a number, underflows. Any
    formula has intermediate results there that leave the range."""
    info = torch.finfo(dtype)
    large, size = exact.abs() > max(info.max**0.5, LARGE), torch.maximum(exact.abs(), values.abs())
    return torch.logical_or(large, size < info.tiny**0.5)


def subnormal(exact: Tensor, values: Tensor, dtype: torch.dtype) -> Tensor:
    """bool: both lie below the normal numbers, where a kernel that scales a result inside, as torch.polygamma does, has
    no digits left, and shows no operation."""
    return torch.maximum(exact.abs(), values.abs()) < torch.finfo(dtype).tiny


class _Leaving(Operations):
    """Records at which of n points some operation over- or underflows."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.points = torch.zeros(n, dtype=torch.bool)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = call(func, args, kwargs)
        name, inputs = func.overloadpacket.__name__, list(floats((args, kwargs)))
        for tensor in floats(out):
            self._look(name, tensor, inputs)
        return out

    def _look(self, name: str, out: Tensor, inputs: list[Tensor]) -> None:
        if not inputs:
            return
        n = len(self.points)
        whole = torch.stack([of_all(torch.isfinite(part), n) for part in inputs]).all(0)
        nonzero = torch.stack([of_all(part != 0, n) for part in inputs]).all(0)
        over = ~of_all(~torch.isinf(out), n) & (nonzero | (name not in WITH_POLES))
        under = ~of_all(out.abs().double() >= torch.finfo(out.dtype).tiny, n) & nonzero & (name in SHRINKING)
        self.points |= whole & (over | under)


def leaves_range(evaluate: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
    """(n,) bool: an operation over- or underflows, forward or backward, at points (d, n), by some cotangent."""
    n = points.shape[1]
    mode = _Leaving(n * COTANGENTS)
    with mode:
        evaluate(points.repeat(1, COTANGENTS))
    return mode.points.reshape(COTANGENTS, n).any(0)
