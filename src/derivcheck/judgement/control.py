"""The control of a pass: an error of twice the stated sensitivity, planted in the backward, must be found.

Each input goes through an identity whose backward multiplies by 1 + η, so that a partial of order k carries (1 + η)^k.
What is wrong by that much and passes proves that the pass said nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from derivcheck import multi_index
from derivcheck.engines.calling import point_function
from derivcheck.sampling.points import Kind, Points, on_device

if TYPE_CHECKING:
    from derivcheck.judgement.evidence import Evidence

MOST = 256  # sampled points at which the control is judged
TIMES = 2.0  # the stated sensitivity


class _Planted(torch.autograd.Function):
    """The identity, with a backward that is off by a factor."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return x.clone()

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        return g * ctx.factor, None


COLUMNS: dict[str, Any] = {"shapes": (), "output": None, "params": ()}
"""Of a function that takes columns and returns one."""


def passes(evidence: Evidence, k: int) -> bool:
    """Whether the planted error goes unseen in partial k, at its sampled points."""
    judged, problem = evidence.judged, evidence.problem
    places = (judged.counted[:, k] & (judged.points.kinds == Kind.SAMPLED)).nonzero().squeeze(1)[:MOST]
    places = places[judged.exact.high[places, k] != 0]
    if not len(places) or evidence.sensitivity[k].worst != evidence.sensitivity[k].worst:
        return False  # a partial that is 0 has no relative error
    alpha, error = problem.partials[k], TIMES * evidence.sensitivity[k].worst
    function = _planted(point_function(problem), sum(alpha), error)
    planted = replace(problem, function=function, engine="reverse", layout="columns", **COLUMNS)
    judge = replace(evidence.judge, problem=planted).along([multi_index.canonical(alpha)])
    chosen = judged.at(places)
    values = judge.evaluate(on_device(problem, chosen.points.columns)).values.detach()
    points = Points(chosen.points.columns, chosen.points.kinds)
    found = judge.of(points, values, chosen.exact.at(slice(None), [k]), chosen.noise[:, k : k + 1])
    return not bool(found.fails.any())


def _planted(function: Callable[..., Tensor], order: int, error: float) -> Callable[..., Tensor]:
    """The function with a relative error in its partials of this order; at least two roundings, to be one at all."""

    def wrong(*columns: Tensor) -> Tensor:
        least = 2 * torch.finfo(columns[0].dtype).eps
        factor = 1 + max(error / max(order, 1), least)
        if order == 0:
            return function(*columns) * factor
        return function(*(_Planted.apply(x, factor) for x in columns))  # type: ignore[no-untyped-call]

    return wrong
