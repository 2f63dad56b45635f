"""Everything that is computed about one problem before anything is judged: points, both sides, exact values, bounds.

The order matters. All points are computed by both sides first, so that those where the sides differ most are known
before the referee, who is slow, chooses where to look.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from derivcheck.engines.examination import first_evaluation
from derivcheck.engines.extend import Evaluate, Partials
from derivcheck.engines.registry import engine
from derivcheck.engines.timing import once
from derivcheck.exact.referee import RefereeOf
from derivcheck.judgement.bound import Judged
from derivcheck.judgement.crossing import Crossed, crossed
from derivcheck.judgement.judge import judged_at
from derivcheck.judgement.suggestion import defined_domain
from derivcheck.sampling.points import Points, on_device
from derivcheck.sampling.survey import Survey, look_closer, suspicious

if TYPE_CHECKING:
    from derivcheck.problem import Problem
    from derivcheck.symbolic.kinks import Switches

# Ball operations that the referee may spend on one check: 0.2 to 0.3 s, a quarter of what importing torch takes.
# A count and not a time, so that the same seed gives the same verdicts on every machine.
WORK = 200_000
OVERHEAD = 15  # ball operations that one point costs besides its nodes (measured: 20 us a point, 1.3 us a node)
FEWEST = 200  # points refereed however large the graph


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
        return judged_at(self.problem, self.referee, columns, places, values, exact, self.evaluate, everything)


def collect(problem: Problem, referee_of: RefereeOf, switches: Switches | None) -> Evidence:
    """Compute both sides everywhere and the exact values where they matter. `switches` change sign at the kinks."""
    (evaluate, evaluate_sympy), prepare = once(lambda: (engine(problem.engine)(problem), engine("symbolic")(problem)))
    referee = referee_of(problem.partials, getattr(torch, problem.dtype))
    budget = max(FEWEST, WORK // (referee.cost + OVERHEAD))
    survey = Survey(problem, evaluate, evaluate_sympy, budget)
    survey.random(lambda points: first_evaluation(problem, evaluate, points))
    look_closer(problem, switches, survey)
    sides = survey.kept
    start = time.perf_counter()
    places = suspicious(sides, budget, problem.seed)
    exact = referee.enclose(sides.points.columns[:, places], problem.deadline)
    places = places[: len(exact.high)]
    seconds = time.perf_counter() - start
    everything = range(len(problem.partials))
    judged = judged_at(
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
        crossed(problem, referee_of, sides.points, judged) if problem.engine == "reverse" else None,
        prepare,
        seconds,
    )
