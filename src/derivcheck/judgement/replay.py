"""The command that replays a partial: at the point that shows it, or as it was asked for."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from derivcheck import multi_index
from derivcheck.multi_index import MultiIndex, natural_order

if TYPE_CHECKING:
    from derivcheck.problem import Problem


def command(problem: Problem, alpha: MultiIndex, point: Mapping[str, float] | None) -> str:
    """`derivcheck ...` for partial α: with every variable pinned to `point`, or as it was asked where that is None."""
    parts = [problem.expression]
    parts += (
        ["--partial", ",".join(problem.variables[j] for j in multi_index.canonical(alpha))]
        if any(alpha)
        else ["--order", "0"]
    )
    if not _in_natural_order(problem.variables):
        parts += ["--vars", ",".join(problem.variables)]
    for name, value in problem.params:
        parts += ["--param", f"{name}={value}"]
    if problem.function_name:
        parts += ["--function", problem.function_name]
    if problem.layout != "columns":
        parts += ["--layout", problem.layout]
    parts += _places(problem, point)
    parts += ["--dtype", problem.dtype] if problem.dtype != "float64" else []
    parts += ["--device", problem.device] if problem.device != "cpu" else []
    parts += ["--engine", problem.engine] if problem.engine != "reverse" else []
    return "derivcheck " + " ".join(map(shlex.quote, parts))


@lru_cache(maxsize=8)
def _in_natural_order(variables: tuple[str, ...]) -> bool:
    return list(variables) == sorted(variables, key=natural_order)


def _places(problem: Problem, point: Mapping[str, float] | None) -> list[str]:
    if point is None:
        ends = {v: (repr(low), repr(high)) for v, (low, high) in zip(problem.variables, problem.domain, strict=True)}
        rest = ["-n", str(problem.points), "--seed", str(problem.seed)]
    else:
        ends = {v: (x.hex(), x.hex()) for v, x in point.items()}
        rest = ["-n", "1", "--no-corners"]
    return [part for v, (low, high) in ends.items() for part in ("--domain", f"{v}={low}:{high}")] + rest
