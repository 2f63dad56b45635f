"""Exact derivatives of a whole function at a point, as products with vectors.

With outputs y = f(x), a cotangent v and a direction w, order by order,

    order 0: y      order 1: ∇ₓ(v·y) = Jᵀv      order k + 1: ∇ₓ and ∇ᵥ of w·(the gradient by x of order k)

so that order 2 is the Hessian of v·f times w, and J·w: what differentiating a backward gives. All of them are nodes of
one graph in the variables x, v and w, made by reverse sweeps, so that other vectors at the same x cost an evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from flint import arb

from derivcheck.exact.balls import Program
from derivcheck.exact.branches import Branches
from derivcheck.exact.steps import precision
from derivcheck.exact.vicinity import BoxProgram
from derivcheck.symbolic.adjoint import gradient
from derivcheck.symbolic.graph import Graph, Ref, Variable
from derivcheck.tracing.whole import Whole

BITS = (128, 512, 2048)  # of the balls: float64 and as much again; 2048 where most of it cancels
ENOUGH = 64  # bits of accuracy: eleven more than float64 has

Balls = list[list[arb | None]]
"""By order, the numbers of that order; None where there is none: at a kink, or where nothing is defined."""


class Products:
    """The derivatives of the outputs of a graph up to an order. `u` says when a switch is tied."""

    def __init__(self, whole: Whole, count: int, order: int, u: float) -> None:
        self.count, self.order, self.u = count, order, u
        self.outputs = len(whole.outputs)
        graph = whole.graph
        self.cotangents = [graph.node(Variable(count + i)) for i in range(self.outputs)]
        weighted = [(graph.product([(v, 1), (y, 1)]), 1) for v, y in zip(self.cotangents, whole.outputs, strict=True)]
        self.branches = Branches(graph, graph.sum(weighted), u, reach=False)
        self._made: dict[object, _Branch | None] = {}

    def at(self, x: Sequence[float], v: Sequence[float], w: Sequence[float]) -> Balls:
        """The exact numbers at x; where a switch is tied, those that all sides share."""
        found = [self._settled(branch, (*x, *v, *w)) for branch in self._branches_at((*x, *v, *w))]
        return [[_shared(each) for each in zip(*level, strict=True)] for level in zip(*found, strict=True)]

    def reach(self, x: Sequence[float], v: Sequence[float], w: Sequence[float]) -> list[list[float]]:
        """How far roundings of the inputs and of every step may move each number, at most."""
        branch = self._branches_at((*x, *v, *w))[0]
        with precision(BITS[0]):
            box = [arb(number) * arb(1, self.u) for number in (*x, *v, *w)]
            balls = iter(branch.box.over(box))
            return [[float(next(balls).rad()) for _ in level] for level in branch.levels]

    def _branches_at(self, point: Sequence[float]) -> list[_Branch]:
        """The branches of the function at a point: one, or those of the two extreme sides of all ties."""
        with precision(BITS[0]):
            choices = self.branches.ends(point)
        return [self._branch(choice) for choice in choices]

    def _branch(self, choices: dict[Ref, int | bool | None]) -> _Branch:
        key = tuple(choices.values())
        if key not in self._made:
            self._made[key] = None if (found := self.branches.branch(choices)) is None else _Branch(*found, self)
        made = self._made[key]
        if made is None:
            raise Undefined
        return made

    def _settled(self, branch: _Branch, point: Sequence[float]) -> list[list[arb | None]]:
        for bits in BITS:
            with precision(bits):
                balls = branch.program.run(point)[0]
            if all(ball.rel_accuracy_bits() >= ENOUGH or ball.rad() < TINY or not ball.is_finite() for ball in balls):
                break
        left = iter(balls)
        return [[ball if (ball := next(left)).is_finite() else None for _ in level] for level in branch.levels]


TINY = arb(2) ** -1140  # far below the smallest subnormal of float64, 2^-1074


class Undefined(Exception):
    """A switch of the function cannot be decided at the point."""


class _Branch:
    """One branch without switches: the nodes of each order, compiled."""

    def __init__(self, graph: Graph, root: Ref, of: Products) -> None:
        x = [graph.node(Variable(j)) for j in range(of.count)]
        v = [graph.node(Variable(of.count + i)) for i in range(of.outputs)]
        w = [graph.node(Variable(of.count + of.outputs + j)) for j in range(of.count)]
        self.levels = [gradient(graph, root, v)]  # φ = v·y is linear in v
        for order in range(1, of.order + 1):
            level = gradient(graph, root, x if order == 1 else [*x, *v])
            self.levels.append(level)
            root = graph.sum([(graph.times(a, b), 1) for a, b in zip(w, level, strict=False)])
        roots = [ref for level in self.levels for ref in level]
        self.program, self.graph, self.roots, self.u = Program(graph, roots, of.u), graph, roots, of.u

    @cached_property
    def box(self) -> BoxProgram:
        """The same where every step is rounded."""
        return BoxProgram(self.graph, self.roots, self.u, every=True)


def _shared(sides: Sequence[arb | None]) -> arb | None:
    """What all sides of a kink have; None where they differ."""
    first = sides[0]
    if first is None or any(side is None or not side.overlaps(first) for side in sides[1:]):
        return None
    return first
