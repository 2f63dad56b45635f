"""A single request in a process of its own, which its function may end and which is ended when its time is up."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import wait
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from derivcheck.cli.collection import nothing_collected
from derivcheck.run.executors import LEAST_GRACE, allowed
from derivcheck.run.pool import WorkerLost, WorkerPool
from derivcheck.run.worker import Named

if TYPE_CHECKING:
    from derivcheck.results import Report

MOST_FOR_START = 0.25  # of --timeout, half of what a worker may take beyond it: a whole run keeps to 1.5 times it


def checked(text: str | None, arguments: Mapping[str, Any], started: float) -> Report:
    """The report of `derivcheck.check(text, **arguments)`. It runs here unless it calls a user's function or has a
    --timeout, which counts from `started`, a time of `time.monotonic`. If its worker is lost, all partials are
    undecided, with the reason."""
    if arguments["function"] is None and arguments["timeout"] is None:
        with nothing_collected():
            import derivcheck.api  # noqa: F401, PLC0415 torch
        here: Report = Named("derivcheck.api", "check")(text, **arguments)
        return here
    pool = WorkerPool(1, limit, arguments["threads"])
    try:
        future = pool.submit(Named("derivcheck.cli.alone", "check"), text, started=started, **arguments)
        if not wait([future], _overdue(arguments["timeout"])).done:
            _prepare_for_loss()
        found: Report = future.result()
        return found
    except WorkerLost as reason:
        return _lost(text, arguments, str(reason))
    finally:
        pool.shutdown(cancel_futures=True)


def limit(
    text: str | None, *, started: float, timeout: float | None, dtype: Sequence[str], device: Sequence[str], **_: Any
) -> float | None:
    """Seconds that the worker may take from now on: each dtype on each device is a check, with the whole --timeout."""
    if timeout is None:
        return None
    count = len(dtype) * len(device)
    return allowed(timeout * count) - count * (timeout - left(timeout, started, count))


def left(timeout: float, started: float, count: int) -> float:
    """What is left now of the --timeout of each of `count` checks: the start of the command counts, which takes
    seconds, but no more than a share of the time."""
    return timeout - min((time.monotonic() - started) / count, MOST_FOR_START * timeout)


def _overdue(timeout: float | None) -> float | None:
    """Seconds after which a worker should have ended by itself."""
    return None if timeout is None else timeout + LEAST_GRACE


def _prepare_for_loss() -> None:
    """Import what `_lost` needs, which takes a second, before it is known whether the worker ends by itself."""
    from derivcheck.run import one, report  # noqa: F401, PLC0415 torch


def _lost(text: str | None, arguments: Mapping[str, Any], reason: str) -> Report:
    """The report of checks that did not finish."""
    from derivcheck import problem as problems  # noqa: PLC0415 sympy
    from derivcheck.cli import preflight  # noqa: PLC0415 sympy
    from derivcheck.pde.request import requested  # noqa: PLC0415 sympy
    from derivcheck.run import devices, report  # noqa: PLC0415 torch
    from derivcheck.run.many import Run  # noqa: PLC0415 torch
    from derivcheck.run.one import lost  # noqa: PLC0415 torch

    given = dict(arguments)
    dtypes, places, engines = given.pop("dtype"), given.pop("device"), given.pop("engines")
    name, reference, _ = given.pop("function"), given.pop("reference"), given.pop("threads")
    if text is None and not given["variables"]:
        given["variables"] = preflight.mentioned(arguments)
    problem = requested(text, function_name=name, reference_name=reference, **given)
    each = [replace(problem, dtype=dtype, device=devices.resolve(place)) for place in places for dtype in dtypes]
    checks = [problems.Check(name or problem.expression, p, tuple(engines)) for p in each]
    return report.reported(Run(checks, lambda check: lost(check, reason), lost))
