"""Are the products with vectors that autograd gives at a point within the bound of the exact ones?

    bound = 8·noise + 4u·|exact| + smallest subnormal

as everywhere (`bound`). The noise is how far perturbed runs of the same code are apart, and where that does not suffice
the scatter of the errors at neighbouring points, as far as roundings of every step of the formula may reach.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

import torch
from flint import arb
from torch import Tensor

from derivcheck import ulp
from derivcheck.engines.products import Called, Levels, Vectors
from derivcheck.exact.products import Balls, Products, Undefined
from derivcheck.judgement.bound import FACTOR, ROUNDINGS
from derivcheck.judgement.noise import FIRST_RUNS, MORE_RUNS, several, spread
from derivcheck.judgement.perturbed import Perturbed
from derivcheck.judgement.scatter import COPIES, FEWEST, SHARED, steps


class Wrong(NamedTuple):
    """A number that is not within its bound."""

    order: int
    place: int
    """Among the numbers of that order."""
    value: float
    exact: float
    bound: float
    scale: float
    """The largest |exact| of that order."""

    @property
    def excess(self) -> float:
        error = abs(self.value - self.exact)
        return error / self.bound if error == error else float("inf")


@dataclass(frozen=True)
class Comparison:
    """Autograd and the exact numbers at one point x (d,), with one pair of vectors."""

    called: Called
    products: Products
    x: Tensor
    vectors: Vectors
    order: int
    differentiable: Tensor
    """(m,) whether an output is differentiated at all; derivatives by the cotangents of the others mean nothing."""
    seed: int = 0

    def wrong(self) -> list[Wrong]:
        """The numbers that are not within the bound, after every estimate of the noise has been made that may help."""
        levels, exact = self.values(self.x), self._flat(self.exact(self.x))
        values, ends = torch.cat(levels), list(accumulate(map(len, levels)))
        error, size = self._errors(values, exact), exact.high.abs()
        floor = ROUNDINGS * ulp.unit_roundoff(self.called.dtype) * size + ulp.smallest_subnormal(self.called.dtype)
        noise = torch.zeros_like(size)
        for runs in (FIRST_RUNS, MORE_RUNS, 0):
            if bool(self._fails(error, noise, floor, exact).any()):
                estimate = self._perturbed(runs) if runs else self._scattered()
                noise = torch.maximum(noise, estimate)
        fails = self._fails(error, noise, floor, exact)
        bound = FACTOR * noise + floor
        return [_wrong(k, [0, *ends], values, exact.high, bound) for k in fails.nonzero().flatten().tolist()]

    def values(self, x: Tensor) -> Levels:
        """By autograd."""
        return self.called.levels(x, self.vectors, self.order)

    def exact(self, x: Tensor) -> Balls:
        levels = self.products.at(x.tolist(), self.vectors.v.tolist(), self.vectors.w.tolist())[: self.order + 1]
        asked = [*[True] * len(x), *self.differentiable.tolist()]
        return [
            [ball if asks else None for ball, asks in zip(level, asked, strict=True)] if order > 1 else level
            for order, level in enumerate(levels)
        ]

    def _flat(self, balls: Balls) -> _Exact:
        flat = [ball for level in balls for ball in level]
        high = torch.tensor([float("nan") if ball is None else float(ball) for ball in flat], dtype=torch.float64)
        return _Exact(flat, high)

    def _errors(self, values: Tensor, exact: _Exact) -> Tensor:
        """|value - exact|, correctly rounded; NaN of a value that is none."""
        pairs = zip(values.tolist(), exact.balls, strict=True)
        return torch.tensor([0.0 if ball is None else float(abs(ball - value)) for value, ball in pairs]).double()

    def _fails(self, error: Tensor, noise: Tensor, floor: Tensor, exact: _Exact) -> Tensor:
        beyond = exact.high.abs() > torch.finfo(self.called.dtype).max
        return ~torch.isnan(exact.high) & ~beyond & ~(error <= FACTOR * noise + floor)

    def _perturbed(self, runs: int) -> Tensor:
        """The smaller of what perturbations of one rounding and of several say."""
        return torch.minimum(*(self._spread(size, runs) for size in (1, several(self.called.dtype))))

    @cached_property
    def _decisions(self) -> list[Tensor]:
        """Of the plain run."""
        with Perturbed(self.seed, self.called.dtype, 0) as plain:
            self.values(self.x)
        decisions: list[Tensor] = plain.decisions
        return decisions

    def _spread(self, size: int, runs: int) -> Tensor:
        """Those runs say nothing that decide otherwise than the plain one."""
        found, alike = [], []
        for run in range(runs):
            with Perturbed(self.seed + 1000 * run, self.called.dtype, size) as moved:
                found.append(torch.cat(self.values(self.x)))
            alike.append(_same(self._decisions, moved.decisions))
        kept = [values for values, same in zip(found, alike, strict=True) if same]
        return spread(torch.stack(kept if len(kept) >= FEWEST else found))

    def _scattered(self) -> Tensor:
        """The scatter of the errors at moved points, each against its own exact numbers, as far as roundings may reach.
        In half precision, where moved points are too far apart, that reach alone: what it excuses, float64 shows."""
        x, vectors = self.x.tolist(), (self.vectors.v.tolist(), self.vectors.w.tolist())
        reach = self.products.reach(x, *vectors)[: self.order + 1]
        most = torch.cat([torch.tensor(level, dtype=torch.float64) for level in reach]).nan_to_num(nan=torch.inf)
        # The formula may have collected exactly what the code rounds, as v*y - (v*y)*y, all of which cancels at y = 1.
        scales = [v.new_full(v.shape, max(_largest(v), _largest(self.vectors.v))) for v in self.values(self.x)]
        most = torch.maximum(most, ulp.unit_roundoff(self.called.dtype) * torch.cat(scales))
        found = [self._scatter(step, together=k == 0) for k, step in enumerate(steps(self.called.dtype))]
        return torch.minimum(torch.stack(found).amax(0), SHARED * most) if found else most

    def _scatter(self, step: float, *, together: bool) -> Tensor:
        """(m,) how far the errors are apart at inputs, cotangents and directions that are all moved: the backward of a
        linear function does not depend on its inputs. `together` moves all inputs as far as the largest."""
        random, errors = torch.Generator().manual_seed(self.seed), []

        def moved(numbers: Tensor, size: Tensor) -> Tensor:
            r = torch.rand(numbers.shape, generator=random, dtype=torch.float64) * 2 - 1
            return (numbers + step * size * r).to(self.called.dtype).double()

        size = self.x.abs().amax().expand_as(self.x) if together and len(self.x) else self.x.abs()
        for _ in range(COPIES):
            v, w = (moved(numbers, numbers.abs()) for numbers in self.vectors)
            with suppress(Undefined):
                errors.append(replace(self, x=moved(self.x, size), vectors=Vectors(v, w))._signed_errors())
        return spread(torch.stack(errors), FEWEST) if errors else torch.zeros(1)

    def _signed_errors(self) -> Tensor:
        pairs = zip(torch.cat(self.values(self.x)).tolist(), self._flat(self.exact(self.x)).balls, strict=True)
        return torch.tensor([math.nan if ball is None else float(ball - value) for value, ball in pairs]).double()


def _wrong(k: int, ends: Sequence[int], values: Tensor, exact: Tensor, bound: Tensor) -> Wrong:
    order = bisect_right(ends, k) - 1
    scale = _largest(exact[ends[order] : ends[order + 1]])
    return Wrong(order, k - ends[order], float(values[k]), float(exact[k]), float(bound[k]), scale)


def _largest(values: Tensor) -> float:
    """The largest finite magnitude; 0 of nothing."""
    return float(values.abs().nan_to_num(0.0, 0.0, 0.0).amax()) if len(values) else 0.0


class _Exact(NamedTuple):
    balls: list[arb | None]
    high: Tensor
    """float64 (m,), NaN where there is none."""


def _same(first: list[Tensor], second: list[Tensor]) -> bool:
    if [d.shape for d in first] != [d.shape for d in second]:
        return False
    return all(bool(torch.equal(a, b)) for a, b in zip(first, second, strict=True))
