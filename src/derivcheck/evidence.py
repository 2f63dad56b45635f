"""Everything that is computed about one problem before anything is judged: points, both sides, exact values, bounds.

The order matters. All points are computed by both sides first, so that those where the sides differ most are known
before the referee, who is slow, chooses where to look.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from derivcheck import loading, multi_index, noise, ulp
from derivcheck.comparison import Estimate, Judged, judge
from derivcheck.corners import search, special
from derivcheck.engines import Evaluate, Partials, engine, reverse, user_function
from derivcheck.errors import DerivcheckError
from derivcheck.exact import Exact
from derivcheck.sampling import Kind, Points, on_device, placed
from derivcheck.suggestion import defined_domain
from derivcheck.survey import Sides, Survey, suspicious
from derivcheck.timing import once

if TYPE_CHECKING:
    from derivcheck.kinks import Switches
    from derivcheck.multi_index import MultiIndex
    from derivcheck.problem import Problem
    from derivcheck.referee import Referee

# Ball operations that the referee may spend on one check: 0.2 to 0.3 s, a quarter of what importing torch takes.
# A count and not a time, so that the same seed gives the same verdicts on every machine.
WORK = 200_000
OVERHEAD = 15  # ball operations that one point costs besides its nodes (measured: 20 us a point, 1.3 us a node)
FEWEST = 200  # points refereed however large the graph
SLACK = 4  # by which the noise of two sequences may differ without a closer look: two bits
MOST_CROSSED = 1000  # points at which every sequence of a mixed partial is taken
BATCH = 4096  # points perturbed at once, times 16 runs: some 100 MB for a graph of 100 nodes


RefereeOf = Callable[["tuple[MultiIndex, ...]", torch.dtype], "Referee"]  # of these partials, in a dtype to be judged


class Crossed(NamedTuple):
    """Other sequences of mixed partials: column c of `judged` is `sequences[c]`, which gives partial `partials[c]`."""

    sequences: tuple[tuple[int, ...], ...]
    partials: tuple[int, ...]
    judged: Judged


@dataclass(frozen=True)
class Evidence:
    """m partials of one problem."""

    problem: Problem
    referee: RefereeOf
    points: Points
    """The k points that were kept, of `checked`."""
    checked: int
    chunk: int
    """Points evaluated at once."""
    evaluate: Evaluate
    """The prepared engine."""
    evaluate_sympy: Evaluate
    autograd: Partials
    sympy: Partials
    judged: Judged
    crossed: Crossed | None
    prepare_seconds: float
    first_call: float
    referee_seconds: float

    @cached_property
    def better_domain(self) -> str:
        """Options for a domain on which all partials are finite, empty where none was found."""
        return defined_domain(lambda points: self.evaluate_sympy(points).values, self.problem.variables)

    def judge_at(self, columns: Tensor) -> Judged:
        """All partials at further points (d, k)."""
        values = self.evaluate(on_device(self.problem, columns)).values.detach().to("cpu", torch.float64)
        dtype = getattr(torch, self.problem.dtype)
        exact = self.referee(self.problem.partials, dtype).enclose(columns)
        places = torch.arange(columns.shape[1])
        everything = range(len(self.problem.partials))
        return _judged(self.problem, self.referee, columns, places, values, exact, self.evaluate, everything)


def collect(problem: Problem, referee_of: RefereeOf, switches: Switches | None) -> Evidence:
    """Compute both sides everywhere and the exact values where they matter. `switches` change sign at the kinks."""
    (evaluate, evaluate_sympy), prepare = once(lambda: (engine(problem.engine)(problem), engine("symbolic")(problem)))
    referee = referee_of(problem.partials, getattr(torch, problem.dtype))
    budget = max(FEWEST, WORK // (referee.cost + OVERHEAD))
    survey = Survey(problem, evaluate, evaluate_sympy, budget)
    first_call = survey.random(lambda points: _first(problem, evaluate, points))
    _look_closer(problem, switches, survey)
    sides = survey.kept
    start = time.perf_counter()
    places = suspicious(sides, budget, problem.seed)
    exact = referee.enclose(sides.points.columns[:, places], problem.deadline)
    places = places[: len(exact.high)]
    seconds = time.perf_counter() - start
    everything = range(len(problem.partials))
    judged = _judged(
        problem, referee_of, sides.points.columns, places, sides.autograd[places], exact, evaluate, everything
    )
    return Evidence(
        problem,
        referee_of,
        sides.points,
        survey.count,
        survey.chunk.size,
        evaluate,
        evaluate_sympy,
        Partials(sides.autograd, survey.cut, survey.unsupported),
        Partials(sides.sympy, unsupported=survey.unsupported_sympy),
        judged,
        _crossed(problem, referee_of, sides.points, judged) if problem.engine == "reverse" else None,
        prepare,
        first_call,
        seconds,
    )


def _look_closer(problem: Problem, switches: Switches | None, survey: Survey) -> None:
    """Add corners and kinks, then the points of a search that starts where the sides differ most."""
    if not problem.corners:
        return
    try:
        survey.add(special(problem, switches))
    except Exception:
        if problem.function is None:
            raise
        return  # a matrix inverse raises where it is singular, and corners are: nobody asked for them
    if all(low == high for low, high in problem.domain):
        return

    def score(columns: Tensor) -> Tensor:
        sides, _ = survey.add(Points(columns, torch.full((columns.shape[1],), int(Kind.SEARCHED))))
        return _gap(sides)

    search(problem, survey.kept.points, _gap(survey.kept), score)


def _first(problem: Problem, evaluate: Evaluate, points: Tensor) -> Partials:
    """The first evaluation. What the user's function does wrong is found here."""
    if problem.function is None:
        return evaluate(points)
    loading.examine(user_function(problem), problem.function_name, list(points))
    try:
        return evaluate(points)
    except DerivcheckError:
        raise
    except Exception as error:
        raise loading.raised(problem.function_name, "raises when it is differentiated", error) from None


def _gap(sides: Sides) -> Tensor:
    """(k,) the largest relative difference over the partials; not finite counts as 0."""
    gap = (sides.autograd.double() - sides.reference).abs() / sides.reference.abs()
    return torch.nan_to_num(gap, nan=0.0, posinf=0.0).amax(1)


def estimates(
    problem: Problem, referee_of: RefereeOf, columns: Tensor, evaluate: Evaluate, chosen: Sequence[int]
) -> list[Estimate]:
    """The noise estimates in order of cost, for judged points (d, k). What is evaluated are the partials `chosen`."""
    dtype = getattr(torch, problem.dtype)

    def values(points: Tensor) -> Tensor:
        return evaluate(placed(problem, points)).values.detach().cpu()

    def distance(points: Tensor, found: Tensor) -> Tensor:
        exact = referee_of(problem.partials, torch.float64).enclose(points)
        return Exact(*(part[:, chosen] for part in (exact.high, exact.low, exact.status))).error(found)

    def perturbed(runs: int, seed: int) -> Estimate:
        def estimate(places: Tensor, error: Tensor) -> Tensor:
            batches = columns[:, places].to(dtype).split(BATCH, 1)
            return torch.cat([noise.perturbation(values, batch, runs, seed) for batch in batches])

        return estimate

    def moved_inputs(places: Tensor, error: Tensor) -> Tensor:
        return noise.of_inputs(values, columns[:, places].to(dtype), noise.MORE_RUNS, problem.seed + 7)

    def scaled(places: Tensor, error: Tensor) -> Tensor:
        return noise.scaling(values, columns[:, places], dtype, error, distance)

    first, more = perturbed(noise.FIRST_RUNS, problem.seed + 5), perturbed(noise.MORE_RUNS, problem.seed + 6)
    return [_if_possible(estimate) for estimate in (first, more, scaled, moved_inputs)]


def _if_possible(estimate: Estimate) -> Estimate:
    """A function that takes one dtype only, or no point beside the domain, raises: the estimate says nothing then."""

    def guarded(places: Tensor, error: Tensor) -> Tensor:
        try:
            return estimate(places, error)
        except DerivcheckError:
            raise
        except Exception:
            return torch.zeros_like(error)

    return guarded


def _judged(
    problem: Problem,
    referee_of: RefereeOf,
    columns: Tensor,
    places: Tensor,
    values: Tensor,
    exact: Exact,
    evaluate: Evaluate,
    chosen: Sequence[int],
    known: Tensor | None = None,
) -> Judged:
    stages = estimates(problem, referee_of, columns[:, places], evaluate, chosen)
    return judge(places, values, exact, getattr(torch, problem.dtype), stages, problem.tolerances, known)


def _crossed(problem: Problem, referee_of: RefereeOf, points: Points, judged: Judged) -> Crossed | None:
    """Take every other sequence of the mixed partials, at the points that came out worst and some more."""
    pairs = [(s, k) for k, alpha in enumerate(problem.partials) for s in multi_index.sequences(alpha)[1:]]
    if not pairs:
        return None
    asked = points.kinds[judged.places] == Kind.SAMPLED
    worst = torch.where(asked, judged.excess.amax(1), -2.0)
    chosen = worst.topk(min(MOST_CROSSED, int(asked.sum()))).indices
    sequences, partials = tuple(s for s, _ in pairs), tuple(k for _, k in pairs)
    evaluate = reverse.along(problem, sequences, reverse.powers_of_two(problem.seed))
    places = judged.places[chosen]
    values = evaluate(on_device(problem, points.columns[:, places]))
    if values.unsupported:
        return None
    rows = judged.exact
    exact = Exact(*(t[chosen][:, list(partials)] for t in (rows.high, rows.low, rows.status)))
    # Another sequence has noise of its own, of the same order: more is estimated only where that does not suffice.
    u = ulp.unit_roundoff(getattr(torch, problem.dtype))
    known = SLACK * judged.noise[chosen][:, list(partials)] + u * exact.high.abs()
    found = _judged(
        problem, referee_of, points.columns, places, values.values.detach(), exact, evaluate, partials, known
    )
    return Crossed(sequences, partials, found)
