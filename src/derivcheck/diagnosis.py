"""Why a partial is wrong: the same point again under one changed condition, until one explains it.

Each question is one more evaluation at a handful of points: is it right for a constant cotangent? along another
sequence of differentiations? in float64? does an intermediate result leave the range of the dtype?
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from derivcheck.operations import Operations, call, floats
from derivcheck.outcomes import Cause

SHRINKING = frozenset(
    "mul div exp exp2 pow square reciprocal sigmoid erfc mul_ div_ prod sigmoid_backward exp_ sech".split()
)
# Operations that are infinite at 0: there it is the function's own doing, not an overflow.
WITH_POLES = frozenset("div reciprocal pow log log2 log10 rsqrt digamma lgamma polygamma special_zeta".split())

Evaluate = Callable[[Tensor], Tensor]  # points (d, k) -> values (k,) of the partial in question
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


class Watch(Operations):
    """Records which operations ran, and the first whose result left the range of its dtype. For a single point."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: set[str] = set()
        self.overflow = self.underflow = ""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        self.operations.add(name)
        out = call(func, args, kwargs)
        for tensor in floats(out):
            inputs = [a for part in floats((args, kwargs)) for a in part.flatten().tolist()]
            self._look(name, tensor, inputs)
        return out

    def _look(self, name: str, out: Tensor, inputs: list[float]) -> None:
        values = out.double()
        if not inputs or any(x != x or abs(x) == float("inf") for x in inputs):
            return
        if bool(torch.isinf(values).any()) and not (name in WITH_POLES and 0 in inputs):
            self.overflow = self.overflow or name
        small = values.abs() < torch.finfo(out.dtype).tiny
        if name in SHRINKING and 0 not in inputs and bool(small.any()):
            self.underflow = self.underflow or name

    @property
    def left_range(self) -> bool:
        return bool(self.overflow or self.underflow)

    @property
    def sentence(self) -> str:
        if self.overflow:
            return f"the result of {self.overflow} overflows"
        return f"the result of {self.underflow} underflows" if self.underflow else ""


def watch(evaluate: Evaluate, point: Tensor) -> Watch:
    """Run one point (d, 1) and look at every operation, forward and backward."""
    mode = Watch()
    with mode:
        evaluate(point)
    return mode
