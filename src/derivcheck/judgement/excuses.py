"""Which failures count?

The sampled points are the user's own; corners, kinks and searched points are ours. These failures do not reject:

- an intermediate result over- or underflows where the exact one is about to do so itself, or at one of our points, most
  of which are of extreme magnitude (1e-308, 1e300), or the result is subnormal and so is the exact one: a warning;
- at one of our points, the error is below one rounding of the partial's usual size: nobody could see it;
- at one of our points, the result is finite, wrong, and right all around: torch.pow(x, y) has the mixed partial 0 at
  y = 0, the truth is 1/x, and no other y is affected. The row says so; pinning the variable there makes it disagree.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from derivcheck.judgement.watch import watch
from derivcheck.sampling.points import Kind, into
from derivcheck.ulp import unit_roundoff

if TYPE_CHECKING:
    from derivcheck.judgement.evidence import Evidence

MOST = 64  # failures looked into one by one; were there more of a kind, the others would be taken for the same
AROUND = 8  # neighbours of a single point that must all be right
APART = 2.0**-20  # their distance, in widths of the domain: leaves the point, stays in its branch
LARGE = 4096.0  # in float16, whose square root of the range is an everyday number, a result is far only from here on


class Excuse(Enum):
    """Why a failure does not count as one."""

    RANGE = "range"
    ISOLATED = "isolated"
    INVISIBLE = "invisible"


def excuses(evidence: Evidence, k: int, failing: Tensor) -> list[Excuse | None]:
    """An excuse or None for each failing judged point of partial k; none is looked for once a point has none."""
    judged, dtype = evidence.judged, evidence.judge.dtype
    asked = judged.points.kinds[failing] == Kind.SAMPLED
    blamed = asked & ~far(judged.exact.high[failing, k], judged.values[failing, k], dtype)
    if bool(blamed.any()):  # no excuse holds there, however many of the others have one
        return [None if b else Excuse.RANGE for b in blamed.tolist()]
    found: list[Excuse | None] = []
    for i in failing[:MOST].tolist():
        found.append(_excuse(evidence, k, i))
        if found[-1] is None:
            return [None] * len(failing)
    return found + [Excuse.RANGE] * (len(failing) - len(found))


def _excuse(evidence: Evidence, k: int, i: int) -> Excuse | None:
    judged = evidence.judged
    point = judged.points.columns[:, i : i + 1]
    asked = int(judged.points.kinds[i]) == Kind.SAMPLED
    exact, value, dtype = judged.exact.high[i, k], judged.values[i, k], evidence.judge.dtype
    if not asked and not _visible(evidence, k, i):
        return Excuse.INVISIBLE
    if bool(_subnormal(exact, value, dtype)):
        return Excuse.RANGE
    if (not asked or bool(far(exact, value, dtype))) and _leaves_range(evidence, k, point):
        return Excuse.RANGE
    if asked or not (_extreme(point, dtype) or bool(torch.isfinite(value))) or not _right_around(evidence, k, point):
        return None
    return Excuse.RANGE if _extreme(point, dtype) else Excuse.ISOLATED


def _extreme(point: Tensor, dtype: torch.dtype) -> bool:
    """Whether the square of a coordinate over- or underflows: a kernel that computes one inside shows no operation."""
    info, size = torch.finfo(dtype), point.abs()
    return bool(((size > info.max**0.5) | ((size > 0) & (size < info.tiny**0.5))).any())


def far(exact: Tensor, values: Tensor, dtype: torch.dtype) -> Tensor:
    """bool: the square of the exact value overflows, or that of it and of the computed one, a number, underflows. Any
    formula has intermediate results there that leave the range."""
    info = torch.finfo(dtype)
    large, size = exact.abs() > max(info.max**0.5, LARGE), torch.maximum(exact.abs(), values.abs())
    small = size < info.tiny**0.5
    return torch.logical_or(large, small)


def _subnormal(exact: Tensor, values: Tensor, dtype: torch.dtype) -> Tensor:
    """bool: both lie below the normal numbers, where a kernel that scales a result inside, as torch.polygamma does, has
    no digits left, and shows no operation."""
    return torch.maximum(exact.abs(), values.abs()) < torch.finfo(dtype).tiny


def _leaves_range(evidence: Evidence, k: int, point: Tensor) -> bool:
    judge = evidence.judge
    return watch(lambda p: judge.values(p)[:, k], point.to(judge.dtype)).left_range


def _visible(evidence: Evidence, k: int, i: int) -> bool:
    """Whether the error is more than one rounding of the partial's usual size over the sampled points."""
    judged = evidence.judged
    sampled = judged.counted[:, k] & (judged.points.kinds == Kind.SAMPLED)
    usual = judged.exact.high[sampled, k].abs()
    u = unit_roundoff(evidence.judge.dtype)
    return not len(usual) or not bool(judged.error[i, k] <= u * usual.median())


def _right_around(evidence: Evidence, k: int, point: Tensor) -> bool:
    """Whether all neighbours, moved in every coordinate that is not pinned, are within their bounds."""
    problem = evidence.problem
    widths = torch.tensor([[high - low] for low, high in problem.domain], dtype=torch.float64)
    generator = torch.Generator().manual_seed(problem.seed + 8)
    signs = torch.randint(0, 2, (len(widths), AROUND), generator=generator) * 2.0 - 1
    distance = max(APART, 4 * unit_roundoff(getattr(torch, problem.dtype)))
    near = into(problem, point + signs * distance * (widths + point.abs() * (widths > 0)))
    near = near[:, (near != point).any(0)]
    judged = evidence.judge.at(near)
    return bool(near.shape[1]) and bool(judged.counted[:, k].all()) and not bool(judged.fails[:, k].any())
