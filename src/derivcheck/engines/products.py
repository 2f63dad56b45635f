"""What autograd gives for a whole function at a point: its outputs and, order by order, products with vectors.

The same numbers as `exact.products` has, by `torch.autograd.grad` with the cotangent v and the direction w.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, NamedTuple

import torch
from torch import Tensor

from derivcheck.tracing.whole import real_outputs, twin

Levels = list[Tensor]
"""By order, the numbers of that order, float64 (m,)."""


class Vectors(NamedTuple):
    """What outputs and gradients are multiplied by, as float64 numbers that the dtype has."""

    v: Tensor
    """(m,), one number per number of the outputs."""
    w: Tensor
    """(d,), one per number of the inputs."""


@dataclass
class Called:
    """A function of some of its inputs, the numbers of which are a vector (d,)."""

    function: Callable[..., Any]
    inputs: Sequence[Any]
    varied: Sequence[int]
    """The places of the inputs that are differentiated by."""
    dtype: torch.dtype
    cut: set[int] = field(default_factory=set)
    """Orders at which the graph of autograd ended."""

    @property
    def templates(self) -> list[Tensor]:
        return [self.inputs[place] for place in self.varied]

    def leaves(self, x: Tensor) -> list[Tensor]:
        """The inputs that are differentiated by, at the point x, strides as they were given."""
        sizes = [template.numel() for template in self.templates]
        made = []
        for part, template in zip(x.split(sizes), self.templates, strict=True):
            leaf = twin(template).to(self.dtype)
            leaf.copy_(part.reshape(template.shape))
            made.append(leaf.requires_grad_())
        return made

    def arguments(self, leaves: Sequence[Tensor]) -> list[Any]:
        """What the function is called with. Inputs that are not differentiated by follow the dtype."""
        given = [x.to(self.dtype) if isinstance(x, Tensor) and x.is_floating_point() else x for x in self.inputs]
        for place, leaf in zip(self.varied, leaves, strict=True):
            given[place] = leaf
        return given

    def outputs(self, leaves: Sequence[Tensor]) -> list[Tensor]:
        """Those with real numbers. The function gets views of the leaves: it may write to them in place."""
        return real_outputs(self.function(*self.arguments([leaf.view_as(leaf) for leaf in leaves])))

    def levels(self, x: Tensor, vectors: Vectors, order: int) -> Levels:
        """The numbers of every order at x."""
        leaves = self.leaves(x)
        outputs = self.outputs(leaves)
        found = [_flat(outputs)]
        cotangents = [part.requires_grad_(order > 1) for part in self._like(outputs, vectors.v)]
        values, weights, wanted = outputs, cotangents, leaves
        for level in range(1, order + 1):
            gradients = self._gradients(values, weights, wanted, level, more=level < order)
            found.append(_flat(gradients))
            values, weights, wanted = gradients[: len(leaves)], self._like(leaves, vectors.w), [*leaves, *cotangents]
        return found

    def _like(self, tensors: Sequence[Tensor], numbers: Tensor) -> list[Tensor]:
        parts = numbers.split([t.numel() for t in tensors])
        return [p.to(t.device, t.dtype).reshape(t.shape) for p, t in zip(parts, tensors, strict=True)]

    def _gradients(
        self, values: Sequence[Tensor], weights: Sequence[Tensor], wanted: Sequence[Tensor], level: int, more: bool
    ) -> list[Tensor]:
        """Zeros where no graph leads from a value to what it is differentiated by, which is how a cut looks too."""
        kept = [(value, weight) for value, weight in zip(values, weights, strict=True) if value.requires_grad]
        if not kept:
            self.cut.add(level)
            return [torch.zeros_like(x) for x in wanted]
        graphs, cotangents = zip(*kept, strict=True)
        found = torch.autograd.grad(graphs, wanted, cotangents, create_graph=more, allow_unused=True)
        if any(g is None for g in found[: len(self.varied)]):
            self.cut.add(level)
        return [torch.zeros_like(x) if g is None else g for g, x in zip(found, wanted, strict=True)]


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([t.detach().to("cpu", torch.float64).flatten() for t in tensors])


def places(tensors: Sequence[Tensor]) -> list[tuple[int, tuple[int, ...]]]:
    """Which tensor each number of several is in, and its index there."""
    ends = list(accumulate(t.numel() for t in tensors))
    return [(k, index) for k, t in enumerate(tensors) for index in _indices(t)] if ends else []


def _indices(tensor: Tensor) -> list[tuple[int, ...]]:
    return [tuple(int(i) for i in torch.unravel_index(torch.tensor(k), tensor.shape)) for k in range(tensor.numel())]
