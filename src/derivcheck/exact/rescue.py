"""Asking again where an enclosure is undefined: the branch of the function, then its power series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flint import arb

from derivcheck.exact import definedness
from derivcheck.exact.enclosures import Enclosure, Status
from derivcheck.exact.steps import precision
from derivcheck.multi_index import MultiIndex
from derivcheck.symbolic.differentiation import SymbolicPartials

if TYPE_CHECKING:
    from derivcheck.exact.referee import Referee

BITS = 2048  # coefficients that are 0 must be as precise as the smallest subnormal: the referee's highest precision


class Rescue:
    """Partials that exist though their graph is not finite: those of the branch, then those of the power series."""

    def __init__(self, referee: Referee, symbolic: SymbolicPartials, alphas: Sequence[MultiIndex]) -> None:
        self.referee, self.symbolic, self.alphas = referee, symbolic, alphas
        self.has_branches = definedness.branches(symbolic)
        self.branches: dict[definedness.Choices, Referee] = {}
        self.rescued: dict[tuple[float, ...], Referee | None] = {}
        """Points where this was asked: the referee of their branch, None where there is none."""

    def __call__(self, point: Sequence[float], found: list[Enclosure]) -> list[Enclosure]:
        with precision(BITS):
            branch = self._branch(point) if self.has_branches else None
            self.rescued[tuple(point)] = branch
            if branch is not None:
                return branch.at(point)
            balls = definedness.by_series(self.symbolic, self.alphas, point)
            return found if balls is None else list(map(self._removed, found, balls))

    def _branch(self, point: Sequence[float]) -> Referee | None:
        resolved = definedness.resolved(self.symbolic, self.referee.program.u, point)
        if resolved is None:
            return None
        choices, symbolic = resolved
        if choices not in self.branches:
            self.branches[choices] = self.referee.of_branch(symbolic, self.alphas)
        return self.branches[choices]

    def _removed(self, found: Enclosure, ball: arb) -> Enclosure:
        """The series' coefficient in place of what is undefined."""
        enclosed = self.referee.enclosure(ball)
        settled = found.status is Status.UNDEFINED and enclosed.status is Status.SETTLED
        return enclosed._replace(status=Status.REMOVABLE) if settled else found
