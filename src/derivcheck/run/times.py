"""How long both sides take: all partials together, and each alone."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from derivcheck.engines.extend import Evaluate
from derivcheck.engines.registry import engine
from derivcheck.engines.timing import BUDGET, steady
from derivcheck.judgement.evidence import Evidence
from derivcheck.judgement.rows import Timed
from derivcheck.sampling.points import RandomPoints, on_device

if TYPE_CHECKING:
    from derivcheck.multi_index import MultiIndex

MOST_POINTS_TIMED = 2**18  # points that are timed; beyond them, time is proportional to their number
MOST_TIMED = 200  # rows that are timed one by one: nobody reads more times, and preparing each row takes time too
FEW = 64  # points that warm an engine up: any number will do
LONGEST_TIMING = 5.0  # seconds for timing all rows, estimated: a row alone takes at most as long as all together


def times(evidence: Evidence) -> tuple[Timed, list[Timed]]:
    """Both sides for all partials together, and for each alone, at the random points."""
    problem = evidence.problem
    nothing: Timed = ((math.nan, math.nan), (math.nan, math.nan))
    if not problem.timing:
        return nothing, [nothing] * len(problem.partials)
    points = on_device(problem, RandomPoints(problem).take(min(problem.points, MOST_POINTS_TIMED)))
    chunks, scale = points.split(evidence.chunk, 1), problem.points / points.shape[1]
    slice_ = BUDGET / (2 * len(problem.partials) + 2)

    def measure(evaluate: Evaluate) -> tuple[float, float]:
        median, spread = steady(lambda: [evaluate(chunk) for chunk in chunks], slice_)
        return median * scale, spread * scale

    together = (measure(evidence.judge.evaluate), measure(evidence.judge.evaluate_sympy))
    count = len(problem.partials)
    if count > MOST_TIMED or count * (together[0][0] + together[1][0]) / scale > LONGEST_TIMING:
        return together, [nothing] * len(problem.partials)

    def warm(name: str, alpha: MultiIndex) -> Evaluate:
        evaluate = engine(name)(replace(problem, partials=(alpha,)))
        evaluate(points[:, :FEW].contiguous())  # engines that compile do so now
        return evaluate

    return together, [(measure(warm(problem.engine, a)), measure(warm("symbolic", a))) for a in problem.partials]
