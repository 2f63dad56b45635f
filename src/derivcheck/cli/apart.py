"""A single request in a process of its own, which its function may end and which is ended when its time is up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from derivcheck.cli.collection import nothing_collected
from derivcheck.run.executors import allowed
from derivcheck.run.pool import WorkerLost, WorkerPool
from derivcheck.run.worker import Named

if TYPE_CHECKING:
    from derivcheck.results import Report


def checked(text: str | None, arguments: Mapping[str, Any]) -> Report:
    """The report of `derivcheck.check(text, **arguments)`. It runs here unless it calls a user's function or has a
    --timeout. If its worker is lost, all partials are undecided, with the reason."""
    check = Named("derivcheck.api", "check")
    if arguments["function"] is None and arguments["timeout"] is None:
        with nothing_collected():
            import derivcheck.api  # noqa: F401, PLC0415 torch
        here: Report = check(text, **arguments)
        return here
    pool = WorkerPool(1, limit, arguments["threads"])
    try:
        found: Report = pool.submit(check, text, **arguments).result()
        return found
    except WorkerLost as reason:
        return _lost(text, arguments, str(reason))
    finally:
        pool.shutdown(cancel_futures=True)


def limit(
    text: str | None, *, timeout: float | None, dtype: Sequence[str], device: Sequence[str], **_: Any
) -> float | None:
    """Seconds that the worker may take: each dtype on each device is a check, with the whole --timeout."""
    return None if timeout is None else allowed(timeout * len(dtype) * len(device))


def _lost(text: str | None, arguments: Mapping[str, Any], reason: str) -> Report:
    """The report of checks that did not finish."""
    from derivcheck import problem as problems  # noqa: PLC0415 sympy
    from derivcheck.cli import preflight  # noqa: PLC0415 sympy
    from derivcheck.run import devices, report  # noqa: PLC0415 torch
    from derivcheck.run.many import Run  # noqa: PLC0415 torch
    from derivcheck.run.one import lost  # noqa: PLC0415 torch

    given = dict(arguments)
    dtypes, places, engines = given.pop("dtype"), given.pop("device"), given.pop("engines")
    name, reference, _ = given.pop("function"), given.pop("reference"), given.pop("threads")
    if text is None and not given["variables"]:
        given["variables"] = preflight.mentioned(arguments)
    problem = problems.create(text, function_name=name, reference_name=reference, **given)
    each = [replace(problem, dtype=dtype, device=devices.resolve(place)) for place in places for dtype in dtypes]
    checks = [problems.Check(name or problem.expression, p, tuple(engines)) for p in each]
    return report.reported(Run(checks, lambda check: lost(check, reason), lost))
