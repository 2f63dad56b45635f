"""Where an expression bends or jumps: the zeros of the differences that decide between its branches."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from derivcheck.errors import Unsupported
from derivcheck.symbolic.graph import Function, Graph, Ref, Relation
from derivcheck.symbolic.lowering import lower

if TYPE_CHECKING:
    from derivcheck.symbolic.differentiation import SymbolicPartials

HALF = Fraction(1, 2)
KINKED = frozenset({"abs", "sign", "heaviside", "max", "min"})

Switches = Callable[[Tensor], Tensor]  # points (d, n) -> (n, s): s differences that are 0 at a kink


def switches(symbolic: SymbolicPartials) -> Switches | None:
    """The differences whose zeros are the kinks of the expression, as a function of points; None if there are none."""
    graph = symbolic.graph
    found = [_difference(graph, ref) for ref in graph.reachable([symbolic.root])]
    roots = sorted({ref for ref in found if ref is not None})
    if not roots:
        return None
    differences = lower(graph, roots)

    def values(points: Tensor) -> Tensor:
        try:
            return torch.stack(differences(list(points)), 1)
        except Unsupported:
            return torch.ones((points.shape[1], len(roots)), dtype=torch.float64)

    return values


def _difference(graph: Graph, ref: Ref) -> Ref | None:
    """The node whose zeros are the kinks of this one: of floor(q), the sawtooth q - floor(q + 1/2)."""
    node = graph.nodes[ref]
    if isinstance(node, Relation):
        return node.difference
    if isinstance(node, Function) and node.head in KINKED:
        return node.arguments[-1]
    if isinstance(node, Function) and node.head in ("floor", "mod"):
        q = node.arguments[-1]
        half = graph.node(Function("floor", (graph.sum([(q, 1)], HALF),)))
        return graph.sum([(q, 1), (half, -1)])
    return None
