"""Both sides at all points, chunk by chunk: what differs most is kept, the rest is forgotten.

The referee is slow and looks at some thousand points. Those are the corners and kinks, a share drawn at random, and for
every partial the points where the sides differ most, absolutely and relatively. So only these are kept, memory does not
grow with n, and the largest difference over the kept points is the largest over all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from derivcheck.engines.calling import dtype_of
from derivcheck.engines.streams import Stream, generator
from derivcheck.engines.timing import once, require_time
from derivcheck.errors import DerivcheckError
from derivcheck.sampling.chunks import ChunkSize, most_points
from derivcheck.sampling.corners import search, special
from derivcheck.sampling.points import Kind, Points, RandomPoints, on_device
from derivcheck.sampling.progress import announce

if TYPE_CHECKING:
    from derivcheck.engines.extend import Evaluate, Partials
    from derivcheck.problem import Problem
    from derivcheck.symbolic.kinks import Switches

MOST_KEPT = 2**15  # points kept before they are thinned to what the referee can look at: a few megabytes
MOST_NUMBERS = 2**24  # coordinates and values of all points kept, 128 MB: fewer points of 128 columns or more
# If the referee has time for all points, the steps of a search are seen as far as they would be among the extremes of a
# budget of this many points: half of it, which is a quarter of the 768 steps of the search.
SEARCH_BUDGET = 400
# Calls that may raise at added points: three single points among 256 are found, and what takes no other number of
# points than that of the check is not asked more often.
MOST_REFUSED = 24
MOST_SHUFFLED = 2**16  # points of which a random share is drawn without repetition: a permutation of half a megabyte


@dataclass(frozen=True)
class Sides:
    """k points and what both sides gave there, on the CPU."""

    points: Points
    autograd: Tensor
    """(k, m) in the dtype."""
    sympy: Tensor
    """(k, m) in the dtype."""
    reference: Tensor
    """(k, m) the symbolic side in float64."""
    drawn: Tensor
    """(k,) bool: in the random share."""

    def __len__(self) -> int:
        return len(self.points)

    @property
    def gap(self) -> Tensor:
        """(k, m) |autograd - reference| in float64."""
        return (self.autograd.double() - self.reference).abs_()

    @property
    def relative_gap(self) -> Tensor:
        """(k, m) the gap in units of |reference|."""
        return self.gap / self.reference.abs()

    def at(self, places: Tensor) -> Sides:
        """These points alone; `places` are indices or a mask."""
        points = Points(self.points.columns[:, places], self.points.kinds[places])
        return Sides(points, *(t[places] for t in (self.autograd, self.sympy, self.reference, self.drawn)))

    def joined(self, other: Sides) -> Sides:
        """Both, this one first."""
        points = Points(
            torch.cat([self.points.columns, other.points.columns], 1),
            torch.cat([self.points.kinds, other.points.kinds]),
        )
        tensors = ("autograd", "sympy", "reference", "drawn")
        return Sides(points, *(torch.cat([getattr(self, name), getattr(other, name)]) for name in tensors))


def _nothing(problem: Problem) -> Sides:
    """No points."""
    values = torch.empty((0, len(problem.partials)), dtype=dtype_of(problem))
    columns = torch.empty((len(problem.variables), 0), dtype=torch.float64)
    kinds, drawn = torch.empty(0, dtype=torch.int64), torch.empty(0, dtype=torch.bool)
    return Sides(Points(columns, kinds), values, values, values.double(), drawn)


class Survey:
    """Evaluates both sides and remembers what the referee, who can look at `budget` points, may want to see."""

    def __init__(self, problem: Problem, evaluate: Evaluate, evaluate_sympy: Evaluate, budget: int) -> None:
        self.problem, self.evaluate, self.evaluate_sympy, self.budget = problem, evaluate, evaluate_sympy, budget
        self.kept = _nothing(problem)
        self.count = 0
        """Points looked at."""
        self.cut: frozenset[int] = frozenset()
        self.unsupported: dict[int, str] = {}
        self.unsupported_sympy: dict[int, str] = {}
        self._floors: tuple[Tensor, Tensor] | None = None
        width = len(problem.variables) + len(problem.partials)
        self._most = min(MOST_KEPT, MOST_NUMBERS // (4 * width))
        most = most_points(problem.device, dtype_of(problem).itemsize, width)
        self.chunk = ChunkSize(most, max(map(sum, problem.partials)))

    def random(self, first: Callable[[Tensor], Partials]) -> float:
        """All random points. The first chunk goes through `first`, whose seconds are returned."""
        source, share, first_call = RandomPoints(self.problem), self._share(), 0.0
        while (start := source.taken) < self.problem.points:
            columns = source.take(self.chunk.size)
            places = share[(share >= start) & (share < source.taken)] - start
            drawn = torch.zeros(columns.shape[1], dtype=torch.bool)
            drawn[places] = True
            points = Points(columns, torch.full((columns.shape[1],), int(Kind.SAMPLED)))
            _, seconds = self.add(points, drawn, self.evaluate if start else first)
            first_call = first_call or seconds
            self.chunk.note(len(points), seconds)
            announce(source.taken, self.problem.points)
        return first_call

    def add(self, points: Points, drawn: Tensor | None = None, evaluate: Evaluate | None = None) -> tuple[Sides, float]:
        """Evaluate both sides at these points and keep what matters. Returns them and the seconds of the engine."""
        require_time(self.problem.deadline, "the evaluation of all points")
        there = on_device(self.problem, points.columns)
        partials, seconds = once(lambda: (evaluate or self.evaluate)(there))
        sympy = self.evaluate_sympy(there)
        self.cut |= partials.cut
        self.unsupported |= partials.unsupported
        self.unsupported_sympy |= sympy.unsupported
        values = sympy.values.cpu()
        same = values.dtype == torch.float64 and self.problem.device == "cpu"
        reference = values if same else self.evaluate_sympy(points.columns).values
        drawn = torch.zeros(len(points), dtype=torch.bool) if drawn is None else drawn
        sides = Sides(points, partials.values.detach().cpu(), values, reference, drawn)
        self.count += len(points)
        self._keep(sides)
        return sides, seconds

    def _share(self) -> Tensor:
        """(k,) which of the random points are drawn for the referee."""
        n, random = self.problem.points, generator(Stream.SHARE, self.problem.seed)
        if n <= MOST_SHUFFLED:
            return torch.randperm(n, generator=random)[: self.budget]
        return torch.randint(n, (self.budget,), generator=random)

    def _keep(self, sides: Sides) -> None:
        if self._floors is not None:
            sides = sides.at(self._wanted(sides, *self._floors))
        self.kept = self.kept.joined(sides)
        if len(self.kept) > max(self._most, 4 * self.budget):
            self._thin()

    def _wanted(self, sides: Sides, absolute: Tensor, relative: Tensor) -> Tensor:
        """(n,) bool: above what is kept already, or kept in any case."""
        certain = sides.drawn | (sides.points.kinds != Kind.SAMPLED)
        larger = ~(sides.gap <= torch.minimum(sides.reference.abs().mul_(relative), absolute))
        if not bool(larger.any()):
            return certain
        return certain | (larger & torch.isfinite(sides.reference)).any(1)

    def _thin(self) -> None:
        """Forget all but the extremes, and raise what a point must exceed to be kept."""
        chosen = extremes(self.kept, self.budget) | self.kept.drawn | (self.kept.points.kinds != Kind.SAMPLED)
        gap, relative = (_sortable(t) for t in (self.kept.gap, self.kept.relative_gap))
        share = min(_share_of(self.budget, gap.shape[1]), len(gap))
        self._floors = gap.topk(share, 0).values[-1], relative.topk(share, 0).values[-1]
        self.kept = self.kept.at(chosen)


def _sortable(gap: Tensor) -> Tensor:
    """With NaN below every number, so that an infinite gap is the largest and an undefined one the smallest."""
    return torch.nan_to_num(gap, nan=-1.0, posinf=torch.finfo(torch.float64).max)


def _share_of(budget: int, partials: int) -> int:
    """How many points of each score and partial the referee has time for: half of the budget in all."""
    return max(1, budget // (4 * partials))


def extremes(sides: Sides, budget: int) -> Tensor:
    """(k,) bool: the points with the largest gaps and those where autograd alone is not finite, a share per partial."""
    chosen = torch.zeros(len(sides), dtype=torch.bool)
    share = _share_of(budget, sides.autograd.shape[1])
    for scores in (sides.gap, sides.relative_gap):
        chosen[_sortable(scores).topk(min(share, len(sides)), 0).indices.flatten()] = True
    odd = torch.isfinite(sides.reference) & ~torch.isfinite(sides.autograd)
    for k in odd.any(0).nonzero().flatten().tolist():
        chosen[odd[:, k].nonzero().flatten()[:share]] = True
    return chosen


def suspicious(sides: Sides, budget: int, seed: int) -> Tensor:
    """Sorted places (k,) of the `budget` points that the referee should see.

    They are the extremes, the corners and kinks thinned to half of the budget, and as many of the random share as there
    is room for, at least a quarter of the budget. If the budget allows all points, the steps of the search that led
    nowhere are still left out.
    """
    kinds = sides.points.kinds
    if budget >= len(sides):
        return (extremes(sides, min(budget, SEARCH_BUDGET)) | (kinds != Kind.SEARCHED)).nonzero().flatten()
    chosen = extremes(sides, budget)
    always = ((kinds == Kind.CORNER) | (kinds == Kind.KINK)).nonzero().flatten()
    chosen[always[:: max(1, -(-2 * len(always) // budget))]] = True
    rest = (sides.drawn & ~chosen).nonzero().flatten()
    spare = max(budget - int(chosen.sum()), budget // 4)
    order = torch.randperm(len(rest), generator=generator(Stream.THINNED_SHARE, seed))
    chosen[rest[order[:spare]]] = True
    return chosen.nonzero().flatten()


def look_closer(problem: Problem, switches: Switches | None, survey: Survey) -> None:
    """Add corners and kinks, then the points of a search from where the sides differ most."""
    if not problem.corners:
        return
    _add_where_it_runs(survey, special(problem, switches), MOST_REFUSED)
    if all(low == high for low, high in problem.domain):
        return

    def score(columns: Tensor) -> Tensor:
        try:
            sides, _ = survey.add(Points(columns, torch.full((columns.shape[1],), int(Kind.SEARCHED))))
        except Exception as error:
            if not _is_refusal(problem, error):
                raise
            return torch.zeros(columns.shape[1], dtype=torch.float64)
        return _largest_gap(sides)

    search(problem, survey.kept.points, _largest_gap(survey.kept), score)


def _is_refusal(problem: Problem, error: Exception) -> bool:
    """Whether a user's function raised at points that the user did not ask for, as a matrix inverse does where it is
    singular."""
    return problem.function is not None and not isinstance(error, DerivcheckError)


def _add_where_it_runs(survey: Survey, points: Points, refusals: int) -> int:
    """Add points; where the function raises, each half, down to single ones, as long as there are `refusals` left.
    Returns how many are."""
    try:
        survey.add(points)
    except Exception as error:
        if not _is_refusal(survey.problem, error):
            raise
        refusals, half = refusals - 1, len(points) // 2
        for part in (slice(0, half), slice(half, None)) if half else ():
            if refusals > 0:
                piece = Points(points.columns[:, part], points.kinds[part])
                refusals = _add_where_it_runs(survey, piece, refusals)
    return refusals


def _largest_gap(sides: Sides) -> Tensor:
    """(k,) the largest relative gap over the partials; one that is not finite counts as 0."""
    return torch.nan_to_num(sides.relative_gap, nan=0.0, posinf=0.0).amax(1)
