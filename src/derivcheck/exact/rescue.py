"""Where the graph of a partial is not finite, and the partial all the same exists.

A formula is more than its graph: sqrt(Max(0, u)) is the constant 0 for u < 0, though the chain rule writes 0/0; and
expm1(x)/x is 1 at 0. So branches are resolved first and that branch is differentiated, on each side of what is tied;
and what vanishes above and below a fraction bar is cancelled in power series. Both only at points where the plain
evaluation fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial, prod
from typing import TYPE_CHECKING

from flint import arb

from derivcheck.exact.balls import TIE
from derivcheck.exact.branches import Branches, Choice, Choices
from derivcheck.exact.division import divisors
from derivcheck.exact.enclosures import Enclosure, Status
from derivcheck.exact.power_series import Expansion
from derivcheck.exact.series import NotAnalytic, Series
from derivcheck.exact.steps import precision
from derivcheck.multi_index import MultiIndex
from derivcheck.symbolic.differentiation import SymbolicPartials
from derivcheck.symbolic.graph import Graph, Ref

if TYPE_CHECKING:
    from derivcheck.exact.referee import Referee

BITS = 2048  # coefficients that are 0 must be as precise as the smallest subnormal: the referee's highest precision
MOST_BRANCHES = 200  # branches kept, some 100 kB each at order 8
EXISTS = (Status.SETTLED, Status.REMOVABLE)
KINK = Enclosure(0.0, 0.0, Status.KINK)
Rescued = tuple["Referee | None", frozenset[int]]
"""At one point: the referee of its branch, None where there is none or more than one; and the partials rescued."""
NOT_RESCUED: Rescued = None, frozenset()


class Rescue:
    """Partials that exist though their graph is not finite: those of the branch, then those of the power series."""

    def __init__(self, referee: Referee, symbolic: SymbolicPartials, alphas: Sequence[MultiIndex]) -> None:
        self.referee, self.symbolic, self.alphas = referee, symbolic, alphas
        self.resolver = Branches(symbolic.graph, symbolic.root, referee.program.u)
        self.branches: dict[tuple[Choice, ...], Referee | None] = {}
        self.rescued: dict[tuple[float, ...], Rescued] = {}

    def __call__(self, point: Sequence[float], found: list[Enclosure]) -> list[Enclosure]:
        """What exists at a point (d floats) in place of what was found undefined."""
        with precision(BITS):
            better, branch = self._better(point, found)
        changed = frozenset(k for k, e in enumerate(better) if e.status in EXISTS and found[k].status not in EXISTS)
        self.rescued[tuple(point)] = branch, changed
        return better

    def _better(self, point: Sequence[float], found: list[Enclosure]) -> tuple[list[Enclosure], Referee | None]:
        """With the referee of the branch, if it is the only one."""
        if not self.resolver.deciders:
            balls = by_series(self.symbolic, self.alphas, point)
            return (found if balls is None else list(map(self._removed, found, balls))), None
        sides = [self._branch(choices) for choices in self.resolver.choices(point)]
        known = [side for side in sides if side is not None]
        if len(sides) == len(known) == 1:
            return self._as_written(found, known[0].at(point)), known[0]
        agreeing = sides and None not in sides
        return (self._agreeing(found, [side.at(point) for side in known]) if agreeing else found), None

    def _as_written(self, found: list[Enclosure], branch: list[Enclosure]) -> list[Enclosure]:
        """The partials of a branch. Where the formula has no value as it is written, because what vanishes cancels in
        the branch alone, as in x**2/Min(x, 2) at 0, the singularity is removable."""
        if found[self.referee.below.index([])].status is not Status.UNDEFINED:
            return branch
        return [e._replace(status=Status.REMOVABLE) if e.status is Status.SETTLED else e for e in branch]

    def _branch(self, choices: Choices) -> Referee | None:
        key = tuple(choices.values())
        if key not in self.branches:
            if len(self.branches) >= MOST_BRANCHES:
                self.branches.clear()
            resolved = self.resolver.branch(choices)
            self.branches[key] = self._of_branch(*resolved) if resolved else None
        return self.branches[key]

    def _of_branch(self, graph: Graph, root: Ref) -> Referee:
        return self.referee.of_branch(SymbolicPartials.of_graph(graph, root, self.symbolic.symbols), self.alphas)

    def _agreeing(self, found: list[Enclosure], sides: Sequence[list[Enclosure]]) -> list[Enclosure]:
        """At a tie, what is the same on all sides, as are those below it. Where the formula has a value at the point,
        the sides must agree with it too: a hole that a case fills with another number has no slope."""
        first, better, below = sides[0], list(found), self.referee.below
        function = below.index([])
        filled = found[function].status is Status.SETTLED
        known = [all(side[k].status in EXISTS for side in sides) for k in range(len(found))]
        agree = [all(self._same(first[k], side[k]) for side in sides) for k in range(len(found))]
        agree[function] &= not filled or self._same(first[function], found[function])
        for k in range(len(found)):
            needed = (k, *below[k])
            if all(known[b] for b in needed) and not (filled and k == function):
                status = Status.SETTLED if filled else Status.REMOVABLE
                better[k] = first[k]._replace(status=status) if all(agree[b] for b in needed) else KINK
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
    found = _expanded(symbolic, point, order, False)
    if found is None and d > 1 and any(form.vanishes(point) for form in divisors(symbolic.graph, symbolic.root)):
        found = _expanded(symbolic, point, order, True)
    if found is None:
        return None
    coefficients = {alpha[:d]: c for alpha, c in found.terms.items()}
    return [coefficients.get(alpha, arb(0)) * prod(map(factorial, alpha)) for alpha in alphas]


def _expanded(symbolic: SymbolicPartials, point: Sequence[float], order: int, dividing: bool) -> Series | None:
    """The series of the function to this order, None where it has none or none is known."""
    try:
        found = Expansion(symbolic, point, order, dividing).of(symbolic.root)
    except NotAnalytic:
        return None
    return found if found.degree >= order else None
