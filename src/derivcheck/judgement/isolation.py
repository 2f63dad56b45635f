"""Whether a failure is at a point alone: wrong there, right all around it. And which failing point is the plainest."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from derivcheck.engines.streams import Stream, generator
from derivcheck.sampling.points import ends, into, lengths
from derivcheck.ulp import unit_roundoff

if TYPE_CHECKING:
    from derivcheck.judgement.evidence import Evidence

AROUND = 8  # neighbours at each distance that must all be right: as many as three variables have octants
# Their distances, in widths of the domain: the nearer ones tell a single point from a small region.
APART = (2.0**-20, 2.0**-40)
COMPARABLE = 16.0  # a plainer point is shown in place of the worst if its error is at most this much smaller


def isolated(evidence: Evidence, k: int, rows: Tensor) -> bool:
    """Whether partial k, wrong at these judged points, is right all around each of them."""
    return bool(len(rows)) and all(_right_around(evidence, k, int(i)) for i in rows)


def clear(evidence: Evidence) -> Evidence:
    """The evidence without errors too small to be seen that are not isolated and have a singularity nearby: they are a
    warning at single points alone."""
    judge, judged = evidence.judge, evidence.judged
    small = [judged.fails[:, k] & invisible(evidence, k) for k in range(judged.fails.shape[1])]
    near = torch.stack([s & (not isolated(evidence, k, s.nonzero().squeeze(1)[:1])) for k, s in enumerate(small)], 1)
    return replace(evidence, judged=judged.without(judge.singular(judged, near))) if bool(near.any()) else evidence


def _right_around(evidence: Evidence, k: int, i: int) -> bool:
    """Whether all neighbours, moved in every coordinate that is not pinned, are within their bounds."""
    point = evidence.judged.points.columns[:, i : i + 1]
    near = _neighbours(evidence, point)
    near = near[:, (near != point).any(0)]
    if not near.shape[1]:
        return False
    judged = evidence.judge.alone(k).at(near)
    return bool(judged.counted.all()) and not bool(judged.fails.any())


def _neighbours(evidence: Evidence, point: Tensor) -> Tensor:
    """(d, AROUND per distance): every coordinate by a distance of its own, so that none stay equal."""
    problem = evidence.problem
    low, high = ends(problem)
    least = 4 * unit_roundoff(evidence.judge.dtype)
    distances = torch.tensor([max(apart, least) for apart in APART], dtype=torch.float64).repeat(AROUND)
    draws = torch.rand((2, len(low), len(distances)), generator=generator(Stream.NEIGHBOURS, problem.seed))
    steps = (draws[0] < 0.5).double().mul(2).sub(1) * (1 + draws[1]) * distances
    moved = point + steps * ((high - low) + point.abs() * (high > low))
    inside = (moved >= low) & (moved <= high)
    return into(problem, torch.where(inside, moved, 2 * point - moved))


def invisible(evidence: Evidence, k: int, roundings: float = 1.0) -> Tensor:
    """(n,) bool: the error is at most a rounding, or some, of the partial's usual size over the sampled points."""
    judged = evidence.judged
    return judged.error[:, k] <= roundings * unit_roundoff(evidence.judge.dtype) * judged.usual[k]


def plainest(points: Tensor, excess: Tensor) -> int:
    """Which of points (d, k) to show: of those that fail about as badly as the worst, the one that is shortest to write
    in binary (0 before 1 before 0.1 before 1e-300)."""
    bad = excess >= min(float(excess.max()) / COMPARABLE, 1 / torch.finfo(torch.float64).eps)
    return int(bad.nonzero().squeeze(1)[lengths(points[:, bad]).argmin()])
