"""Tensors as arrays of nodes: the refs of a tensor, and functions of values applied to them."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor

from derivcheck.symbolic.graph import Graph, Ref
from derivcheck.tracing.shadows import Shadows
from derivcheck.tracing.values import Value, as_condition, as_number, number_value, truth

IGNORED = frozenset("dtype layout device pin_memory memory_format non_blocking out generator implicit".split())
"""Named arguments that change no number: exact values have no dtype."""


class Arrays:
    """The nodes of one recording. `mode` is the recording itself, inside which torch code makes nodes."""

    def __init__(self, graph: Graph, mode: AbstractContextManager[Any]) -> None:
        self.graph, self.mode = graph, mode
        self.shadows = Shadows(self._constants, lambda refs: self.each(lambda value: -value, refs))

    def refs(self, value: Any) -> Tensor:
        """The refs of a tensor or of a number, int64."""
        return self.shadows.read(value) if isinstance(value, Tensor) else torch.tensor(self._constant(value))

    def numbers(self, value: Any) -> Tensor:
        """The refs of a tensor or a number, conditions as 1 and 0."""
        refs = self.refs(value)
        return self.each(as_number, refs) if _is_bool(value) else refs

    def conditions(self, value: Any) -> Tensor:
        """The refs of a tensor of conditions, numbers as whether they are not 0."""
        return self.each(as_condition, self.refs(value))

    def composed(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """The refs of what a function written in torch returns."""
        with self.mode:
            result = function(*args, **kwargs)
        return tuple(map(self.refs, result)) if isinstance(result, tuple) else self.refs(result)

    def each(self, function: Callable[..., Value], *operands: Tensor | None) -> Tensor:
        """A function of values at each element, with broadcasting; an operand that is None stays None."""
        given = [operand for operand in operands if operand is not None]
        shaped = iter(torch.broadcast_tensors(*given))
        shape = torch.broadcast_shapes(*(operand.shape for operand in given))
        columns = [[None] * math.prod(shape) if o is None else next(shaped).flatten().tolist() for o in operands]
        made = [function(*map(self._value, row)).ref for row in zip(*columns, strict=True)]
        return torch.tensor(made, dtype=torch.int64).reshape(shape)

    def rows(self, function: Callable[[list[Value]], Value], refs: Tensor) -> Tensor:
        """A function of the values along the last axis, which goes."""
        count = math.prod(refs.shape[:-1])
        table = refs.reshape(count, refs.shape[-1]).tolist()
        made = [function([Value(self.graph, ref) for ref in row]).ref for row in table]
        return torch.tensor(made, dtype=torch.int64).reshape(refs.shape[:-1])

    def scans(self, function: Callable[[list[Value]], list[Value]], refs: Tensor) -> Tensor:
        """A function of the values along the last axis that returns as many."""
        table = refs.reshape(math.prod(refs.shape[:-1]), refs.shape[-1]).tolist()
        made = [[v.ref for v in function([Value(self.graph, ref) for ref in row])] for row in table]
        return torch.tensor(made, dtype=torch.int64).reshape(refs.shape)

    def _value(self, ref: Ref | None) -> Value | None:
        return None if ref is None else Value(self.graph, ref)

    def _constants(self, tensor: Tensor) -> Tensor:
        numbers = torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor
        refs = [self._constant(number) for number in numbers.detach().flatten().tolist()]
        return torch.tensor(refs, dtype=torch.int64).reshape(numbers.shape)

    def _constant(self, number: Any) -> Ref:
        return truth(self.graph, number).ref if isinstance(number, bool) else number_value(self.graph, number).ref


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, Tensor) and value.dtype == torch.bool)
