"""Evidence -> one row a partial: verdict, cause, worst point."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from derivcheck import ulp
from derivcheck.errors import TimedOut, Unsupported, counted
from derivcheck.exact.enclosures import Status
from derivcheck.judgement import control
from derivcheck.judgement.bound import FACTOR, ROUNDINGS, Judged
from derivcheck.judgement.diagnosis import Suspect, diagnose
from derivcheck.judgement.isolation import distinct, invisible, isolated, plainest
from derivcheck.judgement.range import far, leaves_range, subnormal
from derivcheck.judgement.sensitivity import is_blind
from derivcheck.outcomes import Cause, Verdict
from derivcheck.sampling.points import Kind

if TYPE_CHECKING:
    from derivcheck.judgement.evidence import Evidence

SUSPECTS = 16  # failing points that a cause has to explain: the worst ones
FEWEST_JUDGED = 0.01  # share of the sampled points below which nothing is proved
CANDIDATES = 64  # points tried for `imprecise`: the least accurate ones


class Decision(NamedTuple):
    """What is said of a partial, and the judged point (a row of the judged arrays) that decides it."""

    verdict: Verdict
    cause: Cause | None = None
    message: str = ""
    at: int | None = None
    judged: Judged | None = None
    """Where `at` points, if not into the evidence's own judged points: those of another sequence."""
    column: int = 0
    needs_batch: bool = False
    """Whether it takes several different points to show it, so that the reproduce line must keep them."""


def decide(evidence: Evidence, k: int) -> Decision:
    """The rules, in the order in which they apply."""
    if k in evidence.unsupported:
        return Decision(Verdict.UNSUPPORTED, Cause.OPERATION, evidence.unsupported[k])
    judged = evidence.judged
    failing = judged.fails[:, k].nonzero().squeeze(1)
    excused = _by_range(evidence, k, failing)
    blamed, small = failing[~excused], invisible(evidence, k)
    if bool((~small[blamed]).any()) or (len(blamed) and not isolated(evidence, k, blamed[:SUSPECTS])):
        return _disagrees(evidence, k, blamed)
    return (
        _asymmetric(evidence, k)
        or _protocol(evidence, k)
        or _uncovered(evidence, k)
        or _warning(evidence, k, Cause.RANGE, failing[excused])
        or _warning(evidence, k, Cause.ISOLATED, blamed)
        or _imprecise(evidence, k)
        or _blind(evidence, k)
        or _uncontrolled(evidence, k)
        or Decision(Verdict.AGREES, at=_first(judged, k))
    )


def _by_range(evidence: Evidence, k: int, failing: Tensor) -> Tensor:
    """(f,) bool: failures that are a matter of the dtype's range, where the exact value is about to leave it."""
    judge, judged = evidence.judge, evidence.judged
    exact, values = judged.exact.high[failing, k], judged.values[failing, k]
    near_edge = far(exact, values, judge.dtype)
    if bool(near_edge.any()):
        points = judged.points.columns[:, failing[near_edge]].to(judge.dtype)
        near_edge[near_edge.clone()] = leaves_range(judge.attempted, points)
    return near_edge | subnormal(exact, values, judge.dtype)


def _warning(evidence: Evidence, k: int, cause: Cause, rows: Tensor) -> Decision | None:
    return Decision(Verdict.IMPRECISE, cause, "", _shown(evidence.judged, k, rows)) if len(rows) else None


def _shown(judged: Judged, k: int, rows: Tensor) -> int:
    """Of these judged points the one to show."""
    return int(rows[plainest(judged.points.columns[:, rows], judged.excess[rows, k])])


def _first(judged: Judged, k: int) -> int:
    """The judged point whose error is the largest multiple of its bound."""
    return int(judged.excess[:, k].argmax())


def _uncovered(evidence: Evidence, k: int) -> Decision | None:
    """Too few of the sampled points were judged for anything to be proved."""
    judged = evidence.judged
    status, sampled = judged.exact.status[:, k], judged.points.kinds == Kind.SAMPLED
    share = judged.counted[sampled, k].double().mean() if bool(sampled.any()) else judged.counted[:, k].any().double()
    if len(status) and float(share) >= FEWEST_JUDGED:
        return None
    if not len(status):
        return Decision(Verdict.UNDECIDED, Cause.TIMEOUT)
    if bool((status == Status.UNSETTLED).any()):
        return Decision(Verdict.UNDECIDED, Cause.UNSETTLED)
    if bool((status == Status.KINK).any()):
        return Decision(Verdict.UNDECIDED, Cause.KINK, "choose a domain beside it")
    advice = f"try {evidence.better_domain}" if evidence.better_domain else ""
    return Decision(Verdict.UNDECIDED, Cause.EMPTY_DOMAIN, advice)


def _disagrees(evidence: Evidence, k: int, blamed: Tensor) -> Decision:
    judged = evidence.judged
    worst = blamed[judged.excess[blamed, k].topk(min(SUSPECTS, len(blamed))).indices]
    shown = _shown(judged, k, blamed)
    if bool(torch.isfinite(judged.values[worst, k]).all()) and isolated(evidence, k, worst):
        count = len(distinct(judged.points.columns, blamed))
        return Decision(Verdict.DISAGREES, Cause.ISOLATED, _alone(evidence, shown, count), shown)
    cause, message = diagnose(Suspect(evidence.judge, k, judged.at(worst), k in evidence.cut))
    return Decision(Verdict.DISAGREES, cause, message, shown, needs_batch=cause is Cause.PROTOCOL)


def _alone(evidence: Evidence, at: int, count: int) -> str:
    """Where: `at x = 0`, or so and at others like it."""
    point = evidence.judged.points.columns[:, at].tolist()
    where = ", ".join(f"{name} = {x:.6g}" for name, x in zip(evidence.problem.coordinates, point, strict=False))
    return f"at {where}" + (f" and at {counted(count - 1, 'more such point')}" if count > 1 else "")


def _asymmetric(evidence: Evidence, k: int) -> Decision | None:
    """Right by the canonical sequence, wrong by another."""
    crossed = evidence.crossed
    if crossed is None:
        return None
    judged, dtype = crossed.judged, evidence.judge.dtype
    for column in (c for c, partial in enumerate(crossed.partials) if partial == k):
        edge = far(judged.exact.high[:, column], judged.values[:, column], dtype)
        if bool((judged.fails[:, column] & ~edge).any()):
            by = ", ".join(evidence.problem.variables[j] for j in crossed.sequences[column])
            message = f"differentiating by {by} is wrong"
            return Decision(Verdict.DISAGREES, Cause.ASYMMETRIC, message, _first(judged, column), judged, column)
    return None


def _protocol(evidence: Evidence, k: int) -> Decision | None:
    """Right as it was called, wrong if it is called another way."""
    failure = evidence.protocol(k)
    if failure is None:
        return None
    message, at, judged, needs_batch = failure
    return Decision(Verdict.DISAGREES, Cause.PROTOCOL, message, at, judged, k, needs_batch)


def _imprecise(evidence: Evidence, k: int) -> Decision | None:
    """Within the bound, yet err > 4·sqrt(u)·(|exact| + Σ|x_j·∂_j exact|): more is lost than rounded inputs explain."""
    judged = evidence.judged
    u = ulp.unit_roundoff(evidence.judge.dtype)
    root = ROUNDINGS * u**0.5
    error, size = judged.error[:, k], judged.exact.high[:, k].abs()
    ours = judged.points.kinds != Kind.SAMPLED
    unseen = invisible(evidence, k, FACTOR + ROUNDINGS) | (ours & invisible(evidence, k, root / u))
    correct = error <= ulp.smallest_subnormal(evidence.judge.dtype)
    lost = torch.where(judged.counted[:, k] & ~correct & ~(error <= root * size) & ~unseen, error / size, -1.0)
    candidates = lost.topk(min(CANDIDATES, len(lost))).indices
    candidates = candidates[lost[candidates] > 0]
    if not len(candidates):
        return None
    scale = size[candidates] + _conditioning(evidence, k, candidates)
    # Where the partial is 0 all around there is no digit to lose.
    left = candidates[(scale > 0) & (error[candidates] > root * scale)]
    if not len(left):
        return None
    at = int(left[0])
    below = subnormal(judged.exact.high[at, k], judged.values[at, k], evidence.judge.dtype)
    return Decision(Verdict.IMPRECISE, Cause.RANGE if bool(below) else Cause.CONDITIONING, "", at)


def _blind(evidence: Evidence, k: int) -> Decision | None:
    """Within a bound that hides nearly everything."""
    sensitivity = evidence.sensitivity[k]
    if not is_blind(sensitivity, evidence.judge.dtype):
        return None
    message = f"a relative error of {sensitivity.median:.1g} would pass at half of the points"
    return Decision(Verdict.IMPRECISE, Cause.CONDITIONING, message, _first(evidence.judged, k))


def _uncontrolled(evidence: Evidence, k: int) -> Decision | None:
    """It agrees, and so does what is planted wrong."""
    if not evidence.problem.control or not control.passes(evidence, k):
        return None
    message = f"a relative error of {control.TIMES * evidence.sensitivity[k].worst:.1g}"
    return Decision(Verdict.DISAGREES, Cause.CONTROL, message, _first(evidence.judged, k))


def _conditioning(evidence: Evidence, k: int, rows: Tensor) -> Tensor:
    """Σ|x_j·∂_j ∂^α f| at judged points (rows,): how far the partial moves if every input moves by all of itself."""
    problem = evidence.problem
    alpha = problem.partials[k]
    above = tuple((*alpha[:j], alpha[j] + 1, *alpha[j + 1 :]) for j in range(len(alpha)))
    columns = evidence.judged.points.columns[:, rows]
    try:
        exact = evidence.judge.referees.of(above, evidence.judge.dtype).enclose(columns)
    except (Unsupported, TimedOut):
        return torch.zeros(len(rows), dtype=torch.float64)
    settled = exact.status == Status.SETTLED
    return torch.where(settled, columns.T * exact.high, 0.0).abs().sum(1)
