"""One engine's values of a problem against the exact ones, at any points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from derivcheck import multi_index, ulp
from derivcheck.engines import reverse
from derivcheck.engines.calling import call, dtype_of, leaves, point_function
from derivcheck.engines.extend import Evaluate, Partials
from derivcheck.engines.streams import Stream, seed_of
from derivcheck.errors import DerivcheckError
from derivcheck.exact.enclosures import Exact, Status
from derivcheck.exact.referees import Referees
from derivcheck.judgement import noise
from derivcheck.judgement.bound import Estimate, Judged, judge
from derivcheck.judgement.scatter import cancelled, scatter, steep, steps
from derivcheck.sampling.points import Kind, Points, ends, on_device, placed
from derivcheck.tracing.stance import eager

if TYPE_CHECKING:
    from derivcheck.problem import Problem

BATCH = 4096  # points perturbed at once, times 16 runs: some 100 MB for a graph of 100 nodes

COPIED = 64  # points whose copies are refereed at a time: some 1500 points


@dataclass(frozen=True)
class Judge:
    """Judges what `evaluate` computes. Points are (d, k); values, errors and bounds (k, c), on the CPU."""

    problem: Problem
    evaluate: Evaluate
    evaluate_sympy: Evaluate
    """The lowered formulas of all partials, every operation visible."""
    referees: Referees
    columns: tuple[int, ...]
    """Column c of what is evaluated is the partial `problem.partials[columns[c]]`."""

    @cached_property
    def dtype(self) -> torch.dtype:
        """The dtype that is judged."""
        return dtype_of(self.problem)

    def values(self, points: Tensor) -> Tensor:
        """What the engine gives, in the dtype of the points."""
        return self.evaluate(placed(self.problem, points)).values.detach().cpu()

    def exact(self, points: Tensor, deadline: float | None = None) -> Exact:
        """Enclosures precise enough to judge the dtype, at fewer points where the deadline passes. A removable
        singularity counts where the function gives a number."""
        exact = self.referees.of(self.problem.partials, self.dtype).enclose(points, deadline)
        removable = (exact.status == Status.REMOVABLE).any(1)
        if bool(removable.any()):
            removable[removable.clone()] = self._is_number(points[:, : len(removable)][:, removable])
            exact = exact.resolved(removable)
        return exact.at(slice(None), self.columns)

    def _is_number(self, points: Tensor) -> Tensor:
        """(k,) bool: whether the function, without derivatives, is finite at points (d, k)."""
        columns = leaves(on_device(self.problem, points))
        return torch.isfinite(call(point_function(self.problem), *columns).detach().cpu())

    def at(self, points: Tensor) -> Judged:
        """Judged at further points, exactly representable in the dtype."""
        kinds = torch.full((points.shape[1],), int(Kind.SEARCHED))
        return self.of(Points(points, kinds), self.values(points.to(self.dtype)), self.exact(points))

    def of(
        self,
        points: Points,
        values: Tensor,
        exact: Exact,
        known: Tensor | None = None,
        measured: Tensor | None = None,
    ) -> Judged:
        """Judged from values that are there already. `known` (k, c) is noise that is known already; at the places
        `measured` the noise is estimated though it is not needed."""
        estimates, extreme = self._estimates(points.columns), self._extreme(points)
        tolerances = self.problem.tolerances
        judged = judge(points, values, exact, self.dtype, estimates, tolerances, known, extreme, measured)
        return judged.without(self._singular(judged))

    def _singular(self, judged: Judged) -> Tensor:
        """(k, c) bool: what fails with a singularity nearby. An error too small to be seen is judged all the same: if
        it is isolated, it is a warning."""
        small = judged.error <= ulp.unit_roundoff(self.dtype) * judged.usual
        return self.singular(judged, (judged.fails | judged.remarked) & ~small)

    def singular(self, judged: Judged, failing: Tensor) -> Tensor:
        """(k, c) bool: what is `failing` with a singularity of the exact partial within one rounding of the point; or
        while one lies within the roundings of the formula, where noise is not proportional to them, unless the
        computation has so little noise that it keeps clear of the singularity."""
        nearly = failing & (judged.excess <= ulp.unit_roundoff(self.dtype) ** -0.5)
        return self._singular_at(judged, failing, False) | self._singular_at(judged, nearly, True)

    def _singular_at(self, judged: Judged, failing: Tensor, every: bool) -> Tensor:
        rows, found = failing.any(1).nonzero().squeeze(1), torch.zeros_like(failing)
        if len(rows):
            referee = self.referees.of(self.problem.partials, self.dtype)
            found[rows] = referee.singular(judged.points.columns[:, rows], every)[:, list(self.columns)]
        return found & failing

    def along(self, sequences: Sequence[tuple[int, ...]], cotangent: reverse.Cotangent | None = None) -> Judge:
        """A judge of reverse mode along these sequences of differentiations, one column per sequence."""
        cotangent = cotangent or reverse.powers_of_two(self.problem.seed)
        multi_indices = [tuple(s.count(j) for j in range(len(self.problem.variables))) for s in sequences]
        columns = tuple(self.problem.partials.index(alpha) for alpha in multi_indices)
        return replace(self, evaluate=reverse.along(self.problem, sequences, cotangent), columns=columns)

    def alone(self, k: int) -> Judge:
        """A judge of partial k, one column. Reverse mode computes no other then: of order 3 in three variables, one
        takes a sixth of the time of all."""
        if self.problem.engine == "reverse":
            return self.along([multi_index.canonical(self.problem.partials[k])])
        return replace(self, evaluate=lambda points: Partials(self.evaluate(points).values[:, [k]]), columns=(k,))

    def noise(self, points: Tensor) -> Tensor:
        """The noise by few perturbations, (k, c); 0 where the function cannot be called so."""
        seed, batches = seed_of(Stream.FIRST_NOISE, self.problem.seed), points.to(self.dtype).split(BATCH, 1)
        return torch.cat([noise.perturbation(self.attempted, batch, noise.FIRST_RUNS, seed) for batch in batches])

    def _extreme(self, points: Points) -> Tensor:
        """(k, c) bool: points that we added where a coordinate is so small that the powers of it which a derivative of
        this order is made of underflow, in a domain that has numbers of ordinary size: nobody means them."""
        tiny = torch.finfo(self.dtype).tiny
        orders = [sum(self.problem.partials[column]) for column in self.columns]
        # The root of float16's, 1/128, is an everyday number.
        least = [tiny if self.dtype == torch.float16 else tiny ** (1 / max(2, k + 1)) for k in orders]
        low, high = (end.abs() for end in ends(self.problem))
        size, largest = points.columns.abs().unsqueeze(2), torch.maximum(low, high).unsqueeze(2)
        bound = torch.tensor(least, dtype=torch.float64)
        small = ((size > 0) & (size < bound) & (largest >= bound)).any(0)
        return small & (points.kinds != Kind.SAMPLED).unsqueeze(1)

    def _estimates(self, points: Tensor) -> list[Estimate]:
        """The noise estimates at these points, in order of cost."""
        return [
            Estimate(lambda places: self.noise(points[:, places])),
            Estimate(lambda places: torch.cat([steep(self, batch) for batch in points[:, places].split(BATCH, 1)])),
            *([Estimate(lambda places: scatter(self, points[:, places]), COPIED)] if steps(self.dtype) else []),
            *([Estimate(lambda places: cancelled(self, points[:, places]), COPIED)] if self._has_twin else []),
        ]

    @property
    def _has_twin(self) -> bool:
        """Whether the same code can run in more precision: MPS has no float64."""
        return self.dtype != torch.float64 and not self.problem.device.startswith("mps")

    def attempted(self, points: Tensor) -> Tensor:
        """What the engine gives; NaN, which says nothing, where the function takes no points but those it was given."""
        try:
            with eager():  # all runs of an estimate take the same path, and no mode meets torch.compile
                return self.values(points)
        except DerivcheckError:
            raise
        except Exception:
            return torch.full((points.shape[1], len(self.columns)), torch.nan)
