"""From suite files to a report: choose the checks, run them by a pool or a cluster, remember how far it came."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derivcheck import selection
from derivcheck.errors import RequestError
from derivcheck.journal import Journal, key_of, read
from derivcheck.outcomes import FAILING, OPEN, Outcome
from derivcheck.pool import WorkerPool
from derivcheck.running import Run, Terminated

if TYPE_CHECKING:
    from derivcheck.request import Check
    from derivcheck.results import Report
    from derivcheck.running import Listener

STATE = Path(".derivcheck") / "last-run.jsonl"  # where the journal is if no report file is asked for
# Seconds that a check with --timeout may take in all before its worker is stopped: the timeout bounds two stages.
PATIENCE, LEAST_PATIENCE = 3.0, 60.0


@dataclass(frozen=True)
class Plan:
    """What of which suites is to run, and how."""

    suites: Sequence[str]
    select: Sequence[str] = ()
    tags: Sequence[str] = ()
    shard: str = ""
    functions: bool = True
    overrides: Mapping[str, Any] = field(default_factory=dict)
    """Keys of a check that the command line sets for all of them."""
    last_failed: bool = False
    fail_fast: bool = False
    resume: bool = False
    known_ok: bool = False
    jobs: int = 1
    cluster: str = ""
    timing: bool = False
    threads: int | None = None
    journal: Path = STATE


def chosen(plan: Plan) -> tuple[Check, ...]:
    """The checks of the plan, in order. Raises `RequestError` with all that is wrong, before anything runs."""
    from derivcheck import suite  # noqa: PLC0415 sympy

    checks = [c for s in plan.suites for c in suite.load(s, functions=plan.functions, overrides=plan.overrides)]
    found = selection.tagged(selection.select(_untimed(checks, plan), plan.select), plan.tags)
    if plan.last_failed:
        found = _failed_last(found, plan.journal)
    return selection.shard(found, plan.shard) if plan.shard else found


def _untimed(checks: Sequence[Check], plan: Plan) -> Sequence[Check]:
    """Times cost more than a small check, and are measured only where they are asked for."""
    return [replace(check, problem=replace(check.problem, timing=plan.timing)) for check in checks]


def _failed_last(checks: Sequence[Check], journal: Path) -> tuple[Check, ...]:
    """Those that failed or were left open by the last run; all where none did."""
    bad = FAILING | set(OPEN.values()) | {Outcome.KNOWN}
    failed = {key for key, result in read(journal).items() if result.outcome in bad}
    return tuple(check for check in checks if key_of(check) in failed) or tuple(checks)


def run(plan: Plan, checks: Sequence[Check], listener: Listener | None = None) -> Report:
    """Run them. The journal is written as they finish."""
    from derivcheck.checking import reported, torch_threads  # noqa: PLC0415 torch
    from derivcheck.single import lost, safe_check  # noqa: PLC0415 torch

    journal = Journal(plan.journal, keep=plan.resume)
    going = Run(checks, safe_check, lost, journal=journal, listener=listener, fail_fast=plan.fail_fast)
    try:
        with stopping_on_sigterm(), torch_threads(plan.threads), executor(plan) as chosen_executor:
            return reported(going, chosen_executor, known_ok=plan.known_ok)
    finally:
        journal.close()


@contextmanager
def executor(plan: Plan) -> Iterator[Executor | None]:
    """A pool of processes, a cluster, or none for a single job. Stopped at once where the run is."""
    if plan.cluster:
        yield _cluster(plan.cluster)
        return
    if plan.jobs == 1:
        yield None
        return
    pool = WorkerPool(plan.jobs, patience, plan.threads)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def patience(check: Check) -> float | None:
    """Seconds after which the worker of a check is stopped; None where it has no --timeout."""
    timeout = check.problem.timeout
    return None if timeout is None else max(LEAST_PATIENCE, PATIENCE * timeout)


def _cluster(address: str) -> Executor:
    """The workers of a dask scheduler."""
    try:
        from distributed import Client  # noqa: PLC0415 an extra
    except ImportError:
        cure = 'Install it: pip install "torch-derivcheck[dask]"'
        raise RequestError("--cluster needs dask's distributed, which is not installed", cure) from None
    try:
        found: Executor = Client(address, timeout="10s").get_executor(retries=0)
    except (OSError, ValueError) as error:
        cure = "Start one with `dask scheduler`, and give its address, such as tcp://127.0.0.1:8786."
        raise RequestError(f"--cluster {address}: no scheduler answers: {error}", cure) from None
    return found


@contextmanager
def stopping_on_sigterm() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does: what is finished is reported."""

    def stop(number: int, frame: object) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
