"""Where to look: random points, in any number.

Points are drawn on the CPU in float64 from the seed and rounded to the dtype inside the domain, so one seed means the
same points on every device. They are kept as float64 (d, n), one contiguous row per variable.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from derivcheck.engines.calling import dtype_of
from derivcheck.engines.streams import Stream, seed_of
from derivcheck.ulp import from_ordinal, ordinal

if TYPE_CHECKING:
    from derivcheck.problem import Problem

BLOCK = 2**16  # points drawn with one seed: a float64 column of them is half a megabyte, which a cache holds
MOST_NUMBERS = 2**22  # coordinates of a block, 32 MB: smaller blocks of more than 64 variables
STRIDE = 1_000_003  # a block's seed is that of the run plus this times its first point: no two seeds share a block


class Kind(IntEnum):
    """Why a point is looked at."""

    SAMPLED = 0
    CORNER = 1
    KINK = 2
    SEARCHED = 3


@dataclass(frozen=True)
class Points:
    """`columns` (d, n) float64, exactly representable in the dtype; `kinds` (n,) int64."""

    columns: Tensor
    kinds: Tensor

    def __len__(self) -> int:
        return self.columns.shape[1]


def into(problem: Problem, columns: Tensor) -> Tensor:
    """Round to the dtype; where that leaves the domain, take the neighbour inside."""
    dtype = dtype_of(problem)
    low, high = ends(problem)
    rounded = torch.maximum(torch.minimum(columns, high), low).to(dtype)
    place = ordinal(rounded)
    place = place - (rounded.double() > high).long() + (rounded.double() < low).long()
    inside = from_ordinal(place, dtype).double()
    fits = (inside >= low) & (inside <= high)
    return torch.where(fits, inside, rounded.double()).contiguous()


def on_device(problem: Problem, columns: Tensor) -> Tensor:
    """Points (d, n) in the problem's dtype on its device."""
    return columns.to(dtype_of(problem)).to(problem.device)


def placed(problem: Problem, points: Tensor) -> Tensor:
    """Points of any dtype on the problem's device; float64 stays on the CPU if the device (MPS) has no float64."""
    lacking = points.dtype == torch.float64 and problem.device.startswith("mps")
    return points.to("cpu" if lacking else problem.device)


def ends(problem: Problem) -> tuple[Tensor, Tensor]:
    """Lower and upper ends of the domain, each (d, 1)."""
    both = torch.tensor(problem.domain, dtype=torch.float64)
    return both[:, :1], both[:, 1:]


class RandomPoints:
    """The n random points of a problem, made as they are taken: memory is bounded whatever n is.

    They come in blocks of fixed size with one seed per block, so the points do not depend on how many are taken at a
    time.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem, self.taken, self._made = problem, 0, 0
        self._ready = torch.empty((len(problem.variables), 0), dtype=torch.float64)

    def take(self, size: int) -> Tensor:
        """The next points (d, k), k = `size` until they run out."""
        blocks, have = [self._ready], self._ready.shape[1]
        while have < size and self._made < self.problem.points:
            blocks.append(_block(self.problem, self._made))
            self._made += blocks[-1].shape[1]
            have += blocks[-1].shape[1]
        together = torch.cat(blocks, 1) if len(blocks) > 1 else blocks[0]
        chosen, self._ready = together[:, :size], together[:, size:]
        self.taken += chosen.shape[1]
        return chosen


def _block(problem: Problem, start: int) -> Tensor:
    """The random points from `start` on, at most a block, in the domain and in the dtype.

    The seed of a block is not that of a named stream: documents and bug reports show the points of a seed.
    """
    d = len(problem.variables)
    n = min(BLOCK, max(1, MOST_NUMBERS // d), problem.points - start)
    low, high = ends(problem)
    if problem.sampler == "sobol":
        engine = torch.quasirandom.SobolEngine(d, scramble=True, seed=problem.seed).fast_forward(start)
        fractions = engine.draw(n, dtype=torch.float64).T
    else:
        generator = torch.Generator().manual_seed((problem.seed + start * STRIDE) % 2**63)
        fractions = torch.rand((d, n), generator=generator, dtype=torch.float64)
    if problem.sampler == "floats":
        return into(problem, _uniform_over_floats(fractions, low, high, dtype_of(problem)))
    return into(problem, low + (high - low) * fractions)


def _uniform_over_floats(fractions: Tensor, low: Tensor, high: Tensor, dtype: torch.dtype) -> Tensor:
    """Every float of the dtype between the ends is as likely as any other (as in Herbie: Panchekha, PLDI 2015)."""
    first, last = ordinal(low.to(dtype)).double(), ordinal(high.to(dtype)).double()
    return from_ordinal((first + (last - first) * fractions).round().long(), dtype).double()


def lengths(columns: Tensor) -> Tensor:
    """(n,) how long points (d, n) are to write, in bits: 0 before 1 before 0.5 before 0.1 before 1e-300."""
    return torch.tensor([sum(map(_length, point)) for point in columns.T.tolist()])


def _length(x: float) -> int:
    """Bits of a number in fixed point, from the first that is set to the last, and from there to the point."""
    if x == 0 or not math.isfinite(x):
        return 0
    numerator, denominator = abs(x).as_integer_ratio()
    return numerator.bit_length() + denominator.bit_length() + (x < 0)


def looked_at(problem: Problem, count: int) -> Tensor:
    """Random points (d, count) at which code is looked at before it is checked: none of those of the check."""
    seed = seed_of(Stream.TRACING, problem.seed)
    return RandomPoints(replace(problem, points=count, seed=seed)).take(count)
