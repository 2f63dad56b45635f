"""`check`: from a request to a report. Nothing is measured, decided or printed here; this file says in which order."""

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import sympy
import torch

from derivcheck import devices, loading
from derivcheck import problem as problems
from derivcheck.engines import engine
from derivcheck.engines import names as engine_names
from derivcheck.outcomes import Verdict
from derivcheck.request import ALL, Check
from derivcheck.results import CheckResult, Report
from derivcheck.stages import Found, run
from derivcheck.version import VERSION


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
    engines: str | Sequence[str] = ("reverse",),
    threads: int | None = None,
    **options: Any,
) -> Report:
    """Check the partials of an expression as torch computes them against the exact ones.

    `function` is a torch function of one column (n,) a variable, or the text `module:name` or `file.py:name`; without
    it the expression itself is what torch computes. `domain` is a pair for all variables or a mapping name -> pair;
    `partials` are texts such as "x1,x1,x2" and replace `order`; `dtype` and `device` may be several, each combination
    is one check; of several `engines` each computes all partials, ("all",) are those that can. `threads` is how many
    torch uses meanwhile. `tolerances` is (rtol, atol). The other options are fields of `problem.Problem`: points, seed,
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
    name = first.function_name or first.expression
    with torch_threads(threads):
        return check_all([Check(name, p, tuple(_several(engines))) for p in chosen])


def assert_derivatives(function: str | Callable[..., Any], expression: str, **options: Any) -> None:
    """For tests: raise AssertionError, with the table, unless `check(expression, function=function, ...)` is ok."""
    report = check(expression, function=function, **{"timing": False, **options})
    if not report.ok:
        raise AssertionError(f"\n{report}")


@contextmanager
def torch_threads(count: int | None) -> Iterator[None]:
    """Let torch use so many threads inside the block; None leaves it its own choice."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


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


def check_all(checks: Sequence[Check]) -> Report:
    """Run the checks, one after the other."""
    for check in checks:
        devices.require_dtype(check.problem.device, check.problem.dtype)
        for name in check.engines if check.engines != (ALL,) else ():
            engine(name)
    finished, interrupted = _until_interrupted(checks)
    return Report(finished, environment({check.problem.device for check in checks}), VERSION, interrupted)


def _until_interrupted(checks: Sequence[Check]) -> tuple[tuple[CheckResult, ...], bool]:
    """The checks that were finished before Ctrl-C, if it came; it is raised on where none was."""
    finished: list[CheckResult] = []
    try:
        for check in checks:
            finished.append(run_check(check))
    except KeyboardInterrupt:
        if not finished:
            raise
        return tuple(finished), True
    return tuple(finished), False


def run_check(check: Check) -> CheckResult:
    """Run one check by each of its engines."""
    every = check.engines == (ALL,)
    found = {name: run(replace(check.problem, engine=name)) for name in (engine_names() if every else check.engines)}
    unable = _unable(found) if every else {}
    able = {name: f for name, f in found.items() if name not in unable}
    return result(check, able, unable)


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
        seconds=next(iter(found.values())).seconds,
        partials=tuple(row for f in found.values() for row in f.rows),
        strict=problem.strict,
        max_lost_bits=problem.max_lost_bits,
        source=check.source,
        line=check.line,
        tags=check.tags,
        skip=check.skip,
        xfail=check.xfail,
        known=check.known,
        engines={name: f.seconds for name, f in found.items()},
        unable=unable,
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
