"""Where the graph of a partial is not finite, and the partial all the same exists.

A formula is more than its graph: sqrt(Max(0, u)) is the constant 0 for u < 0, though the chain rule writes 0/0; and
expm1(x)/x is 1 at 0. So branches are resolved first and that branch is differentiated, on each side of what is tied;
and what vanishes above and below a fraction bar is cancelled in power series. Both only at points where the plain
evaluation fails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import factorial, prod
from typing import TYPE_CHECKING

from flint import arb

from derivcheck.exact.balls import TIE
from derivcheck.exact.branches import Branches, Choice, Choices
from derivcheck.exact.enclosures import Enclosure, Status
from derivcheck.exact.power_series import Expansion
from derivcheck.exact.series import NotAnalytic
from derivcheck.multi_index import MultiIndex
from derivcheck.symbolic.differentiation import SymbolicPartials

if TYPE_CHECKING:
    from derivcheck.exact.referee import Referee

EXISTS = (Status.SETTLED, Status.REMOVABLE)
KINK = Enclosure(0.0, 0.0, Status.KINK)


class Rescue:
    """Partials that exist though their graph is not finite: those of the branch, then those of the power series.

    `of_branch` makes a referee like this one for a branch of the function.
    """

    def __init__(
        self,
        referee: Referee,
        symbolic: SymbolicPartials,
        alphas: Sequence[MultiIndex],
        of_branch: Callable[[SymbolicPartials], Referee],
    ) -> None:
        self.referee, self.symbolic, self.alphas, self.of_branch = referee, symbolic, alphas, of_branch
        self.resolver = Branches(symbolic.graph, symbolic.root, referee.program.u)
        self.branches: dict[tuple[Choice, ...], Referee | None] = {}
        self.rescued: dict[tuple[float, ...], Referee | None] = {}
        """Points where this was asked: the referee of their branch, None where there is none or more than one."""

    def __call__(self, point: Sequence[float], found: list[Enclosure]) -> list[Enclosure]:
        """What exists at a point (d floats) in place of what was found undefined."""
        self.rescued[tuple(point)] = None
        if not self.resolver.deciders:
            balls = by_series(self.symbolic, self.alphas, point)
            return found if balls is None else list(map(self._removed, found, balls))
        sides = [self._branch(choices) for choices in self.resolver.choices(point)]
        known = [side for side in sides if side is not None]
        if len(sides) == len(known) == 1:
            self.rescued[tuple(point)] = known[0]
            return known[0].at(point)
        return self._agreeing(found, [side.at(point) for side in known]) if sides and None not in sides else found

    def _branch(self, choices: Choices) -> Referee | None:
        key = tuple(choices.values())
        if key not in self.branches:
            resolved = self.resolver.branch(choices)
            self.branches[key] = (
                self.of_branch(SymbolicPartials.of_graph(*resolved, self.symbolic.symbols)) if resolved else None
            )
        return self.branches[key]

    def _agreeing(self, found: list[Enclosure], sides: Sequence[list[Enclosure]]) -> list[Enclosure]:
        """At a tie, what is the same on all sides, as are those below it. The value at the point is that of the
        formula, where it has one; a partial of a value that no side has does not exist."""
        first, better = sides[0], list(found)
        known = [all(side[k].status in EXISTS for side in sides) for k in range(len(found))]
        whole = [k for k, below in enumerate(self.referee.below) if not below]
        named = found[whole[0]].status is Status.SETTLED
        sides = [found, *sides] if named else sides
        agree = [
            all(self._same(first[k], side[k]) for side in (sides if k in whole else sides[named:]))
            for k in range(len(found))
        ]
        for k, below in enumerate(self.referee.below):
            if known[k] and all(known[b] for b in below) and not (named and k in whole):
                exists = agree[k] and all(agree[b] for b in below)
                better[k] = first[k]._replace(status=Status.SETTLED if named else Status.REMOVABLE) if exists else KINK
        return better

    def _same(self, a: Enclosure, b: Enclosure) -> bool:
        difference = abs((a.high - b.high) + (a.low - b.low))
        return difference <= max((abs(a.high) + abs(b.high)) * (TIE * self.referee.program.u), float(self.referee.tiny))

    def _removed(self, found: Enclosure, ball: arb) -> Enclosure:
        """The series' coefficient in place of what is undefined."""
        enclosed = self.referee.enclosure(ball)
        settled = found.status is Status.UNDEFINED and enclosed.status is Status.SETTLED
        return enclosed._replace(status=Status.REMOVABLE) if settled else found


def by_series(symbolic: SymbolicPartials, alphas: Sequence[MultiIndex], point: Sequence[float]) -> list[arb] | None:
    """The partials of a function whose singularity at the point is removable; None where it is not, or not known to
    be."""
    order, d = max(map(sum, alphas)), len(point)
    try:
        found = Expansion(symbolic.graph, point, order).of(symbolic.root)
    except NotAnalytic:
        return None
    if found.degree < order:
        return None
    coefficients = {alpha[:d]: c for alpha, c in found.terms.items()}
    return [coefficients.get(alpha, arb(0)) * prod(map(factorial, alpha)) for alpha in alphas]
