"""The command that replays a partial: at the point that shows it, or as it was asked for."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from derivcheck import multi_index
from derivcheck.engines.calling import argument_names, parameter_names
from derivcheck.engines.loading import is_name_of
from derivcheck.multi_index import MultiIndex, natural_order

if TYPE_CHECKING:
    from derivcheck.expression.intervals import Interval
    from derivcheck.expression.residuals import Residual
    from derivcheck.problem import Problem


def command(problem: Problem, alpha: MultiIndex, point: Mapping[str, float] | None) -> str:
    """`derivcheck ...` for partial α: every variable pinned to `point`, or as it was asked where that is None. Python
    where the function has no name that can be imported."""
    if problem.residual is not None:
        return _of_residual(problem, problem.residual, alpha, point)
    named = ((problem.function, problem.function_name), (problem.reference, problem.reference_name))
    if any(code is not None and not is_name_of(name or "", code) for code, name in named):
        return _python(problem, alpha, point)
    parts = [problem.expression] if problem.expression else []
    parts += (
        ["--partial", ",".join(problem.variables[j] for j in multi_index.canonical(alpha))]
        if any(alpha)
        else ["--order", "0"]
    )
    if not _are_known(problem):
        parts += ["--vars", ",".join(argument_names(problem))]
    if problem.shapes:
        parts += [part for shape in _shapes(problem) for part in ("--shape", shape)]
    for name, value in problem.params:
        parts += ["--param", f"{name}={value}"]
    if problem.function_name:
        parts += ["--function", problem.function_name]
    if problem.reference_name:
        parts += ["--reference", problem.reference_name]
    if problem.layout != "columns":
        parts += ["--layout", problem.layout]
    parts += _places(problem, point) + _conditions(problem)
    return "derivcheck " + " ".join(map(shlex.quote, parts))


def _conditions(problem: Problem) -> list[str]:
    """Dtype, device, engine and tolerances, where they are not the usual ones."""
    parts = ["--dtype", problem.dtype] if problem.dtype != "float64" else []
    parts += ["--device", problem.device] if problem.device != "cpu" else []
    parts += ["--engine", problem.engine] if problem.engine != "reverse" else []
    if problem.tolerances is not None:
        parts += ["--rtol", repr(problem.tolerances[0]), "--atol", repr(problem.tolerances[1])]
    return parts


def _of_residual(problem: Problem, residual: Residual, alpha: MultiIndex, point: Mapping[str, float] | None) -> str:
    """The command for a residual, with the formulas of the fields that were drawn at random."""
    own = alpha[: len(residual.coordinates)]
    steps = ",".join(residual.coordinates[j] for j in multi_index.canonical(own))
    parts = [problem.expression] if problem.expression else []
    parts += ["--function", problem.function_name or "", *residual.options()]
    parts += ["--vars", ",".join(residual.coordinates)]
    parts += [part for name, value in problem.params for part in ("--param", f"{name}={value}")]
    parts += ["--partial", steps] if steps else ["--order", "0"]
    parts += ["--no-training"] if own == alpha and residual.fields else []
    parts += _places(problem, point) + _conditions(problem)
    return "derivcheck " + " ".join(map(shlex.quote, parts))


def _python(problem: Problem, alpha: MultiIndex, point: Mapping[str, float] | None) -> str:
    """The same as a call of `derivcheck.check`, with the function to be filled in."""
    what = [f"partials={[','.join(problem.variables[j] for j in multi_index.canonical(alpha))]!r}"]
    given = [repr(problem.expression)] if problem.expression else []
    given += ["function=<the function>", *(["reference=<the reference>"] if problem.reference_name else [])]
    given += what if any(alpha) else ["order=0"]
    given += [f"variables={list(argument_names(problem))!r}"] if not _are_known(problem) else []
    given += [f"shape={dict(problem.shapes)!r}"] if problem.shapes else []
    given += [f"params={dict(problem.params)!r}"] if problem.params else []
    given += _keywords(problem, point)
    given += [f"engines={[problem.engine]!r}"] if problem.engine != "reverse" else []
    usual = {"dtype": "float64", "device": "cpu", "layout": "columns", "tolerances": None}
    usual |= {"sampler": "uniform"} if point is None else {}
    given += [f"{key}={getattr(problem, key)!r}" for key, value in usual.items() if getattr(problem, key) != value]
    return f"derivcheck.check({', '.join(given)})"


def _are_known(problem: Problem) -> bool:
    """Whether the variables need not be named: those of the expression in their order, or the function's parameters."""
    if problem.expression or problem.function is None:
        return _in_natural_order(problem.variables)
    fixed = dict(problem.params)
    names = tuple(name for name in parameter_names(problem.function) if name not in fixed)
    return problem.layout == "columns" and names == argument_names(problem)


def _shapes(problem: Problem) -> list[str]:
    """`x=3,4` of each argument that is no column."""
    return [f"{name}={','.join(map(str, shape))}" for name, shape in problem.shapes if shape]


@lru_cache(maxsize=8)
def _in_natural_order(variables: tuple[str, ...]) -> bool:
    return list(variables) == sorted(variables, key=natural_order)


def _keywords(problem: Problem, point: Mapping[str, float] | None) -> list[str]:
    """Where the points are, as keywords."""
    if point is not None:
        ends = {name: f"(float.fromhex({x.hex()!r}),) * 2" for name, x in point.items()}
        rest = ["points=1", "corners=False"]
    else:
        ends = {name: repr(interval) for name, interval in zip(problem.variables, problem.domain, strict=True)}
        rest = [f"points={problem.points}", f"seed={problem.seed}", *([] if problem.corners else ["corners=False"])]
    return ["domain={" + ", ".join(f"{name!r}: {pair}" for name, pair in ends.items()) + "}", *rest]


def _places(problem: Problem, point: Mapping[str, float] | None) -> list[str]:
    """Where the points are, as options."""
    if point is not None:
        return [*_domains((f"{v}={x.hex()}:{x.hex()}" for v, x in point.items())), "-n", "1", "--no-corners"]
    rest = ["-n", str(problem.points), "--seed", str(problem.seed)]
    rest += ["--sampler", problem.sampler] if problem.sampler != "uniform" else []
    rest += [] if problem.corners else ["--no-corners"]
    return [*_whole(problem.variables, problem.domain), *rest]


@lru_cache(maxsize=8)  # every row that was not reached has it: of 1,700 variables that would be 3 million texts
def _whole(variables: tuple[str, ...], domain: tuple[Interval, ...]) -> tuple[str, ...]:
    """The domain as it was asked for: one for all variables, or one for each."""
    if len(domain) > 1 and len(set(domain)) == 1:
        return _domains([f"{domain[0][0]!r}:{domain[0][1]!r}"])
    return _domains(f"{v}={low!r}:{high!r}" for v, (low, high) in zip(variables, domain, strict=True))


def _domains(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(part for text in texts for part in ("--domain", text))
