"""Why a partial is wrong: the same point again under one changed condition, until one explains it.

Each question is one more evaluation at a handful of points: is it right for a constant cotangent? along another
sequence of differentiations? in float64? does an intermediate result leave the range of the dtype?
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from derivcheck.judgement.watch import Evaluate, watch
from derivcheck.outcomes import Cause

Within = Callable[[Tensor], bool]  # whether values (k,) are within the bound at the points in question


@dataclass(frozen=True)
class Suspect:
    """One failing partial at k failing points, and the ways to compute it again."""

    order: int
    values: Tensor
    """(k,) what was wrong."""
    points: Tensor
    """(d, k)."""
    dtype: torch.dtype
    cut: bool
    function: Evaluate
    """The function itself, without derivatives."""
    again: Evaluate
    with_ones: Evaluate | None
    other_sequences: tuple[tuple[str, Evaluate], ...]
    within: Within


def diagnose(suspect: Suspect) -> tuple[Cause, str]:
    """The first cause that explains the failure, and what is known of it."""
    for question in (_value, _non_finite, _cut, _cotangent, _asymmetric, _range, _precision):
        answer = question(suspect)
        if answer is not None:
            return answer
    return Cause.FORMULA, ""


def _value(suspect: Suspect) -> tuple[Cause, str] | None:
    return (Cause.VALUE, "") if suspect.order == 0 and bool(torch.isfinite(suspect.values).all()) else None


def _non_finite(suspect: Suspect) -> tuple[Cause, str] | None:
    if bool(torch.isfinite(suspect.values).all()):
        return None
    point = suspect.points[:, ~torch.isfinite(suspect.values)][:, :1].to(suspect.dtype)
    trace = watch(suspect.again, point)
    if suspect.order > 0 and "where" in watch(suspect.function, point).operations:
        return (
            Cause.NON_FINITE,
            "torch.where sends NaN through the branch not taken: clean its input with a second where",
        )
    return Cause.NON_FINITE, trace.sentence


def _cut(suspect: Suspect) -> tuple[Cause, str] | None:
    return (Cause.CUT, "") if suspect.cut else None


def _cotangent(suspect: Suspect) -> tuple[Cause, str] | None:
    if suspect.with_ones is not None and suspect.order > 0 and suspect.within(suspect.with_ones(suspect.points)):
        return Cause.COTANGENT, ""
    return None


def _asymmetric(suspect: Suspect) -> tuple[Cause, str] | None:
    for name, evaluate in suspect.other_sequences:
        if suspect.within(evaluate(suspect.points)):
            return Cause.ASYMMETRIC, f"differentiating by {name} is right"
    return None


def _range(suspect: Suspect) -> tuple[Cause, str] | None:
    trace = watch(suspect.again, suspect.points[:, :1].to(suspect.dtype))
    return (Cause.RANGE, trace.sentence) if trace.left_range else None


def _precision(suspect: Suspect) -> tuple[Cause, str] | None:
    if suspect.dtype == torch.float64:
        return None
    try:
        right = suspect.within(suspect.again(suspect.points.double().cpu()))
    except (RuntimeError, TypeError, ValueError):
        return None
    return (Cause.PRECISION, "") if right else None
