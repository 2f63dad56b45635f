"""Every other sequence of a mixed partial: by Schwarz' theorem all give the same value, unless a backward is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from derivcheck import multi_index, ulp
from derivcheck.engines import reverse
from derivcheck.exact.enclosures import Exact
from derivcheck.exact.referee import RefereeOf
from derivcheck.judgement.bound import Judged
from derivcheck.judgement.judge import judged_at
from derivcheck.sampling.points import Kind, Points, on_device

if TYPE_CHECKING:
    from derivcheck.problem import Problem

SLACK = 4  # by which the noise of two sequences may differ without a closer look: two bits
MOST_CROSSED = 1000  # points at which every sequence of a mixed partial is taken


class Crossed(NamedTuple):
    """Other sequences of mixed partials: column c of `judged` is `sequences[c]`, which gives partial `partials[c]`."""

    sequences: tuple[tuple[int, ...], ...]
    partials: tuple[int, ...]
    judged: Judged


def crossed(problem: Problem, referee_of: RefereeOf, points: Points, judged: Judged) -> Crossed | None:
    """Take every other sequence of the mixed partials, at the points that came out worst and some more."""
    pairs = [(s, k) for k, alpha in enumerate(problem.partials) for s in multi_index.sequences(alpha)[1:]]
    if not pairs:
        return None
    asked = points.kinds[judged.places] == Kind.SAMPLED
    worst = torch.where(asked, judged.excess.amax(1), -2.0)
    chosen = worst.topk(min(MOST_CROSSED, int(asked.sum()))).indices
    sequences, partials = tuple(s for s, _ in pairs), tuple(k for _, k in pairs)
    evaluate = reverse.along(problem, sequences, reverse.powers_of_two(problem.seed))
    places = judged.places[chosen]
    values = evaluate(on_device(problem, points.columns[:, places]))
    if values.unsupported:
        return None
    rows = judged.exact
    exact = Exact(*(t[chosen][:, list(partials)] for t in (rows.high, rows.low, rows.status)))
    # Another sequence has noise of its own, of the same order: more is estimated only where that does not suffice.
    u = ulp.unit_roundoff(getattr(torch, problem.dtype))
    known = SLACK * judged.noise[chosen][:, list(partials)] + u * exact.high.abs()
    found = judged_at(
        problem, referee_of, points.columns, places, values.values.detach(), exact, evaluate, partials, known
    )
    return Crossed(sequences, partials, found)
