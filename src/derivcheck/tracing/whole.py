"""A whole function as a graph: every number of its inputs is a variable, every number of its outputs a root.

`forward` is for functions that act point by point; here the inputs have any shapes, and every output may depend on all
of them, as in a layer or in a loss.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from derivcheck.errors import Unsupported
from derivcheck.symbolic.graph import Graph, Ref, Variable
from derivcheck.tracing.recording import Recording
from derivcheck.tracing.values import Value, undefined


class Whole(NamedTuple):
    """The variables of `graph` are the numbers of all inputs in order; `outputs` has the nodes of all outputs."""

    graph: Graph
    outputs: tuple[Ref, ...]


def trace_whole(function: Callable[..., Any], inputs: Sequence[Any], varied: Sequence[int], cure: str) -> Whole:
    """Trace a function at its inputs, of which those at the places `varied` are variables. Raises `Unsupported` with
    the operation that has no formula; `cure` ends the reason."""
    graph = Graph()
    recording, given, first = Recording(graph, cure), list(inputs), 0
    for place in varied:
        given[place] = x = twin(inputs[place]).requires_grad_()
        nodes = [graph.node(Variable(first + k)) for k in range(x.numel())]
        recording.arrays.shadows.write(x.detach(), torch.tensor(nodes, dtype=torch.int64).reshape(x.shape))
        first += x.numel()
    result = recording.inside(lambda: function(*given))
    roots = [ref for part in real_outputs(result) for ref in recording.arrays.numbers(part.detach()).flatten().tolist()]
    return Whole(graph, tuple(ref if ref >= 0 else undefined(graph).ref for ref in map(_known(graph), roots)))


def twin(tensor: Tensor) -> Tensor:
    """The same numbers in other memory, laid out as they were: code may look beyond a view by `as_strided`. An expanded
    tensor, several of whose numbers are one in memory, becomes a plain one."""
    if any(size > 1 and stride == 0 for size, stride in zip(tensor.shape, tensor.stride(), strict=True)):
        return tensor.detach().clone(memory_format=torch.contiguous_format)
    made = torch.empty(0, dtype=tensor.dtype, device=tensor.device)
    return made.set_(tensor.untyped_storage().clone(), tensor.storage_offset(), tensor.shape, tensor.stride())


def real_outputs(result: Any) -> list[Tensor]:
    """The tensors of real numbers in a result of any structure. Complex ones have no order and are refused."""
    found = [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
    if any(part.is_complex() for part in found):
        raise Unsupported("the function returns complex numbers. Return torch.view_as_real of them.")
    if any(part.layout != torch.strided for part in found):
        raise Unsupported("the function returns a sparse tensor. Return it .to_dense().")
    return [part for part in found if part.is_floating_point()]


def _known(graph: Graph) -> Callable[[Ref], Ref]:
    return lambda ref: Value(graph, ref).ref
