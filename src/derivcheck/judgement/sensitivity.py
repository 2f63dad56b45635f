"""What a pass would have seen: how large a relative error must be to exceed the bound.

A bound is only as good as it is small. At some of the judged points the noise is estimated whether it is needed or
not, so that the number says what the rule does everywhere.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from derivcheck import ulp
from derivcheck.engines.streams import Stream, generator
from derivcheck.judgement.bound import Judged
from derivcheck.results import Sensitivity
from derivcheck.sampling.points import Kind, Points

POINTS = 16  # judged points that say what would have been seen
MEASURED = 24  # points at which the noise is estimated, by one evaluation: also those called in other ways
COARSE = 128  # roundings: in half precision, whose square root of u is a few of them, only worse than this is blind


def sample(points: Points, seed: int) -> Tensor:
    """(p,) places of some of the sampled points, or of any if there are none."""
    places = (points.kinds == Kind.SAMPLED).nonzero().squeeze(1)
    places = places if len(places) else torch.arange(len(points))
    return places[torch.randperm(len(places), generator=generator(Stream.SENSITIVITY, seed))[:MEASURED]]


def sensitivities(judged: Judged, places: Tensor, dtype: torch.dtype) -> list[Sensitivity]:
    """For each partial, over those of the places that are judged and where it is a normal number of the dtype: beyond
    them, where infinity or 0 is right, no relative error says what would be seen."""
    chosen, info = judged.at(places), torch.finfo(dtype)
    size = chosen.exact.high.abs()
    usable, relative = chosen.counted & (size >= info.tiny) & (size <= info.max), chosen.bound / size
    return [_over(relative[usable[:, k], k]) for k in range(size.shape[1])]


def _over(relative: Tensor) -> Sensitivity:
    return Sensitivity(float(relative.median()), float(relative.max())) if len(relative) else Sensitivity()


def is_blind(sensitivity: Sensitivity, dtype: torch.dtype) -> bool:
    """Whether an error of half of the significand would have passed at most points."""
    u = ulp.unit_roundoff(dtype)
    return not math.isnan(sensitivity.median) and sensitivity.median > max(u**0.5, COARSE * u)
