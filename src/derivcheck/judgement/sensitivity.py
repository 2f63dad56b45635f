"""What a pass would have seen: how large a relative error must be to exceed the bound.

A bound is only as good as it is small. The noise is estimated here whether it was needed or not, at some of the judged
points, so that the number says what the rule does everywhere.
"""

from __future__ import annotations

import math

import torch

from derivcheck import ulp
from derivcheck.engines.streams import Stream, generator
from derivcheck.judgement.bound import FACTOR, ROUNDINGS, Judged
from derivcheck.judgement.judge import Judge
from derivcheck.results import Sensitivity
from derivcheck.sampling.points import Kind

POINTS = 16  # judged points at which the noise is estimated: one evaluation, repeated
COARSE = 128  # roundings: in half precision, whose square root of u is a few of them, only worse than this is blind


def sensitivities(judge: Judge, judged: Judged) -> list[Sensitivity]:
    """For each partial, over some of its sampled points that are judged and where it is not 0."""
    places = (judged.points.kinds == Kind.SAMPLED).nonzero().squeeze(1)
    if not len(places):
        places = torch.arange(len(judged.points))
    order = torch.randperm(len(places), generator=generator(Stream.SENSITIVITY, judge.problem.seed))
    chosen = judged.at(places[order[:POINTS]])
    size = chosen.exact.high.abs()
    if judge.problem.tolerances is None:
        noise = judge.noise(chosen.points.columns)
        bound = FACTOR * noise + ROUNDINGS * ulp.unit_roundoff(judge.dtype) * size
    else:
        bound = chosen.bound
    usable = chosen.counted & (size > 0)
    return [_over((bound / size)[usable[:, k], k]) for k in range(size.shape[1])]


def _over(relative: torch.Tensor) -> Sensitivity:
    return Sensitivity(float(relative.median()), float(relative.max())) if len(relative) else Sensitivity()


def is_blind(sensitivity: Sensitivity, dtype: torch.dtype) -> bool:
    """Whether an error of half of the significand would have passed at most points."""
    u = ulp.unit_roundoff(dtype)
    return not math.isnan(sensitivity.median) and sensitivity.median > max(u**0.5, COARSE * u)
