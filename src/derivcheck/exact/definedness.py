"""Partials where the formula of the derivative is undefined, but the function has them.

First the branch that holds at the point is resolved and differentiated on its own. At a tie every side is, and the
partials exist where all sides agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

from flint import arb

from derivcheck.exact.balls import Program
from derivcheck.exact.branches import Branches, Choice
from derivcheck.exact.enclosures import Status
from derivcheck.multi_index import MultiIndex
from derivcheck.symbolic.differentiation import Partials
from derivcheck.symbolic.graph import Graph, Ref

MOST_BRANCHES = 200  # branches kept, some 100 kB each at order 8
MOST_TIES = 4  # switches tied at one point: 16 sides, some milliseconds each


class Defined(NamedTuple):
    """The balls of all partials at a point, and their status."""

    balls: list[arb]
    status: Status


class Branch:
    """One branch of a function: a graph without switches, and the program of its partials."""

    def __init__(self, graph: Graph, root: Ref, alphas: Sequence[MultiIndex], u: float) -> None:
        partials = Partials(graph, root, len(alphas[0]))
        self.program = Program(graph, [partials.partial(alpha) for alpha in alphas], u)

    def at(self, point: Sequence[float]) -> Defined | None:
        """None where the branch is not differentiable, as far as is known."""
        balls, _ = self.program.run(point)
        return Defined(balls, Status.SETTLED) if all(ball.is_finite() for ball in balls) else None


class Definedness:
    """Looks again, branch by branch, at the points where the plain partials are undefined."""

    def __init__(self, graph: Graph, root: Ref, alphas: Sequence[MultiIndex], u: float) -> None:
        self.alphas, self.u = alphas, u
        self.branches = Branches(graph, root, u)
        self._made: dict[tuple[Choice, ...], Branch | None] = {}

    def sides(self, point: Sequence[float]) -> list[Defined] | None:
        """The partials on every side of the switches tied at the point, which is one where none is; None where they
        are undefined on a side."""
        _, tied, _ = self.branches.choices(point)
        if len(tied) > MOST_TIES:
            return None
        found = []
        for signs in product((-1, 1), repeat=len(tied)):
            side = self._side(point, dict(zip(sorted(tied), signs, strict=True)))
            if side is None:
                return None
            found.append(side)
        return found

    def _side(self, point: Sequence[float], sides: dict[Ref, int]) -> Defined | None:
        choices, _, _ = self.branches.choices(point, sides)
        key = tuple(choices.values())
        if key not in self._made:
            if len(self._made) >= MOST_BRANCHES:
                self._made.clear()
            resolved = self.branches.branch(choices)
            self._made[key] = Branch(*resolved, self.alphas, self.u) if resolved else None
        branch = self._made[key]
        return branch.at(point) if branch else None
