"""The forward of a function as one formula of its variables, traced at several batches and accepted if all agree.

At every point of a batch the variables are nodes of their own, so a value that depends on another point, on how many
points there are, or on a branch that the data decide is seen: the formulas of two points differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from torch import Tensor

from derivcheck.errors import DerivcheckError, Unsupported
from derivcheck.symbolic.graph import Cases, Function, Graph, Logic, Product, Ref, Relation, Sum, Variable
from derivcheck.tracing.recording import Recording
from derivcheck.tracing.stance import eager
from derivcheck.tracing.values import undefined

SIZES = (2, 3)  # points per batch: the least that show a mix of points, and another number of them

PointFunction = Callable[..., Tensor]  # d columns (n,) -> (n,)


class Traced(NamedTuple):
    """A formula: the variables of `graph` are those of the function, in order."""

    graph: Graph
    root: Ref


def trace(function: PointFunction, points: Tensor, cure: str) -> Traced:
    """The formula of a function of d columns. `points` (d, n) in the dtype and on the device of the columns, n >= 5,
    are where it runs. `cure` ends the reason of an `Unsupported`, which is raised where it has no one formula."""
    made = Graph()
    batches = list(in_batches(points))
    found = [_formulas(function, batch, made, cure) for batch in batches]
    roots = [root for batch in found for root in batch]
    if len(set(roots)) > 1:
        raise Unsupported(f"{_difference(function, made, found, batches, cure)}. {cure}")
    return Traced(made, roots[0])


def in_batches(points: Tensor) -> Iterator[Tensor]:
    """The points (d, n), n >= 5, that each trace is made at."""
    start = 0
    for size in SIZES:
        yield points[:, start : start + size].contiguous()
        start += size


def _formulas(function: PointFunction, batch: Tensor, made: Graph, cure: str) -> list[Ref]:
    """The node of each point's value in the graph of the formula. Raises `Unsupported` where points mix."""
    d, n = batch.shape
    places = [[i * d + j for i in range(n)] for j in range(d)]
    with eager():
        try:
            graph, roots = _recorded(function, batch, places, cure, requires_grad=True)
        except DerivcheckError:
            raise
        except Exception:  # such as a loss whose target may not require grad
            graph, roots = _recorded(function, batch, places, cure, requires_grad=False)
    return [_alone(graph, root, made, i, d, cure) for i, root in enumerate(roots)]


def _recorded(
    function: PointFunction, batch: Tensor, places: Sequence[Sequence[int]], cure: str, requires_grad: bool
) -> tuple[Graph, list[Ref]]:
    graph = Graph()
    return graph, Recording(graph, cure).run(function, batch, places, requires_grad)


def _alone(graph: Graph, root: Ref, made: Graph, i: int, d: int, cure: str) -> Ref:
    """The formula of point i in the function's own variables."""
    if root < 0:
        return undefined(made).ref  # an infinity is no value

    def renamed(place: int) -> Ref:
        if place // d != i:
            raise Unsupported(f"the function mixes points: the value at one depends on the others of the batch. {cure}")
        return made.node(Variable(place % d))

    return copied(graph, root, made, renamed)


def copied(graph: Graph, root: Ref, into: Graph, variable: Callable[[int], Ref]) -> Ref:
    """A node in another graph, with every variable replaced by a node of that."""
    made: dict[Ref, Ref] = {}
    for ref in graph.reachable([root]):
        made[ref] = _copied(graph, ref, into, made, variable)
    return made[root]


def _copied(graph: Graph, ref: Ref, into: Graph, made: dict[Ref, Ref], variable: Callable[[int], Ref]) -> Ref:
    match graph.nodes[ref]:
        case Variable(place):
            return variable(place)
        case Sum(constant, terms):
            return into.sum([(made[t], c) for t, c in terms], constant)
        case Product(factors):
            return into.node(Product(tuple(sorted((made[f], e) for f, e in factors))))  # x/x of x % x is not 1
        case Function(head, arguments):
            return into.node(Function(head, tuple(made[a] for a in arguments)))
        case Relation(operator, difference):
            return into.node(Relation(operator, made[difference]))
        case Logic(operator, conditions):
            return into.node(Logic(operator, tuple(made[c] for c in conditions)))
        case Cases(arguments):
            return into.node(Cases(tuple(made[a] for a in arguments)))
        case constant:
            return into.node(constant)


def _difference(
    function: PointFunction, made: Graph, found: Sequence[Sequence[Ref]], batches: Sequence[Tensor], cure: str
) -> str:
    """Why the formulas of the points differ."""
    if all(made.value_of(root) is not None for batch in found for root in batch):
        return "no operation of torch leads from the variables to the result, which is computed outside of torch"
    if any(len(set(batch)) > 1 for batch in found):
        return "the formula differs from one point of a batch to the next"
    again = _formulas(function, batches[1][:, : SIZES[0]].contiguous(), made, cure)
    if set(again) == set(found[0]):
        return f"the formula depends on how many points there are: it differs between {SIZES[0]} and {SIZES[1]}"
    return "the formula differs from batch to batch: the code branches on the data, or computes a part outside of torch"
