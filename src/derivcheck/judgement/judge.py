"""One engine's values of a problem against the exact ones, at any points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from derivcheck.engines import reverse
from derivcheck.engines.extend import Evaluate
from derivcheck.errors import DerivcheckError
from derivcheck.exact.enclosures import Exact
from derivcheck.exact.referee import Referees
from derivcheck.judgement import noise
from derivcheck.judgement.bound import Estimate, Judged, judge
from derivcheck.judgement.operations import eager
from derivcheck.sampling.points import Kind, Points, placed

if TYPE_CHECKING:
    from derivcheck.problem import Problem

BATCH = 4096  # points perturbed at once, times 16 runs: some 100 MB for a graph of 100 nodes


@dataclass(frozen=True)
class Judge:
    """Judges what `evaluate` computes. Points are (d, k); values, errors and bounds (k, c), on the CPU."""

    problem: Problem
    evaluate: Evaluate
    referees: Referees
    columns: tuple[int, ...]
    """Column c of what is evaluated is the partial `problem.partials[columns[c]]`."""

    @cached_property
    def dtype(self) -> torch.dtype:
        """The dtype that is judged."""
        dtype: torch.dtype = getattr(torch, self.problem.dtype)
        return dtype

    def values(self, points: Tensor) -> Tensor:
        """What the engine gives, in the dtype of the points."""
        return self.evaluate(placed(self.problem, points)).values.detach().cpu()

    def exact(self, points: Tensor, dtype: torch.dtype | None = None) -> Exact:
        """Enclosures, precise enough to judge the dtype, by default that of the problem."""
        return (
            self.referees.of(self.problem.partials, dtype or self.dtype).enclose(points).at(slice(None), self.columns)
        )

    def at(self, points: Tensor) -> Judged:
        """Judged at further points, exactly representable in the dtype."""
        kinds = torch.full((points.shape[1],), int(Kind.SEARCHED))
        return self.of(Points(points, kinds), self.values(points.to(self.dtype)), self.exact(points))

    def of(self, points: Points, values: Tensor, exact: Exact, known: Tensor | None = None) -> Judged:
        """Judged from values that are there already. `known` (k, c) is noise that is known already."""
        return judge(points, values, exact, self.dtype, self._estimates(points.columns), self.problem.tolerances, known)

    def along(self, sequences: Sequence[tuple[int, ...]], cotangent: reverse.Cotangent | None = None) -> Judge:
        """A judge of reverse mode along these sequences of differentiations, one column per sequence."""
        cotangent = cotangent or reverse.powers_of_two(self.problem.seed)
        multi_indices = [tuple(s.count(j) for j in range(len(self.problem.variables))) for s in sequences]
        columns = tuple(self.problem.partials.index(alpha) for alpha in multi_indices)
        return replace(self, evaluate=reverse.along(self.problem, sequences, cotangent), columns=columns)

    def _estimates(self, points: Tensor) -> list[Estimate]:
        """The noise estimates at these points, in order of cost."""
        seed, first, more = self.problem.seed, noise.FIRST_RUNS, noise.MORE_RUNS

        def perturbed(runs: int, seed: int) -> Estimate:
            def estimate(places: Tensor, error: Tensor) -> Tensor:
                batches = points[:, places].to(self.dtype).split(BATCH, 1)
                return torch.cat([noise.perturbation(self.values, batch, runs, seed) for batch in batches])

            return estimate

        def scaled(places: Tensor, error: Tensor) -> Tensor:
            return noise.scaling(self.values, points[:, places], self.dtype, error, self._distance)

        def moved_inputs(places: Tensor, error: Tensor) -> Tensor:
            return noise.of_inputs(self.values, points[:, places].to(self.dtype), more, seed + 7)

        stages = perturbed(first, seed + 5), perturbed(more, seed + 6), scaled, moved_inputs
        return [_if_possible(estimate) for estimate in stages]

    def _distance(self, points: Tensor, values: Tensor) -> Tensor:
        """|values - exact| for float64 values at float64 points."""
        return self.exact(points, torch.float64).error(values)


def _if_possible(estimate: Estimate) -> Estimate:
    """A function that takes one dtype only, or no point beside the domain, raises: the estimate says nothing then."""

    def guarded(places: Tensor, error: Tensor) -> Tensor:
        try:
            with eager():  # all runs of an estimate take the same path, and no mode meets torch.compile
                return estimate(places, error)
        except DerivcheckError:
            raise
        except Exception:
            return torch.zeros_like(error)

    return guarded
