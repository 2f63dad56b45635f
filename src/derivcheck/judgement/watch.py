"""Watching the operations of one evaluation: which ran, and whether a result left the range of its dtype."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from derivcheck.judgement.operations import Operations, call, floats, is_number
from derivcheck.tracing.stance import eager

SHRINKING = frozenset(
    "mul div exp exp2 pow square reciprocal sigmoid erfc mul_ div_ prod sigmoid_backward exp_ sech".split()
)
# Operations that are infinite at 0: there it is the function's own doing, not an overflow.
WITH_POLES = frozenset("div reciprocal pow log log2 log10 rsqrt digamma lgamma polygamma special_zeta".split())

Evaluate = Callable[[Tensor], Tensor]  # points (d, k) -> values (k,) of the partial in question


class Watch(Operations):
    """Records which operations ran, and the first whose result left the range of its dtype. For a single point.

    If a dtype is given, results of other dtypes are not looked at.
    """

    def __init__(self, dtype: torch.dtype | None = None) -> None:
        super().__init__()
        self.dtype = dtype
        self.operations: set[str] = set()
        self.overflow = self.underflow = ""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        self.operations.add(name)
        out = call(func, args, kwargs)
        for tensor in (t for t in floats(out) if self.dtype in (None, t.dtype)):
            self._look(name, tensor, _numbers((args, kwargs)))
        return out

    def _look(self, name: str, out: Tensor, inputs: list[float]) -> None:
        values = out.double()
        if not inputs or any(x != x or abs(x) == float("inf") for x in inputs):
            return
        if bool(torch.isinf(values).any()) and not (name in WITH_POLES and 0 in inputs):
            self.overflow = self.overflow or name
        small = values.abs() < torch.finfo(out.dtype).tiny
        if name in SHRINKING and 0 not in inputs and bool(small.any()):
            self.underflow = self.underflow or name

    @property
    def left_range(self) -> bool:
        return bool(self.overflow or self.underflow)

    @property
    def sentence(self) -> str:
        if self.overflow:
            return f"the result of {self.overflow} overflows"
        return f"the result of {self.underflow} underflows" if self.underflow else ""


def _numbers(tree: Any) -> list[float]:
    """All numbers in tensor arguments, those of a mask too: a product with False is 0, and no underflow."""
    tensors = (leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor) and not leaf.is_complex())
    return [float(a) for t in tensors if is_number(t) or not t.is_floating_point() for a in t.flatten().tolist()]


def watch(evaluate: Evaluate, point: Tensor, dtype: torch.dtype | None = None) -> Watch:
    """Run one point (d, 1) and look at every operation, forward and backward, or at those that give this dtype."""
    mode = Watch(dtype)
    with eager(), mode:
        evaluate(point)
    return mode
