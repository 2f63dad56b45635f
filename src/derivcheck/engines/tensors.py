"""Between columns, one per variable, and the tensors that a user's function takes and returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice, product
from math import prod
from typing import Any

import torch
from torch import Tensor

from derivcheck.expression.shapes import Shape, Shapes

Place = tuple[int, ...]
"""Where a number per point is in a result: which part of a tuple, if it is one, then its index at one point."""


def shaped(function: Callable[..., Any], shapes: Shapes) -> Callable[..., Any]:
    """The function of one tensor (n, *shape) per argument as one of columns (n,)."""
    layout = [(prod(shape), shape) for _, shape in shapes]

    def called(*columns: Tensor) -> Any:
        left = iter(columns)
        return function(*(_joined(list(islice(left, count)), shape) for count, shape in layout))

    return called


def _joined(columns: list[Tensor], shape: Shape) -> Tensor:
    return torch.stack(columns, dim=1).reshape(len(columns[0]), *shape) if shape else columns[0]


def chosen(function: Callable[..., Any], place: Place) -> Callable[..., Any]:
    """One number per point (n,) of a function that returns several."""

    def called(*columns: Tensor) -> Tensor:
        result, index = function(*columns), place
        if isinstance(result, tuple | list):
            result, index = result[index[0]], index[1:]
        number: Tensor = result[(slice(None), *index)] if index else result.reshape(len(columns[0]))
        return number

    return called


def places(result: Any, n: int) -> list[Place]:
    """Where the numbers of one point are in the result for n points; none if it is one number, or no such result."""
    if isinstance(result, Tensor):
        return [] if tuple(result.shape) in ((n,), (n, 1)) else list(_indices(result, n))
    if not isinstance(result, tuple | list) or not all(isinstance(part, Tensor) for part in result):
        return []
    return [(k, *index) for k, part in enumerate(result) for index in _indices(part, n)]


def _indices(part: Tensor, n: int) -> Iterator[Place]:
    if part.ndim and part.shape[0] == n and part.is_floating_point():
        yield from product(*map(range, part.shape[1:]))


def written(place: Place | None) -> str:
    """out[3]; f for the only number of a function."""
    return "f" if place is None else "out" + "".join(f"[{i}]" for i in place)
