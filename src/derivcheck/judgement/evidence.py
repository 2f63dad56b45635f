"""Everything that is computed about one problem before anything is judged: points, both sides, exact values, bounds.

The order matters. All points are computed by both sides first, so that those where the sides differ most are known
before the referee, who is slow, chooses where to look.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from torch import Tensor

from derivcheck.engines.examination import first_evaluation
from derivcheck.engines.registry import engine
from derivcheck.engines.state import keeping
from derivcheck.engines.timing import once, require_time
from derivcheck.errors import Unsupported
from derivcheck.exact.enclosures import Exact
from derivcheck.exact.referees import Referees
from derivcheck.judgement.bound import Judged
from derivcheck.judgement.crossing import Crossed, crossed
from derivcheck.judgement.isolation import clear, sharpened
from derivcheck.judgement.judge import Judge
from derivcheck.judgement.protocol import Examination, Failure, examination
from derivcheck.judgement.sensitivity import POINTS, sample, sensitivities
from derivcheck.judgement.suggestion import defined_domain
from derivcheck.results import Sensitivity
from derivcheck.sampling.survey import Sides, Survey, look_closer, suspicious

if TYPE_CHECKING:
    from derivcheck.problem import Problem
    from derivcheck.symbolic.kinks import Switches

# Ball operations that the referee may spend on one check: 0.2 to 0.3 s, a quarter of what importing torch takes.
# A count and not a time, so that the same seed gives the same verdicts on every machine.
WORK = 200_000
# Seconds, ten times what that work takes: some functions, such as lowergamma at -1000, take flint a second per point.
LONGEST_REFEREE = 3.0
OVERHEAD = 15  # ball operations that one point costs besides its nodes (measured: 20 us per point, 1.3 us per node)
FEWEST = 200  # points refereed however large the graph


@dataclass(frozen=True)
class Evidence:
    """m partials of one problem by one engine."""

    problem: Problem
    judge: Judge
    """Of the engine, prepared."""
    sides: Sides
    """Both sides at the points that were kept, of `checked`."""
    places: Tensor
    """(k,) int64: which of the kept points are judged."""
    judged: Judged
    measured: Tensor
    """(p,) rows of `judged` whose noise was estimated whether it was needed or not."""
    crossed: Crossed | None
    sensitivity: Sequence[Sensitivity]
    """Per partial, what a pass would have seen."""
    cut: frozenset[int]
    """Partials that are 0 because autograd found no graph."""
    unsupported: Mapping[int, str]
    """Partials that the engine could not compute, with the reason."""
    unsupported_sympy: Mapping[int, str]
    checked: int
    chunk: int
    """Points evaluated at once."""
    prepare_seconds: float
    referee_seconds: float

    @cached_property
    def _examination(self) -> Examination | None:
        return examination(self.judge, self.judged, self.measured)

    def protocol(self, k: int) -> Failure | None:
        """A way of calling the function and its backward that is wrong for partial k where the plain call is right."""
        return self._examination.failure(k) if self._examination else None

    @cached_property
    def better_domain(self) -> str:
        """Options for a domain on which all partials are finite, empty where none was found."""
        try:
            return defined_domain(lambda points: self.judge.evaluate_sympy(points).values, self.problem.variables)
        except Unsupported:  # on a domain that was tried
            return ""


def collect(problem: Problem, referees: Referees, switches: Switches | None) -> Evidence:
    """Compute both sides everywhere and the exact values where they matter. `switches` change sign at the kinks."""
    (evaluate, evaluate_sympy), prepare = once(lambda: (engine(problem.engine)(problem), engine("symbolic")(problem)))
    evaluate = keeping(evaluate)  # the backward of a user's function runs there
    require_time(problem.deadline, "the preparation of both sides")
    judge = Judge(problem, evaluate, evaluate_sympy, referees, tuple(range(len(problem.partials))))
    budget = _budget(judge)
    survey = Survey(problem, evaluate, evaluate_sympy, budget)
    survey.random(lambda points: first_evaluation(problem, evaluate, points))
    look_closer(problem, switches, survey)
    (exact, places), seconds = once(lambda: _refereed(judge, survey.kept, budget))
    chosen = survey.kept.at(places)
    measured = sample(chosen.points, problem.seed)
    judged = judge.of(chosen.points, chosen.autograd, exact, measured=measured)
    evidence = Evidence(
        problem,
        judge,
        survey.kept,
        places,
        judged,
        measured,
        crossed(judge, judged),
        sensitivities(judged, measured[:POINTS], judge.dtype),
        survey.cut,
        survey.unsupported,
        survey.unsupported_sympy,
        survey.count,
        survey.chunk.size,
        prepare,
        seconds,
    )
    return clear(sharpened(evidence))


def _budget(judge: Judge) -> int:
    """How many points the referee can look at."""
    cost = judge.referees.of(judge.problem.partials, judge.dtype).cost
    return max(FEWEST, WORK // (cost + OVERHEAD))


def _refereed(judge: Judge, sides: Sides, budget: int) -> tuple[Exact, Tensor]:
    """Exact values where the referee should look, and where that is; fewer where time runs out."""
    problem = judge.problem
    places = suspicious(sides, budget, problem.seed)
    latest = time.monotonic() + LONGEST_REFEREE
    deadline = latest if problem.deadline is None else min(problem.deadline, latest)
    exact = judge.exact(sides.points.columns[:, places], deadline)
    return exact, places[: len(exact.high)]
