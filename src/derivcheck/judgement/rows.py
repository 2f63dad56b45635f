"""What a row says of itself before and beside its verdict: its names, its formula, the command that replays it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from derivcheck import ulp
from derivcheck.exact.enclosures import Exact, Status
from derivcheck.judgement import replay
from derivcheck.judgement.bound import Judged
from derivcheck.judgement.verdict import Decision, decide
from derivcheck.multi_index import MultiIndex, label
from derivcheck.outcomes import Cause, Verdict
from derivcheck.results import Difference, PartialResult, PointCounts, Side, Worst
from derivcheck.symbolic.translation import to_sympy

if TYPE_CHECKING:
    from derivcheck.judgement.evidence import Evidence
    from derivcheck.problem import Problem
    from derivcheck.symbolic.differentiation import SymbolicPartials

LARGEST_PRINTED = 500  # symbols of a partial that is turned back into a formula: beyond it nobody reads it
LONGEST_PRINTED = 2000  # characters of it


def blank(problem: Problem, alpha: MultiIndex, graph: SymbolicPartials | None = None) -> PartialResult:
    """The row before anything is known of it but its names."""
    return PartialResult(
        partial={v: k for v, k in zip(problem.variables, alpha, strict=True) if k},
        order=sum(alpha),
        label=label(alpha, problem.variables),
        symbolic=_formula(graph, alpha) if graph else "",
        engine=problem.engine,
        verdict=Verdict.UNDECIDED,
        reproduce=replay.command(problem, alpha, None),
    )


def unsupported(problem: Problem, alpha: MultiIndex, reason: str) -> PartialResult:
    """The row of a partial that cannot be computed."""
    return replace(blank(problem, alpha), verdict=Verdict.UNSUPPORTED, cause=Cause.OPERATION, message=reason)


def late(problem: Problem, alpha: MultiIndex, reason: str) -> PartialResult:
    """The row of a partial that was not reached in time."""
    return replace(blank(problem, alpha), verdict=Verdict.UNDECIDED, cause=Cause.TIMEOUT, message=reason)


def _formula(graph: SymbolicPartials, alpha: MultiIndex) -> str:
    """sympy's text of a partial, empty where it is too long to read."""
    root = graph[alpha]
    if graph.graph.written(root) > LARGEST_PRINTED:
        return ""
    text = str(to_sympy(graph.graph, root, graph.symbols))
    return text if len(text) <= LONGEST_PRINTED else ""


def row(
    evidence: Evidence, k: int, blank: PartialResult, autograd: tuple[float, float], sympy: tuple[float, float]
) -> PartialResult:
    """The result of partial k. `blank` has its names; `autograd`, `sympy` are (median, IQR) in seconds."""
    decision = decide(evidence, k)
    judged, places = evidence.judged, evidence.judged.places
    u = ulp.unit_roundoff(getattr(torch, evidence.problem.dtype))
    values, reference = (part.values[:, k].detach().cpu() for part in (evidence.autograd, evidence.sympy))
    dropped = torch.zeros(len(values), dtype=torch.bool)
    dropped[places] = ~judged.counted[:, k]
    computed, symbolic = k not in evidence.autograd.unsupported, k not in evidence.sympy.unsupported
    return replace(
        blank,
        verdict=decision.verdict,
        cause=decision.cause,
        message=decision.message,
        points=PointCounts(evidence.checked, int(judged.counted[:, k].sum()), skipped(judged, k)),
        difference=difference(values, reference, dropped) if computed and symbolic else blank.difference,
        autograd=side(judged.values[:, k], judged, k, u, autograd) if computed else Side(),
        sympy=side(reference[places].double(), judged, k, u, sympy) if symbolic else Side(),
        worst=_worst(evidence, k, decision),
    )


def _worst(evidence: Evidence, k: int, decision: Decision) -> Worst | None:
    if decision.at is None:
        return None
    judged, column = (decision.judged, decision.column) if decision.judged else (evidence.judged, k)
    i = decision.at
    place = int(judged.places[i])
    point = dict(zip(evidence.problem.variables, evidence.points.columns[:, place].tolist(), strict=True))
    sympy = float(evidence.sympy.values[place, k]) if k not in evidence.sympy.unsupported else math.nan
    return Worst(
        point,
        float(judged.values[i, column]),
        sympy,
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
        "not representable": (status == Status.SETTLED) & ~judged.counted[:, k],
    }
    return {reason: int(mask.sum()) for reason, mask in reasons.items() if mask.any()}


def side(values: Tensor, judged: Judged, k: int, u: float, seconds: tuple[float, float]) -> Side:
    """One computation against the exact value of partial k, largest over the judged points; `values` (points,)."""
    keep = judged.counted[:, k]
    exact = judged.exact.high[keep, k]
    error = Exact(exact, judged.exact.low[keep, k], judged.exact.status[keep, k]).error(values[keep])
    # A zero that is off by no more than the bound has no relative error worth a number.
    relative = (exact != 0) | ~(error <= judged.bound[keep, k])
    bits = ulp.lost_bits(error[relative], exact[relative], u)
    return Side(_largest(error), _largest((error / exact.abs())[relative]), _largest(bits), *seconds)


def difference(autograd: Tensor, sympy: Tensor, dropped: Tensor) -> Difference:
    """autograd against sympy, both (n,) in the dtype. `dropped` are the points where the derivative does not exist."""
    keep = ~dropped & (torch.isfinite(autograd) | torch.isfinite(sympy))
    a, b = autograd[keep], sympy[keep]
    gap = (a.double() - b.double()).abs()
    both = torch.maximum(a.double().abs(), b.double().abs())
    relative = torch.where(gap == 0, 0.0, gap / both)
    return Difference(_largest(gap), _largest(relative), _largest(ulp.ulp_distance(a, b).double()))


def _largest(values: Tensor) -> float:
    """The maximum, NaN if any is NaN: torch's max propagates it. NaN of nothing."""
    return values.max().item() if len(values) else math.nan
