"""Evidence -> one row a partial: verdict, cause, worst point."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from derivcheck import ulp
from derivcheck.errors import TimedOut, Unsupported
from derivcheck.exact.enclosures import Status
from derivcheck.judgement import excuses
from derivcheck.judgement.bound import Judged
from derivcheck.judgement.diagnosis import Suspect, diagnose
from derivcheck.judgement.excuses import Excuse
from derivcheck.outcomes import Cause, Verdict
from derivcheck.sampling.points import Kind

if TYPE_CHECKING:
    from derivcheck.judgement.evidence import Evidence

SUSPECTS = 16  # failing points that a cause has to explain: the worst ones
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
    if not bool(judged.counted[:, k].any()):
        return _undecided(evidence, k)
    failing = judged.fails[:, k].nonzero().squeeze(1)
    reasons = excuses.excuses(evidence, k, failing)
    blamed = failing[[reason is None for reason in reasons]]
    if len(blamed):
        return _disagrees(evidence, k, blamed)
    agrees = Decision(Verdict.AGREES, at=_first(judged, k))
    return (
        _asymmetric(evidence, k)
        or _protocol(evidence, k)
        or _excused(failing, reasons)
        or _imprecise(evidence, k)
        or agrees
    )


def _excused(failing: Tensor, reasons: list[Excuse | None]) -> Decision | None:
    """Failures at points that nobody asked for: a warning if by range, a remark if at a single point."""
    for excuse, verdict, cause in (
        (Excuse.RANGE, Verdict.IMPRECISE, Cause.RANGE),
        (Excuse.ISOLATED, Verdict.AGREES, Cause.ISOLATED),
    ):
        if excuse in reasons:
            return Decision(verdict, cause, "", int(failing[reasons.index(excuse)]))
    return None


def _first(judged: Judged, k: int) -> int:
    """The judged point whose error is the largest multiple of its bound."""
    return int(judged.excess[:, k].argmax())


def _undecided(evidence: Evidence, k: int) -> Decision:
    status = evidence.judged.exact.status[:, k]
    if not len(status):
        return Decision(Verdict.UNDECIDED, Cause.TIMEOUT)
    if bool((status == Status.UNSETTLED).any()):
        return Decision(Verdict.UNDECIDED, Cause.UNSETTLED)
    if bool((status == Status.KINK).any()):
        return Decision(Verdict.UNDECIDED, Cause.KINK, "choose a domain beside it")
    if bool((status == Status.SETTLED).any()):
        return Decision(
            Verdict.UNDECIDED, Cause.EMPTY_DOMAIN, f"all values are beyond the range of {evidence.problem.dtype}"
        )
    advice = f"try {evidence.better_domain}" if evidence.better_domain else ""
    return Decision(Verdict.UNDECIDED, Cause.EMPTY_DOMAIN, advice)


def _disagrees(evidence: Evidence, k: int, failing: Tensor) -> Decision:
    judged = evidence.judged
    worst = failing[judged.excess[failing, k].topk(min(SUSPECTS, len(failing))).indices]
    cause, message = diagnose(Suspect(evidence.judge, k, judged.at(worst), k in evidence.cut))
    mixes = cause is Cause.PROTOCOL
    return Decision(Verdict.DISAGREES, cause, message, int(worst[0]), needs_batch=mixes)


def _asymmetric(evidence: Evidence, k: int) -> Decision | None:
    """Right by the canonical sequence, wrong by another."""
    crossed = evidence.crossed
    if crossed is None:
        return None
    judged, dtype = crossed.judged, evidence.judge.dtype
    for column in (c for c, partial in enumerate(crossed.partials) if partial == k):
        far = excuses.far(judged.exact.high[:, column], judged.values[:, column], dtype)
        if bool((judged.fails[:, column] & ~far).any()):
            by = ", ".join(evidence.problem.variables[j] for j in crossed.sequences[column])
            message = f"differentiating by {by} is wrong"
            return Decision(Verdict.DISAGREES, Cause.ASYMMETRIC, message, _first(judged, column), judged, column)
    return None


def _protocol(evidence: Evidence, k: int) -> Decision | None:
    """Right as it was called, wrong if it is called another way."""
    failure = evidence.protocol[k]
    if failure is None:
        return None
    message, at, judged, needs_batch = failure
    return Decision(Verdict.DISAGREES, Cause.PROTOCOL, message, at, judged, k, needs_batch)


def _imprecise(evidence: Evidence, k: int) -> Decision | None:
    """Within the bound, yet err > sqrt(u)·(|exact| + Σ|x_j·∂_j exact|): more is lost than rounded inputs explain."""
    judged = evidence.judged
    root = ulp.unit_roundoff(evidence.judge.dtype) ** 0.5
    error, size = judged.error[:, k], judged.exact.high[:, k].abs()
    asked = judged.points.kinds == Kind.SAMPLED
    broken = ~torch.isfinite(error)
    lost = torch.where(judged.counted[:, k] & (asked | broken) & ~(error <= root * size), error / size, -1.0)
    lost = torch.nan_to_num(lost, nan=torch.inf)
    candidates = lost.topk(min(CANDIDATES, len(lost))).indices
    candidates = candidates[lost[candidates] > 0]
    if not len(candidates):
        return None
    scale = size[candidates] + _conditioning(evidence, k, candidates)
    # Where the partial is 0 all around there is no digit to lose.
    left = candidates[broken[candidates] | ((scale > 0) & (error[candidates] > root * scale))]
    return Decision(Verdict.IMPRECISE, Cause.CONDITIONING, "", int(left[0])) if len(left) else None


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
