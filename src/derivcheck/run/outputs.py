"""A function that returns several numbers per point is checked as one function for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import torch

from derivcheck.engines.calling import leaves, user_function
from derivcheck.engines.tensors import Place, places
from derivcheck.errors import FunctionError
from derivcheck.multi_index import MOST_PARTIALS
from derivcheck.results import Seconds
from derivcheck.sampling.points import looked_at, on_device

if TYPE_CHECKING:
    from derivcheck.problem import Problem

LOOKED_AT = 3  # points that show the shape of a result; one or two could be mistaken for an axis of it


def outputs(problem: Problem) -> list[Problem]:
    """The problem, once for each number that its function returns for a point. With an expression there is one."""
    if problem.formula is not None or problem.function is None:
        return [problem]
    found = _places(problem)
    if len(found) * len(problem.partials) > MOST_PARTIALS:
        each = f"{len(found)} numbers per point with {len(problem.partials)} partials each"
        cause = f"{problem.function_name} returns {each}, the most is {MOST_PARTIALS}"
        raise FunctionError(cause, "Lower --order, or name fewer variables in --wrt.")
    if problem.reference is not None:
        _require_alike(problem, found)
    return [replace(problem, output=place) for place in found] or [problem]


def _places(problem: Problem) -> list[Place]:
    """None where it returns one number, or cannot be called, which is said later."""
    points = on_device(problem, looked_at(problem, LOOKED_AT))
    try:
        with torch.enable_grad():
            return places(user_function(problem)(*leaves(points)), points.shape[1])
    except Exception:
        return []


def _require_alike(problem: Problem, found: Sequence[Place]) -> None:
    plain = replace(problem, function=problem.reference, function_name=problem.reference_name)
    other = _places(plain)
    if other and other != list(found):
        cause = f"{problem.reference_name} returns {len(other)} numbers per point, the function {len(found) or 1}"
        raise FunctionError(cause, "Let the reference return what the function returns, in the same shapes.")


def added(seconds: Sequence[Seconds]) -> Seconds:
    """The times of all outputs together."""
    totals: dict[str, Any] = {f.name: sum(getattr(one, f.name) for one in seconds) for f in fields(Seconds)}
    return Seconds(**totals)
