"""Every other sequence of a mixed partial: by Schwarz' theorem all give the same value, unless a backward is wrong."""

from __future__ import annotations

from typing import NamedTuple

import torch

from derivcheck import multi_index, ulp
from derivcheck.judgement.bound import Judged
from derivcheck.judgement.judge import Judge
from derivcheck.sampling.points import Kind, Points, on_device

SLACK = 4  # by which the noise of two sequences may differ without a closer look: two bits
MOST_CROSSED = 1000  # points at which every sequence of a mixed partial is taken


class Crossed(NamedTuple):
    """Other sequences of mixed partials: column c of `judged` is `sequences[c]`, which gives partial `partials[c]`."""

    sequences: tuple[tuple[int, ...], ...]
    partials: tuple[int, ...]
    judged: Judged


def crossed(judge: Judge, judged: Judged) -> Crossed | None:
    """Take every other sequence of the mixed partials, at the sampled points that came out worst."""
    problem = judge.problem
    sequences = [s for alpha in problem.partials for s in multi_index.sequences(alpha)[1:]]
    if problem.engine != "reverse" or not sequences:
        return None
    asked = judged.points.kinds == Kind.SAMPLED
    worst = torch.where(asked, judged.excess.amax(1), -2.0)
    chosen = worst.topk(min(MOST_CROSSED, int(asked.sum()))).indices
    points = Points(judged.points.columns[:, chosen], judged.points.kinds[chosen])
    other = judge.along(sequences)
    found = other.evaluate(on_device(problem, points.columns))
    if found.unsupported:
        return None
    exact = judged.exact.at(chosen, other.columns)
    # Another sequence has noise of its own, of the same order: more is estimated only where that does not suffice.
    known = SLACK * judged.noise[chosen][:, list(other.columns)] + ulp.unit_roundoff(judge.dtype) * exact.high.abs()
    return Crossed(tuple(sequences), other.columns, other.of(points, found.values.detach(), exact, known))
