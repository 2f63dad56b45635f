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
from derivcheck.exact.enclosures import Exact, Status
from derivcheck.exact.referee import Referees
from derivcheck.judgement import noise
from derivcheck.judgement.bound import Estimate, Judged, judge
from derivcheck.sampling.points import Kind, Points, ends, into, placed

if TYPE_CHECKING:
    from derivcheck.problem import Problem

BATCH = 4096  # points perturbed at once, times 16 runs: some 100 MB for a graph of 100 nodes
COPIED = 64  # points whose copies are refereed at a time
FEWEST = 3  # copies that must have an error for their scatter to say anything


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
        estimates, tolerances = self._estimates(points.columns), self.problem.tolerances
        return judge(points, values, exact, self.dtype, estimates, tolerances, known, extreme(self.problem, points))

    def along(self, sequences: Sequence[tuple[int, ...]], cotangent: reverse.Cotangent | None = None) -> Judge:
        """A judge of reverse mode along these sequences of differentiations, one column per sequence."""
        cotangent = cotangent or reverse.powers_of_two(self.problem.seed)
        multi_indices = [tuple(s.count(j) for j in range(len(self.problem.variables))) for s in sequences]
        columns = tuple(self.problem.partials.index(alpha) for alpha in multi_indices)
        return replace(self, evaluate=reverse.along(self.problem, sequences, cotangent), columns=columns)

    def noise(self, points: Tensor, runs: int = noise.FIRST_RUNS, seed: int = 5) -> Tensor:
        """The noise by perturbation, (k, c); 0 where the function cannot be called so."""
        batches = points.to(self.dtype).split(BATCH, 1)
        return torch.cat([noise.perturbation(self._guarded, b, runs, self.problem.seed + seed) for b in batches])

    def _estimates(self, points: Tensor) -> list[Estimate]:
        """The noise estimates at these points, in order of cost."""

        def scatter(step: float) -> Estimate:
            return Estimate(lambda places: self._scatter(points[:, places], step), COPIED)

        return [
            Estimate(lambda places: self.noise(points[:, places])),
            Estimate(lambda places: self.noise(points[:, places], noise.MORE_RUNS, seed=6)),
            *map(scatter, noise.steps(self.dtype)),
        ]

    def _scatter(self, points: Tensor, step: float) -> Tensor:
        """How far the errors at copies of the points are apart, each against its own exact value. A set of copies is
        evaluated at a time: every copy of a point then has the same cotangents."""
        copies = [into(self.problem, c) for c in noise.copies(points, step, self.problem.seed + 7)]
        low, high = ends(self.problem)
        fixed = (low == high) | (points == 0)  # by the domain, or because a move is relative
        return noise.spread(torch.stack([self._error(c, ((c != points) | fixed).all(0)) for c in copies]), FEWEST)

    def _error(self, points: Tensor, moved: Tensor) -> Tensor:
        """Signed errors (k, c), NaN where there is none or where the point is not `moved` (k,) in all that can
        move: an error that comes from one coordinate must not be taken for scatter."""
        exact = self.exact(points)
        error = exact.signed_error(self._guarded(points.to(self.dtype)))
        return error.masked_fill(~(moved.unsqueeze(1) & (exact.status == Status.SETTLED)), torch.nan)

    def _guarded(self, points: Tensor) -> Tensor:
        """What the engine gives; NaN, which says nothing, where the function takes no points but those it was given."""
        try:
            return self.values(points)
        except DerivcheckError:
            raise
        except Exception:
            return torch.full((points.shape[1], len(self.columns)), torch.nan)


def extreme(problem: Problem, points: Points) -> Tensor:
    """(k,) bool: points that we added where a coordinate is so small that its square underflows, in a domain that has
    numbers of ordinary size: nobody who gave that domain means them."""
    least: float = torch.finfo(getattr(torch, problem.dtype)).tiny ** 0.5
    if problem.dtype == "float16":
        least = torch.finfo(torch.float16).tiny  # its square root, 1/128, is an everyday number
    size, (low, high) = points.columns.abs(), (end.abs() for end in ends(problem))
    tiny = (size > 0) & (size < least) & (torch.maximum(low, high) >= least)
    return torch.logical_and(points.kinds != Kind.SAMPLED, tiny.any(0))
