"""The row of a partial: its names and formula, its verdict, its figures, the command that replays it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from derivcheck import ulp
from derivcheck.engines.tensors import written
from derivcheck.engines.timing import Times
from derivcheck.exact.enclosures import Status
from derivcheck.judgement import replay
from derivcheck.judgement.bound import Judged, distance
from derivcheck.judgement.verdict import Decision, decide
from derivcheck.multi_index import MultiIndex, label
from derivcheck.outcomes import Cause, Verdict
from derivcheck.results import Difference, PartialResult, PointCounts, Side, Worst
from derivcheck.sampling.points import Kind, on_device
from derivcheck.symbolic.printing import formula_text

if TYPE_CHECKING:
    from derivcheck.judgement.evidence import Evidence
    from derivcheck.problem import Problem
    from derivcheck.symbolic.differentiation import SymbolicPartials

Timed = tuple[Times, Times]  # of autograd and of sympy

LONGEST_PRINTED = 2000  # characters of the formula of a partial: beyond it nobody reads it
NEEDS_BATCH = "one point alone does not show it, so the command to reproduce it has them all"


class Said(NamedTuple):
    """What is said of a partial, and the point that shows it."""

    verdict: Verdict
    cause: Cause | None = None
    message: str = ""
    worst: Worst | None = None
    needs_batch: bool = False


def row(
    problem: Problem, alpha: MultiIndex, said: Said, symbolic: SymbolicPartials | None = None, **figures: Any
) -> PartialResult:
    """The row of a partial: its names, what is said of it, its figures. `symbolic` prints its formula."""
    pinned = None if said.worst is None or said.needs_batch else said.worst.point
    return PartialResult(
        partial={v: k for v, k in zip(problem.variables, alpha, strict=True) if k},
        order=sum(alpha),
        label=label(alpha, problem.variables, written(problem.output)),
        output="" if problem.output is None else written(problem.output),
        symbolic=_formula(symbolic, alpha) if symbolic else "",
        engine=problem.engine,
        verdict=said.verdict,
        cause=said.cause,
        message=said.message,
        worst=said.worst,
        reproduce=replay.command(problem, alpha, pinned),
        **figures,
    )


def unsupported(problem: Problem, alpha: MultiIndex, reason: str) -> PartialResult:
    """The row of a partial that cannot be computed."""
    return row(problem, alpha, Said(Verdict.UNSUPPORTED, Cause.OPERATION, reason))


def late(problem: Problem, alpha: MultiIndex, reason: str) -> PartialResult:
    """The row of a partial that was not reached in time."""
    return row(problem, alpha, Said(Verdict.UNDECIDED, Cause.TIMEOUT, reason))


def lost(problem: Problem, alpha: MultiIndex, reason: str) -> PartialResult:
    """The row of a partial whose check did not finish."""
    return row(problem, alpha, Said(Verdict.UNDECIDED, Cause.LOST, reason))


def judged_row(evidence: Evidence, k: int, times: Timed) -> PartialResult:
    """The row of partial k of the evidence."""
    problem, judged = evidence.problem, evidence.judged
    decision, dtype = decide(evidence, k), evidence.judge.dtype
    sympy = evidence.sides.sympy[evidence.places, k]
    computed, symbolic = k not in evidence.unsupported, k not in evidence.unsupported_sympy
    both = computed and symbolic
    return row(
        problem,
        problem.partials[k],
        _said(evidence, k, decision),
        evidence.judge.referees.symbolic,
        points=_counts(evidence, k),
        difference=difference(evidence.sides.autograd[evidence.places, k], sympy, judged, k) if both else Difference(),
        autograd=_autograd(evidence, k, decision, times[0]) if computed else Side(),
        sympy=side(sympy.double(), judged, k, dtype, times[1]) if symbolic else Side(),
        excess=_excess(evidence, k, decision) if computed else math.nan,
        sensitivity=evidence.sensitivity[k],
        remarks=(*_remarks(evidence, k), *_sympy_off(evidence, k)) if computed and symbolic else (),
    )


def _said(evidence: Evidence, k: int, decision: Decision) -> Said:
    """The decision with its point, and why the command has all points if it has."""
    needs_batch = decision.needs_batch or _is_right_alone(evidence, k, decision)
    message = "; ".join(part for part in (decision.message, NEEDS_BATCH if needs_batch else "") if part)
    return Said(decision.verdict, decision.cause, message, _worst(evidence, k, decision), needs_batch)


def _is_right_alone(evidence: Evidence, k: int, decision: Decision) -> bool:
    """Whether the plain call is right, or raises, at the failing point if it gets no other one."""
    if decision.verdict is not Verdict.DISAGREES or decision.at is None or decision.judged is not None:
        return False
    judged, judge = evidence.judged.at(torch.tensor([decision.at])), evidence.judge
    try:
        value = judge.values(judged.points.columns.to(judge.dtype)).double()[:, k : k + 1]
    except Exception:
        return True  # it takes no single point
    error = distance(value, judged.exact.at(slice(None), [k]), judge.dtype)
    return bool(error <= judged.bound[:, k : k + 1])


def _excess(evidence: Evidence, k: int, decision: Decision) -> float:
    """error / bound at the worst judged point, of the call that is judged: another one than the plain call may be what
    is wrong. Points whose bound is not complete, because the partial is wrong at a worse one, are left out."""
    judged = evidence.judged
    usable = judged.excess[judged.counted[:, k] & ~judged.unseen[:, k], k]
    plain = float(usable.max()) if len(usable) else math.nan
    if decision.judged is None or decision.at is None:
        return plain
    return float(decision.judged.excess[decision.at, decision.column])


def _autograd(evidence: Evidence, k: int, decision: Decision, seconds: Times) -> Side:
    """autograd's side, with the error of the call that is judged."""
    judged = evidence.judged
    found = side(judged.values[:, k], judged, k, evidence.judge.dtype, seconds)
    if decision.judged is None or decision.at is None:
        return found
    return replace(found, max_abs_error=float(decision.judged.error[decision.at, decision.column]))


def _counts(evidence: Evidence, k: int) -> PointCounts:
    judged = evidence.judged
    unrefereed = evidence.problem.points - int((judged.points.kinds == Kind.SAMPLED).sum())
    return PointCounts(evidence.checked, int(judged.counted[:, k].sum()), skipped(judged, k), max(0, unrefereed))


def _remarks(evidence: Evidence, k: int) -> tuple[str, ...]:
    """A sentence on what is wrong at points of extreme magnitude alone."""
    judged = evidence.judged
    rows = judged.remarked[:, k].nonzero().squeeze(1)
    if not len(rows):
        return ()
    i = int(rows[0])
    value, exact = float(judged.values[i, k]), float(judged.exact.high[i, k])
    where = f"{_at(evidence, i)}, far below the scale of the domain"
    return (f"{where}, autograd gives {value:.3g}, exact is {exact:.3g}",)


def _sympy_off(evidence: Evidence, k: int) -> tuple[str, ...]:
    """A sentence where it is sympy's side that is off, and visibly, at a judged point where autograd is right."""
    judged, dtype = evidence.judged, evidence.judge.dtype
    values = evidence.sides.sympy[evidence.places, k]
    error = distance(values.unsqueeze(1), judged.exact.at(slice(None), [k]), dtype).squeeze(1)
    visible = ulp.unit_roundoff(dtype) ** 0.5 * torch.maximum(judged.exact.high[:, k].abs(), judged.usual[k])
    off = judged.counted[:, k] & ~judged.fails[:, k] & ~((error <= judged.bound[:, k]) | (error <= visible))
    if not bool(off.any()):
        return ()
    i = int(torch.where(off, error.nan_to_num(nan=torch.inf), -1.0).argmax())
    exact = float(judged.exact.high[i, k])
    return (f"{_at(evidence, i, 17)}, sympy gives {float(values[i])!r}, exact is {exact!r}",)


def _at(evidence: Evidence, i: int, digits: int = 3) -> str:
    """at x = 0.5, y = 2"""
    point = zip(evidence.problem.coordinates, evidence.judged.points.columns[:, i].tolist(), strict=False)
    return "at " + ", ".join(f"{name} = {x:.{digits}g}" for name, x in point)


def _formula(symbolic: SymbolicPartials, alpha: MultiIndex) -> str:
    """sympy's text of a partial, empty where it is too long to read."""
    return formula_text(symbolic, symbolic.partial(alpha), LONGEST_PRINTED)


def _worst(evidence: Evidence, k: int, decision: Decision) -> Worst | None:
    if decision.at is None:
        return None
    judged, column = (decision.judged, decision.column) if decision.judged else (evidence.judged, k)
    i = decision.at
    point = judged.points.columns[:, i : i + 1]
    sympy = evidence.judge.evaluate_sympy(on_device(evidence.problem, point)).values[0, k]
    return Worst(
        dict(zip(evidence.problem.coordinates, point[:, 0].tolist(), strict=False)),
        float(judged.values[i, column]),
        float(sympy) if k not in evidence.unsupported_sympy else math.nan,
        float(judged.exact.high[i, column]),
        float(judged.bound[i, column]),
    )


def skipped(judged: Judged, k: int) -> dict[str, int]:
    """Points that were refereed and not judged for partial k, by reason."""
    status = judged.exact.status[:, k]
    reasons = {
        "undefined": status == Status.UNDEFINED,
        "kink": status == Status.KINK,
        "unsettled": status == Status.UNSETTLED,
        "singularity within a rounding": judged.singular[:, k],
        "extreme": (status == Status.SETTLED) & ~judged.counted[:, k] & ~judged.singular[:, k],
    }
    return {reason: int(mask.sum()) for reason, mask in reasons.items() if mask.any()}


def side(values: Tensor, judged: Judged, k: int, dtype: torch.dtype, seconds: Times) -> Side:
    """One computation against the exact value of partial k, largest over the judged points; `values` (points,)."""
    keep = judged.counted[:, k]
    exact = judged.exact.high[keep, k]
    error = distance(values[keep].unsqueeze(1), judged.exact.at(keep, [k]), dtype).squeeze(1)
    # A zero that is off by no more than the bound has no relative error worth a number.
    relative = (exact != 0) | ~(error <= judged.bound[keep, k])
    bits = ulp.lost_bits(error[relative], exact[relative], ulp.unit_roundoff(dtype))
    return Side(_largest(error), _largest((error / exact.abs())[relative]), _largest(bits), *seconds)


def difference(autograd: Tensor, sympy: Tensor, judged: Judged, k: int) -> Difference:
    """autograd against sympy, both (points,) in the dtype, largest over the judged points of partial k."""
    keep = judged.counted[:, k]
    a, b = autograd[keep], sympy[keep]
    same = (a == b) | (torch.isnan(a) & torch.isnan(b))
    gap = torch.where(same, 0.0, (a.double() - b.double()).abs())
    both = torch.maximum(a.double().abs(), b.double().abs())
    relative = torch.where(gap == 0, 0.0, gap / both)
    ulps = torch.where(same, 0.0, ulp.ulp_distance(a, b).double())
    return Difference(_largest(gap), _largest(relative), _largest(ulps))


def _largest(values: Tensor) -> float:
    """The maximum, NaN if any is NaN: torch's max propagates it. NaN of nothing."""
    return values.max().item() if len(values) else math.nan
