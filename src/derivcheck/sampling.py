"""Where to look: random points, corners, kinks, and a search that narrows in on the worst points.

Points are drawn on the CPU in float64 from the seed and rounded to the dtype inside the domain, so one seed names the
same points on every device. They are kept as float64 (d, n), one contiguous row a variable.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from itertools import product
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from derivcheck.errors import RequestError
from derivcheck.ulp import from_ordinal, ordinal

if TYPE_CHECKING:
    from derivcheck.kinks import Switches
    from derivcheck.problem import Problem

LINES, GRID, MOST_KINKS = (
    8,
    33,
    64,
)  # random lines a variable, places along each, kinks kept: a piecewise formula has a few
BISECTIONS = 64  # halvings of an interval of float64 until its ends are neighbours
MOST_CORNERS = 2000  # 45 a variable: all of them up to 40 variables
MOST_COMBINATIONS = 16  # of domain ends: all of them up to 4 variables, all low and all high beyond 10
SEARCHERS, PROPOSALS, ROUNDS = 8, 32, 3  # worst points followed, points tried around each, narrowings by 1/32
BYTES_A_POINT = 64  # float64 copies of one column alive at once while all partials are computed, a lower bound


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


def sample(problem: Problem, switches: Switches | None = None) -> Points:
    """The points of a problem: n random ones first, then corners and kinks unless `corners` is off."""
    require_memory(problem)
    parts = [(Kind.SAMPLED, _random(problem))]
    if problem.corners:
        parts.append((Kind.CORNER, _corners(problem)))
        if switches is not None:
            parts.append((Kind.KINK, _kinks(problem, switches)))
    kinds = torch.cat([torch.full((columns.shape[1],), int(kind)) for kind, columns in parts])
    return Points(into(problem, torch.cat([columns for _, columns in parts], 1)), kinds)


def require_memory(problem: Problem) -> None:
    """Refuse a number of points that cannot fit, before the system refuses it for us."""
    need = problem.points * BYTES_A_POINT * (len(problem.variables) + len(problem.partials))
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if need > free:
        cause = f"--points {problem.points}: needs about {need / 2**30:.3g} GiB, {free / 2**30:.3g} GiB are free"
        fits = 10 ** (len(str(problem.points * free // need)) - 1)
        raise RequestError(cause, f"Try -n {fits}.")


def into(problem: Problem, columns: Tensor) -> Tensor:
    """Round to the dtype, and where that leaves the domain take the neighbour inside."""
    dtype = getattr(torch, problem.dtype)
    low, high = _ends(problem)
    rounded = torch.maximum(torch.minimum(columns, high), low).to(dtype)
    place = ordinal(rounded)
    place = place - (rounded.double() > high).long() + (rounded.double() < low).long()
    inside = from_ordinal(place, dtype).double()
    fits = (inside >= low) & (inside <= high)
    return torch.where(fits, inside, rounded.double()).contiguous()


def on_device(problem: Problem, columns: Tensor) -> Tensor:
    """Points (d, n) in the problem's dtype on its device."""
    return columns.to(getattr(torch, problem.dtype)).to(problem.device)


def placed(problem: Problem, points: Tensor) -> Tensor:
    """Points in whatever dtype on the problem's device; float64 on the CPU where the device (MPS) has none."""
    lacking = points.dtype == torch.float64 and problem.device.startswith("mps")
    return points.to("cpu" if lacking else problem.device)


def _ends(problem: Problem) -> tuple[Tensor, Tensor]:
    ends = torch.tensor(problem.domain, dtype=torch.float64)
    return ends[:, :1], ends[:, 1:]


def _random(problem: Problem) -> Tensor:
    d, n = len(problem.variables), problem.points
    low, high = _ends(problem)
    if problem.sampler == "sobol":
        fractions = torch.quasirandom.SobolEngine(d, scramble=True, seed=problem.seed).draw(n, dtype=torch.float64).T
    else:
        fractions = torch.rand((d, n), generator=torch.Generator().manual_seed(problem.seed), dtype=torch.float64)
    if problem.sampler == "floats":
        return _uniform_over_floats(fractions, low, high, getattr(torch, problem.dtype))
    return low + (high - low) * fractions


def _uniform_over_floats(fractions: Tensor, low: Tensor, high: Tensor, dtype: torch.dtype) -> Tensor:
    """Every float of the dtype between the ends is as likely as any other (as in Herbie: Panchekha, PLDI 2015)."""
    first, last = ordinal(low.to(dtype)).double(), ordinal(high.to(dtype)).double()
    return from_ordinal((first + (last - first) * fractions).round().long(), dtype).double()


def _corners(problem: Problem) -> Tensor:
    """Each variable at its special numbers with the others random; all at their ends; all at the same number."""
    special = [_special(problem, low, high) for low, high in problem.domain]
    generator = torch.Generator().manual_seed(problem.seed + 1)
    ends, points = torch.tensor(problem.domain, dtype=torch.float64), []
    for j, numbers in enumerate(special):
        fractions = torch.rand((len(numbers), len(special)), generator=generator, dtype=torch.float64)
        rows = ends[:, 0] + (ends[:, 1] - ends[:, 0]) * fractions
        rows[:, j] = torch.tensor(numbers, dtype=torch.float64)
        points.append(rows)
    combinations = list(product(*problem.domain)) if len(special) <= 10 else [*zip(*problem.domain, strict=True)]
    kept = combinations[:: max(1, len(combinations) // MOST_COMBINATIONS)][:MOST_COMBINATIONS]
    points.append(torch.tensor([*kept, *([x] * len(special) for x in special[0])], dtype=torch.float64))
    corners = torch.cat(points)
    return corners[:: -(-len(corners) // MOST_CORNERS)].T


def _special(problem: Problem, low: float, high: float) -> list[float]:
    """Numbers of the domain at which implementations branch, overflow or divide by zero."""
    tiny = torch.finfo(getattr(torch, problem.dtype)).tiny
    width = high - low
    near_ends = [end + step * width * 2.0**-k for end, step in ((low, 1), (high, -1)) for k in (5, 10, 20, 30)]
    round_numbers = [0.0, 1.0, -1.0, tiny, -tiny, *(s * 2.0**-k for k in (1, 4, 10, 26) for s in (1, -1))]
    large = [s * 2.0**k for k in (4, 10, 30, 100, 500, 1000) for s in (1, -1)]
    inner = [low, high, low + width / 2, *near_ends, *round_numbers, *large]
    return sorted({x for x in inner if low <= x <= high})


def _kinks(problem: Problem, switches: Switches) -> Tensor:
    """Zeros of the switches along random lines parallel to the axes, by bisection, each with points to both sides."""
    generator = torch.Generator().manual_seed(problem.seed + 2)
    low, high = _ends(problem)
    base = low + (high - low) * torch.rand((len(low), LINES), generator=generator, dtype=torch.float64)
    grid = torch.linspace(0, 1, GRID, dtype=torch.float64)
    found = []
    for j in range(len(low)):
        line = base.repeat_interleave(GRID, 1)
        line[j] = low[j] + (high[j] - low[j]) * grid.repeat(LINES)
        found.append(_crossings(switches, line, j, GRID))
    return torch.cat(found, 1)


def _crossings(switches: Switches, line: Tensor, j: int, length: int) -> Tensor:
    """Where a switch changes sign on the lines, narrowed in x_j to neighbouring floats, and points beside them."""
    signs = switches(line).sign()
    change = (signs[:-1] * signs[1:] <= 0) & ((signs[:-1] != 0) | (signs[1:] != 0))
    change[length - 1 :: length] = False
    places, which = change.nonzero()[:MOST_KINKS].T
    left, right = line[:, places].clone(), line[:, places + 1].clone()
    start = signs[places, which]
    for _ in range(BISECTIONS):
        middle = left.clone()
        middle[j] = left[j] + (right[j] - left[j]) / 2
        same = switches(middle).sign()[torch.arange(len(which)), which] == start
        left[j], right[j] = torch.where(same, middle[j], left[j]), torch.where(same, right[j], middle[j])
    beside = [left, right]
    for step in (2.0**-40, 2.0**-20, 2.0**-8):
        for sign in (-1, 1):
            moved = right.clone()
            moved[j] = right[j] + sign * step * (right[j].abs() + 1e-3)
            beside.append(moved)
    return torch.cat(beside, 1)


def search(problem: Problem, points: Points, scores: Tensor, score: Callable[[Tensor], Tensor]) -> Points:
    """Start from the points with the largest scores and narrow in: random steps around each, the best kept.

    `score` gives a number a point (NaN counts as 0). Returns all points tried, for the referee to choose from.
    """
    generator = torch.Generator().manual_seed(problem.seed + 3)
    low, high = _ends(problem)
    worst = torch.nan_to_num(scores, nan=0.0, posinf=0.0).topk(min(SEARCHERS, len(points))).indices
    best, tried = points.columns[:, worst], []
    for k in range(1, ROUNDS + 1):
        steps = torch.randn((len(low), best.shape[1] * PROPOSALS), generator=generator, dtype=torch.float64)
        around = best.repeat_interleave(PROPOSALS, 1)
        proposals = into(problem, around + (high - low) * 32.0**-k * steps)
        tried.append(proposals)
        values = torch.nan_to_num(score(proposals), nan=0.0, posinf=0.0).reshape(best.shape[1], PROPOSALS)
        chosen = values.argmax(1) + torch.arange(best.shape[1]) * PROPOSALS
        best = proposals[:, chosen]
    columns = torch.cat(tried, 1)
    return Points(columns, torch.full((columns.shape[1],), int(Kind.SEARCHED)))
