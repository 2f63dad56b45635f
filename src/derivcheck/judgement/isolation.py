"""Whether a failure is at a point alone: wrong there, right all around it. And which failing point is the plainest."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from derivcheck.engines.streams import Stream, generator
from derivcheck.exact.enclosures import Status
from derivcheck.sampling.points import Kind, ends, into, lengths
from derivcheck.ulp import unit_roundoff

if TYPE_CHECKING:
    from derivcheck.judgement.evidence import Evidence

AROUND = 8  # neighbours at each distance that must all be right: as many as three variables have octants
# Their distances, in widths of the domain: the nearer ones tell a single point from a small region.
APART = (2.0**-20, 2.0**-40)
# In half precision: roundings that an added point is off by before its neighbours are asked, and most points that ask.
COARSE, MOST_SHARPENED = 32, 32
LESS = 4  # times: 4 runs at the neighbours are nearer to each other than 16 at the point
LARGER = 4  # times the largest error of the neighbours: rounding errors in bfloat16 differ by so much
MOST_NOISE = 1 / 4  # of the value: with more, terms cancel, and of 24 neighbours none may have a remainder
COMPARABLE = 16.0  # a plainer point is shown in place of the worst if its error is at most this much smaller


def isolated(evidence: Evidence, k: int, rows: Tensor) -> bool:
    """Whether partial k, wrong at these judged points, is right all around each of them."""
    return bool(len(rows)) and not _widespread(evidence, k) and all(_right_around(evidence, k, int(i)) for i in rows)


def _widespread(evidence: Evidence, k: int) -> bool:
    """Whether most of the random points are wrong, so that there is no need to look around any."""
    judged = evidence.judged
    sampled = judged.counted[:, k] & (judged.points.kinds == Kind.SAMPLED)
    return 2 * int((judged.fails[:, k] & sampled).sum()) > int(sampled.sum())


def clear(evidence: Evidence) -> Evidence:
    """The evidence without errors too small to be seen that are not isolated and have a singularity nearby: they are a
    warning at single points alone."""
    judge, judged = evidence.judge, evidence.judged
    small = [judged.fails[:, k] & invisible(evidence, k) for k in range(judged.fails.shape[1])]
    near = torch.stack([s & (not isolated(evidence, k, s.nonzero().squeeze(1)[:1])) for k, s in enumerate(small)], 1)
    return replace(evidence, judged=judged.without(judge.singular(judged, near))) if bool(near.any()) else evidence


def sharpened(evidence: Evidence) -> Evidence:
    """The evidence with smaller bounds at points that we added, in half precision, where the noise may be as large as
    the value: the largest error of the neighbours is noise enough, if their noise is as large as that of the point. A
    second derivative that is half too large at 1 alone would pass otherwise; its own error does not enter."""
    judge, judged = evidence.judge, evidence.judged
    if torch.finfo(judge.dtype).bits >= 32 or evidence.problem.tolerances is not None:
        return evidence
    ours = judged.counted & (judged.points.kinds != Kind.SAMPLED).unsqueeze(1) & ~judged.fails
    size = judged.exact.high.abs()
    doubtful = ours & (judged.error > COARSE * unit_roundoff(judge.dtype) * size) & (judged.noise <= MOST_NOISE * size)
    noise = judged.noise.clone()
    for k in doubtful.any(0).nonzero().flatten().tolist():
        rows = distinct(judged.points.columns, doubtful[:, k].nonzero().flatten())
        rows = rows[judged.excess[rows, k].topk(min(MOST_SHARPENED, len(rows))).indices]
        noise[rows, k] = torch.minimum(noise[rows, k], _largest_around(evidence, k, rows))
    return replace(evidence, judged=judged.with_noise(noise))


def distinct(columns: Tensor, rows: Tensor) -> Tensor:
    """One of the rows for each point: in half precision the steps of a search meet."""
    return torch.tensor(list({tuple(columns[:, i].tolist()): i for i in rows.tolist()}.values()), dtype=torch.int64)


def _largest_around(evidence: Evidence, k: int, rows: Tensor) -> Tensor:
    """(r,) the largest error of partial k around each of these judged points, relative to the value; infinite where
    there are too few neighbours, or where all of them have less noise, as around a pole."""
    judged, judge = evidence.judged, evidence.judge.alone(k)
    points, size = judged.points.columns[:, rows], judged.exact.high[rows, k].abs()
    each = [torch.cat([_neighbours(evidence, p), _next_floats(evidence, p)], 1) for p in points.T.unsqueeze(2)]
    which, near = torch.arange(len(rows)).repeat_interleave(each[0].shape[1]), torch.cat(each, 1)
    exact = judge.exact(near)
    values = judge.attempted(near.to(judge.dtype))
    parts = torch.cat([exact.error(values), judge.noise(near)], 1) / exact.high.abs()
    usable = (exact.status.squeeze(1) == Status.SETTLED) & (near != points[:, which]).any(0) & parts.isfinite().all(1)
    places = which[usable].unsqueeze(1).expand(-1, 2)
    error, noise = torch.zeros(len(rows), 2, dtype=torch.float64).scatter_reduce(0, places, parts[usable], "amax").T
    enough = which[usable].bincount(minlength=len(rows)) >= AROUND
    return torch.where(enough & (LESS * noise >= judged.noise[rows, k] / size), LARGER * error * size, torch.inf)


def _next_floats(evidence: Evidence, point: Tensor) -> Tensor:
    """(d, AROUND) neighbours of a point (d, 1) by some roundings of each coordinate."""
    low, high = ends(evidence.problem)
    draws = torch.rand((len(low), AROUND), generator=generator(Stream.NEIGHBOURS, evidence.problem.seed))
    steps = (2 + 8 * draws) * torch.where(draws < 0.5, -1, 1) * unit_roundoff(evidence.judge.dtype)
    moved = point * (1 + steps)
    inside = (moved >= low) & (moved <= high)
    return into(evidence.problem, torch.where(inside, moved, 2 * point - moved))


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
