"""Where the graph of a partial is not finite, and the partial all the same exists.

A formula is more than its graph: sqrt(Max(0, u)) is the constant 0 for u < 0, though the chain rule writes 0/0; and
expm1(x)/x is 1 at 0. So branches are resolved first and that branch is differentiated; and what vanishes above and
below a fraction bar is cancelled in power series. Both only at points where the plain evaluation fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial, prod
from typing import Any

from flint import arb

from derivcheck.exact.balls import Program
from derivcheck.exact.power_series import Expansion, NotAnalytic
from derivcheck.exact.steps import STATE, Frame
from derivcheck.multi_index import MultiIndex
from derivcheck.symbolic.differentiation import SymbolicPartials
from derivcheck.symbolic.graph import Cases, Function, Graph, Product, Ref, Sum

EXTRA = 8  # degrees beyond the highest partial: so often may a numerator and its denominator vanish together
SWITCHES = frozenset({"abs", "sign", "heaviside", "max", "min", "floor", "mod"})

Choices = tuple[Any, ...]  # of the switches of a function, in the order in which they are met


class Undecided(Exception):
    """A switch is tied at the point: there is no single branch."""


def branches(symbolic: SymbolicPartials) -> bool:
    """Whether the function has any."""
    graph = symbolic.graph
    nodes = (graph.nodes[ref] for ref in graph.reachable([symbolic.root]))
    return any(isinstance(n, Cases) or (isinstance(n, Function) and n.head in SWITCHES) for n in nodes)


def resolved(symbolic: SymbolicPartials, u: float, point: Sequence[float]) -> tuple[Choices, SymbolicPartials] | None:
    """The branch of the function at a point, as a function of its own, and the choices that name it; None where a
    switch is tied."""
    graph = symbolic.graph
    program = Program(graph, graph.reachable([symbolic.root]), u)
    branch = _Branch(graph, program.frame(point))
    try:
        root = branch.copied(symbolic.root)
    except Undecided:
        return None
    return tuple(branch.choices), SymbolicPartials.of_graph(branch.graph, root, symbolic.symbols)


class _Branch:
    """A graph of one branch of a function, copied node by node; what was not chosen is not visited."""

    def __init__(self, source: Graph, frame: Frame) -> None:
        self.source, self.frame, self.graph = source, frame, Graph()
        self.choices: list[Any] = []
        self.made: dict[Ref, Ref] = {}

    def copied(self, ref: Ref) -> Ref:
        if ref not in self.made:
            self.made[ref] = self._copy(ref)
        return self.made[ref]

    def _copy(self, ref: Ref) -> Ref:
        match node := self.source.nodes[ref]:
            case Sum(constant, terms):
                return self.graph.sum([(self.copied(t), c) for t, c in terms], constant)
            case Product(factors):
                return self.graph.product([(self.copied(f), e) for f, e in factors])
            case Function(head, arguments) if head in SWITCHES:
                return self._switched(head, arguments)
            case Function(head, arguments):
                return self.graph.node(Function(head, tuple(map(self.copied, arguments))))
            case Cases() as cases:
                return self._case(cases)
        return self.graph.node(node)

    def _switched(self, head: str, arguments: tuple[Ref, ...]) -> Ref:
        if head in ("floor", "mod"):
            whole = self._whole(arguments[-1])
            if head == "floor":
                return self.graph.number(whole)
            return self.graph.sum([(self.copied(arguments[0]), 1), (self.copied(arguments[1]), -whole)])
        side = self._side(arguments[-1])
        if head in ("sign", "heaviside"):
            return self.graph.number(side if head == "sign" else (side + 1) // 2)
        if head == "abs":
            return self.graph.sum([(self.copied(arguments[0]), side)])
        return self.copied(arguments[0 if (side > 0) == (head == "max") else 1])

    def _side(self, ref: Ref) -> int:
        value = self.frame[ref]
        if ref in self.frame[STATE].tied or not (value > 0 or value < 0):
            raise Undecided
        self.choices.append(1 if value > 0 else -1)
        return int(self.choices[-1])

    def _whole(self, ref: Ref) -> int:
        whole = self.frame[ref].floor().unique_fmpz() if self.frame[ref].is_finite() else None
        if whole is None or ref in self.frame[STATE].tied:
            raise Undecided
        self.choices.append(int(whole))
        return int(whole)

    def _case(self, cases: Cases) -> Ref:
        for k, (value, condition) in enumerate(cases.pairs()):
            if self.frame[condition] is None:
                raise Undecided
            if self.frame[condition]:
                self.choices.append(k)
                return self.copied(value)
        raise Undecided


def by_series(symbolic: SymbolicPartials, alphas: Sequence[MultiIndex], point: Sequence[float]) -> list[arb] | None:
    """The partials of a function whose singularity at the point is removable; None where it is not, or not known to
    be."""
    try:
        series = Expansion(symbolic.graph, point, max(map(sum, alphas)) + EXTRA).of(symbolic.root)
    except NotAnalytic:
        return None
    return [series.get(alpha, arb(0)) * prod(map(factorial, alpha)) for alpha in alphas]
