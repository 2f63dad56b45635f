"""How the function and its backward are called must not matter: every way of calling, at a few points.

The plain call was right there. Another way is wrong where its values are beyond the bound of the verdict, against the
exact values that are known already. A few roundings more are allowed, which a cotangent of full mantissa costs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

import torch
from torch import Tensor

from derivcheck.engines.streams import Stream, generator, seed_of
from derivcheck.judgement.bound import FACTOR, Judged
from derivcheck.judgement.crossing import SLACK
from derivcheck.judgement.judge import Judge
from derivcheck.judgement.noise import MORE_RUNS, perturbation
from derivcheck.judgement.protocol_calls import Called, Function, call, function_of_inputs
from derivcheck.judgement.protocol_ways import PLAIN, POINTS, Way, ways
from derivcheck.judgement.watch import watch
from derivcheck.sampling.points import Kind, Points, on_device
from derivcheck.ulp import smallest_subnormal, unit_roundoff

WORST = 8  # of the points: those with the largest errors; the others are drawn at random
MOST = 4096  # points at once for a function that takes no other number of them than that of the check
LOOKED_AT = 16  # failing points of one way that are looked into one by one, for noise of its own and for overflow


class Failure(NamedTuple):
    """A way of calling that gives another derivative."""

    message: str
    at: int
    """The row of `judged` that shows it."""
    judged: Judged
    """What this way gave; what the plain call gave if this way fails without giving another number."""
    needs_batch: bool
    """Whether it takes several different points to show it."""


class _Tried(NamedTuple):
    """One way at n points; `rows` (n,) says which judged points they are."""

    way: Way
    rows: Tensor
    called: Called


def examination(judge: Judge, judged: Judged, measured: Tensor) -> Examination | None:
    """All ways of calling a user's function in reverse mode; None for what is not one: torch's own is trusted."""
    problem = judge.problem
    return None if problem.function is None or problem.engine != "reverse" else Examination(judge, judged, measured)


@dataclass(frozen=True)
class Examination:
    """All ways of calling at some rows of `judged`, which was called plainly."""

    judge: Judge
    judged: Judged
    measured: Tensor
    """Rows whose noise is known whether it was needed or not."""
    alone: int | None = None
    """The only row to look at."""
    batches: dict[tuple[int, bool], tuple[Tensor, Tensor]] = field(default_factory=dict)
    """By count, and whether it is one point: the rows and the points on the device."""

    @cached_property
    def function(self) -> Function:
        return function_of_inputs(self.judge.problem)

    @cached_property
    def right(self) -> Tensor:
        """(k, m) bool: judged, and within the bound."""
        return self.judged.counted & ~self.judged.fails & torch.isfinite(self.judged.bound)

    @cached_property
    def rows(self) -> Tensor:
        """The worst sampled points and random ones, at most `POINTS`, where some partial is right: first of all those
        whose noise is known.

        The points that we added are of extreme magnitude: a larger cotangent alone makes them leave the range.
        """
        if self.alone is not None:
            return torch.tensor([self.alone])
        usable = self.right.any(1) & (self.judged.points.kinds == Kind.SAMPLED)
        rows, lost = usable.nonzero().squeeze(1), (self.judged.error / self.judged.exact.high.abs()).nan_to_num(0.0)
        worst = rows[torch.where(self.right, lost, 0.0)[rows].amax(1).topk(min(WORST, len(rows))).indices]
        random = generator(Stream.PROTOCOL, self.judge.problem.seed)
        others = torch.cat([self.measured[usable[self.measured]], rows[torch.randperm(len(rows), generator=random)]])
        return torch.cat([worst, others[: POINTS - len(worst)]])

    @cached_property
    def tried(self) -> list[_Tried]:
        """All ways, the plain one first; at the number of points of the check if the function takes no other."""
        counts = (POINTS, min(self.judge.problem.points, MOST)) if len(self.rows) else ()
        plain, count = next(((t, n) for n in counts if (t := self.call(PLAIN, n))), (None, 0))
        if plain is None:
            return []
        deadline, found = self.judge.problem.deadline, [plain]
        for way in ways(self.judge.problem):
            if deadline is not None and time.monotonic() > deadline:
                break
            found += filter(None, [self.call(way, count if way.count == POINTS else way.count)])
        return found

    def call(self, way: Way, count: int) -> _Tried | None:
        """One way at `count` of the rows, repeated if there are fewer; None where the function refuses it."""
        key = count, way.single
        if key not in self.batches:
            used = self.rows[torch.arange(count) % (1 if way.single else len(self.rows))]
            self.batches[key] = used, on_device(self.judge.problem, self.judged.points.columns[:, used])
        used, points = self.batches[key]
        called = call(self.judge.problem, self.function, way, points)
        return None if called is None else _Tried(way, used, called)

    @cached_property
    def compared(self) -> Judged:
        """All that was tried, one after the other, against the exact values."""
        return compared(self.judge, self.judged, self.tried, self.right)

    def failure(self, k: int) -> Failure | None:
        """The first way that is wrong for partial k, at points where the plain call is right; None if all are right."""
        failing = self.compared.beyond[:, k] if self.tried else torch.zeros(0)
        if not bool(failing.any()) and not any(t.called.misdeed for t in self.tried):
            return None
        starts = accumulate((len(t.rows) for t in self.tried), initial=0)
        return next((f for t, start in zip(self.tried, starts, strict=False) if (f := self._of(t, start, k))), None)

    def _of(self, t: _Tried, start: int, k: int) -> Failure | None:
        """The failure of one way, whose points begin at row `start` of `compared`."""
        if t.called.misdeed and k in t.called.blamed:
            row = int(self.rows[0])
            return Failure(t.called.misdeed, row, self.judged, self._needs_batch(t, row, k))
        failing = self.compared.beyond[start : start + len(t.rows), k].nonzero().flatten()
        for i in failing[:LOOKED_AT].tolist():
            row = int(t.rows[i])
            if not (self._is_noise(t.way, row, start + i, k) or (t.way.scaled and self._leaves_range(t.way, row, k))):
                return Failure(t.way.failure, start + i, self.compared, self._needs_batch(t, row, k))
        return None

    def _evaluate(self, way: Way, k: int) -> Callable[[Tensor], Tensor]:
        """Points (d, n) -> what the way gives for partial k, (n, 1); NaN where it refuses."""

        def evaluate(points: Tensor) -> Tensor:
            called = call(self.judge.problem, self.function, way, points)
            if called is None or k not in called.raw:
                return torch.full((points.shape[1], 1), torch.nan)
            return called.values(k).unsqueeze(1)

        return evaluate

    def _point(self, row: int) -> Tensor:
        return on_device(self.judge.problem, self.judged.points.columns[:, row : row + 1])

    def _is_noise(self, way: Way, row: int, place: int, k: int) -> bool:
        """Whether the error is rounding of this way alone: terms that cancel exactly for cotangents ±2^k, as in the
        backward of cumprod, leave a remainder for others. Perturbed only: no other estimate keeps the cotangents."""
        seed = seed_of(Stream.PROTOCOL_NOISE, self.judge.problem.seed)
        found = perturbation(self._evaluate(way, k), self._point(row), MORE_RUNS, seed).max()
        more = (found.nan_to_num(posinf=0) - self.compared.noise[place, k]).clamp(min=0)  # the largest estimate counts
        return bool(self.compared.error[place, k] <= self.compared.bound[place, k] + FACTOR * more)

    def _leaves_range(self, way: Way, row: int, k: int) -> bool:
        """Whether an intermediate result over- or underflows the dtype that is checked, with this cotangent: by no
        fault of the backward. One that computes in a narrower dtype, and leaves its range, is at fault."""
        return watch(self._evaluate(way, k), self._point(row), self.judge.dtype).left_range

    def _needs_batch(self, t: _Tried, row: int, k: int) -> bool:
        """Whether the way is right at copies of this point alone."""
        if self.alone is not None:
            return False
        alone = replace(self, alone=row, batches={})
        again = alone.call(t.way, len(t.rows))
        if again is None or again.called.misdeed:
            return again is None
        return not bool(compared(self.judge, self.judged, [again], self.right).beyond[:, k].any())


def compared(judge: Judge, judged: Judged, tried: Sequence[_Tried], right: Tensor) -> Judged:
    """What was tried, one after the other, against the exact values. What is not to be judged is taken as exact."""
    rows, columns = torch.cat([t.rows for t in tried]), range(right.shape[1])
    exact = judged.exact.at(rows, columns)
    counts = torch.tensor([len(t.rows) for t in tried])
    seen = torch.tensor([[k in t.called.raw for k in columns] for t in tried]).repeat_interleave(counts, 0)
    raw, scales = (_stacked(tried, name, columns) for name in ("raw", "scales"))
    info, size = torch.finfo(judge.dtype), (exact.high * scales).abs()
    # The roots of float16's range, 1/128 and 256, are everyday numbers.
    least, most = (8 * info.tiny, info.max / 8) if judge.dtype == torch.float16 else (info.tiny**0.5, info.max**0.5)
    in_range = (size == 0) | ((size >= least) & (size <= most)) | ((scales.abs() == 1) & (size >= info.tiny))
    values = torch.where((scales == 0) & (raw == 0), exact.high, raw / scales)
    values = torch.where(right[rows] & seen & in_range, values, exact.high)
    spacing = (smallest_subnormal(judge.dtype) / scales.abs()).nan_to_num(posinf=0.0)
    known = SLACK * judged.noise[rows] + unit_roundoff(judge.dtype) * exact.high.abs() + spacing / FACTOR
    points = Points(judged.points.columns[:, rows], judged.points.kinds[rows])
    return judge.of(points, values, exact, known)


def _stacked(tried: Sequence[_Tried], name: str, columns: Sequence[int]) -> Tensor:
    """(n of all ways, m) float64 on the CPU; 1 where nothing was computed."""

    def of(t: _Tried, k: int) -> Tensor:
        known: Mapping[int, Tensor] = getattr(t.called, name)
        return known[k].cpu() if k in known else torch.ones(t.rows.shape, dtype=torch.float64)

    return torch.stack([torch.cat([of(t, k) for t in tried]).double() for k in columns], 1)
