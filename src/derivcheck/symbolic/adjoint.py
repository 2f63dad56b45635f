"""Reverse mode on a graph: the gradient of one node by all variables, as nodes of the same graph.

    ȳ_root = 1,   x̄ = Σ over y made of x:  ȳ·∂y/∂x

(Griewank & Walther, Evaluating Derivatives, 2008, ch. 3.) The graph must have no switches: `exact.branches` resolves
them at a point. A gradient of a gradient is one more call. The number of nodes grows by a small factor each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from derivcheck.symbolic.differentiation import outer
from derivcheck.symbolic.graph import Function, Graph, Product, Ref, Sum


def gradient(graph: Graph, root: Ref, variables: Iterable[Ref]) -> list[Ref]:
    """∂root/∂x for each variable x, 0 where the root does not depend on it."""
    wanted = list(variables)
    order = graph.reachable([root])
    active = _active(graph, order, set(wanted))
    parts: dict[Ref, list[tuple[Ref, int]]] = {root: [(graph.one, 1)]}
    found: dict[Ref, Ref] = {}
    for ref in reversed(order):
        if ref not in active or ref not in parts:
            continue
        found[ref] = adjoint = graph.sum(parts.pop(ref))
        for argument, term in _terms(graph, ref, adjoint, active):
            parts.setdefault(argument, []).append((term, 1))
    return [found.get(ref, graph.zero) for ref in wanted]


def _active(graph: Graph, order: list[Ref], variables: set[Ref]) -> set[Ref]:
    """The nodes that depend on the variables."""
    active = set(variables)
    for ref in order:
        if not active.isdisjoint(graph.arguments(ref)):
            active.add(ref)
    return active


def _terms(graph: Graph, ref: Ref, adjoint: Ref, active: set[Ref]) -> Iterator[tuple[Ref, Ref]]:
    """What the node adds to the adjoint of each of its arguments."""
    match graph.nodes[ref]:
        case Sum(_, terms):
            yield from ((t, graph.sum([(adjoint, c)])) for t, c in terms if t in active)
        case Product(factors):
            for k, (factor, exponent) in enumerate(factors):
                if factor in active:
                    others = [*factors[:k], (factor, exponent - 1), *factors[k + 1 :]]
                    yield factor, graph.sum([(graph.times(adjoint, graph.product(others)), exponent)])
        case Function(head, arguments):
            for k, argument in enumerate(arguments):
                if argument in active:
                    yield argument, graph.times(adjoint, outer(graph, head, arguments, k))
