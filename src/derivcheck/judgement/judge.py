"""Values against exact ones, with the noise estimated where the rest of the bound does not suffice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from derivcheck.engines.extend import Evaluate
from derivcheck.errors import DerivcheckError
from derivcheck.exact.enclosures import Exact
from derivcheck.exact.referee import RefereeOf
from derivcheck.judgement import noise
from derivcheck.judgement.bound import Estimate, Judged, judge
from derivcheck.sampling.points import placed

if TYPE_CHECKING:
    from derivcheck.problem import Problem

BATCH = 4096  # points perturbed at once, times 16 runs: some 100 MB for a graph of 100 nodes


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


def judged_at(
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
