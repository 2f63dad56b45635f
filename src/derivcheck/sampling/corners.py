"""Where random points do not look: corners, kinks, and wherever the worst points lead."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from derivcheck.sampling.points import Kind, Points, ends, into

if TYPE_CHECKING:
    from derivcheck.problem import Problem
    from derivcheck.symbolic.kinks import Switches

LINES, GRID, MOST_KINKS = (
    8,
    33,
    64,
)  # random lines a variable, places along each, kinks kept: a piecewise formula has a few
BISECTIONS = 64  # halvings of an interval of float64 until its ends are neighbours
MOST_CORNERS = 2000  # 45 a variable: all of them up to 40 variables
MOST_COMBINATIONS = 16  # of domain ends: all of them up to 4 variables, all low and all high beyond 10
SEARCHERS, PROPOSALS, ROUNDS = 8, 32, 3  # worst points followed, points tried around each, narrowings by 1/32


def special(problem: Problem, switches: Switches | None) -> Points:
    """The corners of the domain, and the kinks inside it, where it has switches, with points to both sides."""
    parts = [(Kind.CORNER, _corners(problem))] + ([(Kind.KINK, _kinks(problem, switches))] if switches else [])
    kinds = torch.cat([torch.full((columns.shape[1],), int(kind)) for kind, columns in parts])
    return Points(into(problem, torch.cat([columns for _, columns in parts], 1)), kinds)


def _corners(problem: Problem) -> Tensor:
    """Each variable at its special numbers with the others random; all at their ends; all at the same number."""
    special = [_special(problem, low, high) for low, high in problem.domain]
    generator = torch.Generator().manual_seed(problem.seed + 1)
    low, high = ends(problem)
    points = []
    for j, numbers in enumerate(special):
        fractions = torch.rand((len(numbers), len(special)), generator=generator, dtype=torch.float64)
        rows = low.T + (high - low).T * fractions
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
    low, high = ends(problem)
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


def search(problem: Problem, points: Points, scores: Tensor, score: Callable[[Tensor], Tensor]) -> None:
    """Start from the points with the largest scores and narrow in: random steps around each, the best kept.

    `score` is given all points that are tried, (d, k), and returns a number each; NaN counts as 0.
    """
    generator = torch.Generator().manual_seed(problem.seed + 3)
    low, high = ends(problem)
    worst = torch.nan_to_num(scores, nan=0.0, posinf=0.0).topk(min(SEARCHERS, len(points))).indices
    best = points.columns[:, worst]
    for k in range(1, ROUNDS + 1):
        steps = torch.randn((len(low), best.shape[1] * PROPOSALS), generator=generator, dtype=torch.float64)
        around = best.repeat_interleave(PROPOSALS, 1)
        proposals = into(problem, around + (high - low) * 32.0**-k * steps)
        values = torch.nan_to_num(score(proposals), nan=0.0, posinf=0.0).reshape(best.shape[1], PROPOSALS)
        chosen = values.argmax(1) + torch.arange(best.shape[1]) * PROPOSALS
        best = proposals[:, chosen]
