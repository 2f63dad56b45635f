"""Seeing every operation that torch runs, forward and backward: the base of what perturbs and what watches them."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Operations(TorchDispatchMode):
    """Inside this mode `__torch_dispatch__` of a subclass is called for every operation."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing here is compiled. True, torch's default, would import its compiler: a second, the first time."""
        return False


def call(func: Any, args: Any, kwargs: Any) -> Any:
    """The operation itself. Zeros without storage, which forward mode makes, times a number are such zeros again: in a
    mode torch 2.13.0 ends the process there, by a segmentation fault."""
    if func is torch.ops.aten.mul.Scalar and args[0]._is_zerotensor():
        return args[0]
    return func(*args, **(kwargs or {}))


def is_number(value: Any) -> bool:
    """Whether this is a tensor of floats that holds numbers: not zeros without storage, not a mere shape."""
    if not isinstance(value, Tensor) or not value.is_floating_point():
        return False
    return not value._is_zerotensor() and value.device.type != "meta" and value.numel() > 0


def floats(tree: Any) -> Iterator[Tensor]:
    """All tensors of floats in nested arguments or results."""
    return (leaf for leaf in tree_leaves(tree) if is_number(leaf))


def of_all(true: Tensor, n: int) -> Tensor:
    """(n,) on the CPU: whether it holds for all that belongs to a point; for all points alike where no dimension has
    their number."""
    dimension = next((i for i, size in enumerate(true.shape) if size == n), None)
    if dimension is None:
        return true.all().cpu().expand(n)
    return true.movedim(dimension, 0).reshape(n, -1).all(1).cpu()
