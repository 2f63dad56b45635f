"""How long both sides take: all partials together, and each alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from derivcheck.engines.extend import Evaluate
from derivcheck.engines.registry import engine
from derivcheck.engines.timing import BUDGET, FEWEST, UNTIMED, steady
from derivcheck.judgement.evidence import Evidence
from derivcheck.judgement.rows import Timed
from derivcheck.sampling.points import RandomPoints, on_device

if TYPE_CHECKING:
    from torch import Tensor

    from derivcheck.multi_index import MultiIndex

MOST_POINTS_TIMED = 2**18  # points that are timed; beyond them, time is proportional to their number
MOST_TIMED = 200  # rows that are timed one by one: nobody reads more times, and preparing each row takes time too
FEW = 64  # points that warm an engine up: any number will do
LONGEST_TIMING = 5.0  # seconds for timing all rows, estimated: a row alone takes at most as long as all together


def times(evidence: Evidence) -> tuple[Timed, list[Timed]]:
    """Both sides for all partials together, and for each alone, at the random points."""
    problem, count = evidence.problem, len(evidence.problem.partials)
    if not problem.timing:
        return (UNTIMED, UNTIMED), [(UNTIMED, UNTIMED)] * count
    points = on_device(problem, RandomPoints(problem).take(min(problem.points, MOST_POINTS_TIMED)))
    chunks, scale = points.split(evidence.chunk, 1), problem.points / points.shape[1]

    def measure(*sides: Evaluate) -> Timed:
        autograd, sympy = steady([partial(_evaluate, side, chunks) for side in sides], BUDGET / (count + 1))
        return autograd.scaled(scale), sympy.scaled(scale)

    together = measure(evidence.judge.evaluate, evidence.judge.evaluate_sympy)
    turn = sum(side.median for side in together) / scale
    if count > MOST_TIMED or count * FEWEST * turn > LONGEST_TIMING:
        return together, [(UNTIMED, UNTIMED)] * count

    def warm(name: str, alpha: MultiIndex) -> Evaluate:
        evaluate = engine(name)(replace(problem, partials=(alpha,)))
        evaluate(points[:, :FEW].contiguous())  # engines that compile do so now
        return evaluate

    return together, [measure(warm(problem.engine, a), warm("symbolic", a)) for a in problem.partials]


def _evaluate(side: Evaluate, chunks: Sequence[Tensor]) -> None:
    for chunk in chunks:
        side(chunk)
