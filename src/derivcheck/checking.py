"""`check`: from a request to a report. Nothing is measured, decided or printed here; this file says in which order."""

import math
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sympy
import torch

from derivcheck import devices, loading
from derivcheck import problem as problems
from derivcheck.differentiation import SymbolicPartials
from derivcheck.engines import Evaluate, engine, symbolic, symbolic_partials
from derivcheck.errors import TimedOut, Unsupported
from derivcheck.evidence import Evidence, collect
from derivcheck.multi_index import MultiIndex
from derivcheck.problem import Problem
from derivcheck.results import CheckResult, PartialResult, Report, Seconds
from derivcheck.rows import blank, late, replayable, unsupported
from derivcheck.sampling import RandomPoints, on_device
from derivcheck.timing import BUDGET, steady
from derivcheck.verdict import row
from derivcheck.version import VERSION

MOST_POINTS_TIMED = 2**18  # points that are timed; the time of more is that of these, scaled up
MOST_TIMED = 200  # rows that are timed one by one; of more, nobody reads the times, and preparing each takes its own


def check(
    expression: str,
    *,
    variables: Sequence[str] | None = None,
    wrt: Sequence[str] | None = None,
    order: int = 1,
    partials: Sequence[str] | None = None,
    params: Mapping[str, Any] | None = None,
    domain: Any = (0, 1),
    function: str | Callable[..., Any] | None = None,
    dtype: str | Sequence[str] = "float64",
    device: str | Sequence[str] = "cpu",
    engines: Sequence[str] = ("reverse",),
    **options: Any,
) -> Report:
    """Check the partials of an expression as torch computes them against the exact ones.

    `function` is a torch function of one column (n,) a variable, or the text `module:name` or `file.py:name`; without
    it the expression itself is what torch computes. `domain` is a pair for all variables or a mapping name -> pair;
    `partials` are texts such as "x1,x1,x2" and replace `order`; `dtype` and `device` may be several, each combination
    is one check. `tolerances` is (rtol, atol). The other options are fields of `problem.Problem`: points, seed,
    sampler, corners, layout, strict, max_lost_bits, timeout, timing. Raises `RequestError` where the request is wrong.
    """
    first = problems.create(
        expression,
        variables=variables,
        wrt=wrt,
        order=order,
        partials=partials,
        params=params,
        domain=domain,
        **_named(function),
        **options,
    )
    problems.require_known(dtype=_several(dtype))
    chosen = [
        replace(first, dtype=d, device=devices.resolve(where)) for where in _several(device) for d in _several(dtype)
    ]
    return check_all([[replace(p, engine=e) for e in _several(engines)] for p in chosen])


def assert_derivatives(function: str | Callable[..., Any], expression: str, **options: Any) -> None:
    """For tests: raise AssertionError, with the table, unless `check(expression, function=function, ...)` is ok."""
    report = check(expression, function=function, **{"timing": False, **options})
    if not report.ok:
        raise AssertionError(f"\n{report}")


def _named(function: str | Callable[..., Any] | None) -> dict[str, Any]:
    """The function and the name to replay it by."""
    if function is None:
        return {}
    if isinstance(function, str):
        return {"function": loading.load(function), "function_name": function}
    name = f"{getattr(function, '__module__', '')}:{getattr(function, '__qualname__', type(function).__name__)}"
    return {"function": loading.callable_of(function, name), "function_name": name}


def _several(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def check_all(requests: Sequence[Sequence[Problem]]) -> Report:
    """One check a request; a request is one problem by one or several engines."""
    for request in requests:
        for p in request:
            devices.require_dtype(p.device, p.dtype)
            engine(p.engine)
    finished, interrupted = _until_interrupted(requests)
    return Report(finished, environment({p.device for r in requests for p in r}), VERSION, interrupted)


def _until_interrupted(requests: Sequence[Sequence[Problem]]) -> tuple[tuple[CheckResult, ...], bool]:
    """The checks that were finished before Ctrl-C, if it came; it is raised on where none was."""
    finished: list[CheckResult] = []
    try:
        for request in requests:
            finished.append(_check(request))
    except KeyboardInterrupt:
        if not finished:
            raise
        return tuple(finished), True
    return tuple(finished), False


def _check(request: Sequence[Problem]) -> CheckResult:
    results = [run(p) for p in request]
    rows = tuple(row for result in results for row in result.partials)
    return replace(results[0], partials=rows)


def run(problem: Problem) -> CheckResult:
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
    return _result(problem, [rows[alpha] for alpha in problem.partials], seconds)


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
        evidence = collect(problem, graph)
    except Unsupported as reason:
        return {alpha: unsupported(problem, alpha, str(reason)) for alpha in problem.partials}, seconds
    except TimedOut as reason:
        return {alpha: late(problem, alpha, str(reason)) for alpha in problem.partials}, seconds
    together, each = _times(evidence)
    rows = {alpha: row(evidence, k, blank(problem, alpha, graph), *each[k]) for k, alpha in enumerate(problem.partials)}
    spent = replace(
        seconds,
        prepare=seconds.prepare + evidence.prepare_seconds,
        first_call=evidence.first_call,
        autograd=together[0][0],
        sympy=together[1][0],
        referee=evidence.referee_seconds,
    )
    return {alpha: replayable(problem, alpha, r) for alpha, r in rows.items()}, spent


Timed = tuple[
    tuple[float, float], tuple[float, float]
]  # autograd and sympy, each (median, interquartile range) in seconds


def _times(evidence: Evidence) -> tuple[Timed, list[Timed]]:
    """Both sides for all partials together, and for each alone, at the random points."""
    problem = evidence.problem
    nothing: Timed = ((math.nan, math.nan), (math.nan, math.nan))
    if not problem.timing:
        return nothing, [nothing] * len(problem.partials)
    points = on_device(problem, RandomPoints(problem).take(min(problem.points, MOST_POINTS_TIMED)))
    chunks, scale = points.split(evidence.chunk, 1), problem.points / points.shape[1]
    slice_ = BUDGET / (2 * len(problem.partials) + 2)

    def measure(evaluate: Evaluate) -> tuple[float, float]:
        median, spread = steady(lambda: [evaluate(chunk) for chunk in chunks], slice_)
        return median * scale, spread * scale

    together = (measure(evidence.evaluate), measure(evidence.evaluate_sympy))
    if len(problem.partials) > MOST_TIMED:
        return together, [nothing] * len(problem.partials)
    alone = [replace(problem, partials=(alpha,)) for alpha in problem.partials]
    return together, [(measure(engine(p.engine)(p)), measure(symbolic.prepare(p))) for p in alone]


def _result(problem: Problem, rows: Sequence[PartialResult], seconds: Seconds) -> CheckResult:
    return CheckResult(
        name=problem.function_name or problem.expression,
        expression=problem.expression,
        function=problem.function_name,
        variables=problem.variables,
        domain=dict(zip(problem.variables, problem.domain, strict=True)),
        points=problem.points,
        seed=problem.seed,
        dtype=problem.dtype,
        device=problem.device,
        seconds=seconds,
        partials=tuple(rows),
        strict=problem.strict,
        max_lost_bits=problem.max_lost_bits,
    )


def environment(devices_used: Iterable[str]) -> dict[str, Any]:
    """What the figures depend on."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "sympy": sympy.__version__,
        "platform": platform.platform(),
        "device_name": ", ".join(sorted({devices.describe(d) for d in devices_used})),
        "threads": torch.get_num_threads(),
    }
