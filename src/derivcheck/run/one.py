"""One check: by each of its engines, from the formula to the rows of its report. What a worker does."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from derivcheck.engines import loading
from derivcheck.engines.registry import names as engine_names
from derivcheck.errors import DerivcheckError, TimedOut, Unsupported
from derivcheck.exact.referee import referee_of
from derivcheck.judgement.evidence import collect
from derivcheck.judgement.replay import replayable
from derivcheck.judgement.rows import blank, late, row, unsupported
from derivcheck.outcomes import Cause, Verdict
from derivcheck.results import CheckResult, Limits, PartialResult, Seconds
from derivcheck.run import devices
from derivcheck.run.times import times
from derivcheck.symbolic.differentiation import symbolic_partials
from derivcheck.symbolic.kinks import switches

if TYPE_CHECKING:
    from derivcheck.multi_index import MultiIndex
    from derivcheck.problem import Check, Problem
    from derivcheck.symbolic.differentiation import SymbolicPartials


@dataclass(frozen=True)
class Found:
    """The rows of one problem by one engine, in the order of its partials, and what they cost."""

    rows: tuple[PartialResult, ...]
    seconds: Seconds


def run_check(check: Check) -> CheckResult:
    """Run it. Raises what is wrong with the request: a function that does not load, a device that is not here."""
    if check.skip:
        return result(check, {}, {})
    check = replace(check, problem=_prepared(check))
    every = check.engines == ("all",)
    found = {name: run(replace(check.problem, engine=name)) for name in (engine_names() if every else check.engines)}
    unable = _unable(found) if every else {}
    return result(check, {name: f for name, f in found.items() if name not in unable}, unable)


def safe_check(check: Check) -> CheckResult:
    """Run it; whatever goes wrong becomes a result that says why nothing is proved."""
    try:
        return run_check(check)
    except DerivcheckError as error:
        return lost(check, " ".join(str(error).split()))
    except Exception as error:
        return lost(check, f"{type(error).__name__}: {error}")


def _prepared(check: Check) -> Problem:
    """The problem with its function loaded, on a device of this machine."""
    problem = replace(check.problem, device=devices.resolve(check.problem.device))
    devices.require_dtype(problem.device, problem.dtype)
    if problem.function is None and problem.function_name:
        problem = replace(problem, function=loading.load(problem.function_name))
    return problem


def _unable(found: Mapping[str, Found]) -> dict[str, str]:
    """Engines that lack a partial which another has, and why. Of those that all lack one, the first stays."""
    lacking = {
        name: next(row.message for row in f.rows if row.verdict is Verdict.UNSUPPORTED)
        for name, f in found.items()
        if any(row.verdict is Verdict.UNSUPPORTED for row in f.rows)
    }
    if len(lacking) == len(found):
        del lacking[next(iter(found))]
    return lacking


def result(check: Check, found: Mapping[str, Found], unable: Mapping[str, str]) -> CheckResult:
    """What the engines found, under the names of the check."""
    problem = check.problem
    return CheckResult(
        name=check.name,
        expression=problem.expression,
        function=problem.function_name,
        variables=problem.variables,
        domain=dict(zip(problem.variables, problem.domain, strict=True)),
        points=problem.points,
        seed=problem.seed,
        dtype=problem.dtype,
        device=problem.device,
        seconds=next((f.seconds for f in found.values()), Seconds()),
        partials=tuple(row for f in found.values() for row in f.rows),
        limits=Limits(problem.strict, problem.max_lost_bits),
        engines={name: f.seconds for name, f in found.items()},
        unable=unable,
        **check.listing,
    )


def lost(check: Check, reason: str) -> CheckResult:
    """The result of a check that did not finish: every partial is undecided."""
    problem = replace(check.problem, engine=check.engines[0])
    rows = tuple(replace(blank(problem, alpha), cause=Cause.LOST, message=reason) for alpha in problem.partials)
    return result(check, {check.engines[0]: Found(rows, Seconds())}, {})


def run(problem: Problem) -> Found:
    """Check one problem by one engine."""
    start = time.perf_counter()
    problem = replace(problem, deadline=None if problem.timeout is None else time.monotonic() + problem.timeout)
    graph, rows = _symbolic_stage(problem)
    seconds = Seconds(prepare=time.perf_counter() - start)
    able = replace(problem, partials=tuple(alpha for alpha in problem.partials if alpha not in rows))
    if graph is not None and able.partials:
        found, seconds = _numeric_stage(able, graph, seconds)
        rows |= found
    seconds = replace(seconds, total=time.perf_counter() - start)
    return Found(tuple(rows[alpha] for alpha in problem.partials), seconds)


def _symbolic_stage(problem: Problem) -> tuple[SymbolicPartials | None, dict[MultiIndex, PartialResult]]:
    """Differentiate symbolically. Partials that have no formula, or none in time, are rows already."""
    rows: dict[MultiIndex, PartialResult] = {}
    try:
        graph = symbolic_partials(problem.formula, problem.variables)
    except Unsupported as reason:
        return None, {alpha: unsupported(problem, alpha, str(reason)) for alpha in problem.partials}
    graph.graph.deadline = problem.deadline
    for alpha in problem.partials:
        try:
            graph[alpha]  # made, and kept
        except Unsupported as reason:
            rows[alpha] = unsupported(problem, alpha, str(reason))
        except TimedOut as reason:
            rows[alpha] = late(problem, alpha, str(reason))
    graph.graph.deadline = None
    return graph, rows


def _numeric_stage(
    problem: Problem, graph: SymbolicPartials, seconds: Seconds
) -> tuple[dict[MultiIndex, PartialResult], Seconds]:
    """Compute, referee, time and judge the partials that have a formula."""
    try:
        evidence = collect(problem, partial(referee_of, graph), switches(graph))
    except Unsupported as reason:
        return {alpha: unsupported(problem, alpha, str(reason)) for alpha in problem.partials}, seconds
    except TimedOut as reason:
        return {alpha: late(problem, alpha, str(reason)) for alpha in problem.partials}, seconds
    together, each = times(evidence)
    rows = {alpha: row(evidence, k, blank(problem, alpha, graph), *each[k]) for k, alpha in enumerate(problem.partials)}
    spent = replace(
        seconds,
        prepare=seconds.prepare + evidence.prepare_seconds,
        autograd=together[0][0],
        sympy=together[1][0],
        referee=evidence.referee_seconds,
    )
    return {alpha: replayable(problem, alpha, r) for alpha, r in rows.items()}, spent
