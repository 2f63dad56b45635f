"""Are the products with vectors that autograd gives at a point within the bound of the exact ones?

    bound = 8·noise + 4u·|exact| + smallest subnormal

as everywhere (`bound`). The noise is how far perturbed runs of the same code are apart, and where that does not suffice
the scatter of the errors at neighbouring points, as far as roundings of every step of the formula may reach.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
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
from derivcheck.judgement.noise import FIRST_RUNS, LARGE_MOST, LARGE_SIZE, MORE_RUNS, Perturbed, spread
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
        return self.products.at(x.tolist(), self.vectors.v.tolist(), self.vectors.w.tolist())[: self.order + 1]

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
        u = ulp.unit_roundoff(self.called.dtype)
        sizes = (1, min(LARGE_SIZE, int(LARGE_MOST / (2 * u))))
        return torch.minimum(*(self._spread(size, runs) for size in sizes))

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
        """The scatter of the errors at moved inputs, each against its own exact numbers, as far as roundings may reach.
        In half precision, where moved inputs are too far apart, that reach alone: what it excuses, float64 shows."""
        x, vectors = self.x.tolist(), (self.vectors.v.tolist(), self.vectors.w.tolist())
        levels = self.products.reach(x, *vectors)[: self.order + 1]
        reach = torch.tensor([number for level in levels for number in level], dtype=torch.float64)
        most = reach.nan_to_num(nan=torch.inf)
        found = [self._scatter(move) for move in self._moves()]
        return torch.minimum(torch.stack(found).amax(0), SHARED * most) if found else most

    def _moves(self) -> list[Tensor]:
        size = self.x.abs()
        return [
            step * (size.amax().expand_as(size) if first else size)
            for first, step in zip((True, False), steps(self.called.dtype), strict=False)
        ]

    def _scatter(self, reach: Tensor) -> Tensor:
        random, errors = torch.Generator().manual_seed(self.seed), []
        for _ in range(COPIES):
            r = torch.rand(self.x.shape, generator=random, dtype=torch.float64) * 2 - 1
            moved = (self.x + reach * r).to(self.called.dtype).double()
            try:
                exact = self._flat(self.exact(moved))
            except Undefined:
                continue
            values = torch.cat(self.values(moved)).tolist()
            signed = [float("nan") if b is None else float(b - a) for a, b in zip(values, exact.balls, strict=True)]
            errors.append(torch.tensor(signed, dtype=torch.float64))
        return spread(torch.stack(errors), FEWEST) if errors else torch.zeros(1)


def _wrong(k: int, ends: Sequence[int], values: Tensor, exact: Tensor, bound: Tensor) -> Wrong:
    order = bisect_right(ends, k) - 1
    scale = exact[ends[order] : ends[order + 1]].nan_to_num().abs().amax()
    return Wrong(order, k - ends[order], *(float(number) for number in (values[k], exact[k], bound[k], scale)))


class _Exact(NamedTuple):
    balls: list[arb | None]
    high: Tensor
    """float64 (m,), NaN where there is none."""


def _same(first: list[Tensor], second: list[Tensor]) -> bool:
    if [d.shape for d in first] != [d.shape for d in second]:
        return False
    return all(bool(torch.equal(a, b)) for a, b in zip(first, second, strict=True))
