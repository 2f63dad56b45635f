"""Where the checks of a run run: in this process, in a pool of processes, or on a cluster."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from derivcheck.errors import RequestError
from derivcheck.run.many import Terminated
from derivcheck.run.pool import WorkerPool

if TYPE_CHECKING:
    from derivcheck.problem import Check

# A worker is ended when its check has taken this many times its --timeout. At the timeout itself a check ends by itself
# with what it has found; a function that sleeps or loops, or a call into C, does not.
PATIENCE = 1.5
LEAST_GRACE = 1.0  # seconds after the timeout: with a short one, a check still needs them to end by itself
ANSWER = "10s"  # for a scheduler to answer in, a round trip of milliseconds: longer means that there is none


@contextmanager
def executor(jobs: int, cluster: str, threads: int | None) -> Iterator[Executor]:
    """A pool of processes or a cluster. The pool stops as soon as the block ends."""
    if cluster:
        yield _cluster(cluster)
        return
    pool = WorkerPool(jobs, patience, threads)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def needs_worker(check: Check) -> bool:
    """Whether a check must run in a process of its own: a user's function may end the process, and a check that does
    not end by itself in time is ended with its process."""
    runs, problem = not (check.skip or check.error), check.problem
    return runs and (problem.function_name is not None or problem.timeout is not None)


def patience(check: Check) -> float | None:
    """Seconds after which the worker of a check is ended; None if the check has no --timeout."""
    return None if check.problem.timeout is None else allowed(check.problem.timeout)


def allowed(timeout: float) -> float:
    """Seconds after which a worker is ended, by the --timeout of what it does."""
    return max(PATIENCE * timeout, timeout + LEAST_GRACE)


def _cluster(address: str) -> Executor:
    """The workers of a dask scheduler."""
    try:
        from distributed import Client  # noqa: PLC0415 an extra
    except ImportError:
        cure = 'Install it: pip install "torch-derivcheck[dask]"'
        raise RequestError("--cluster needs dask's distributed, which is not installed", cure) from None
    try:
        found: Executor = Client(address, timeout=ANSWER).get_executor(retries=0)
    except (OSError, ValueError) as error:
        cure = "Start one with `dask scheduler`, and give its address, such as tcp://127.0.0.1:8786."
        raise RequestError(f"--cluster {address}: no scheduler answers: {error}", cure) from None
    return found


@contextmanager
def stopping_on_sigterm() -> Iterator[None]:
    """Let SIGTERM end the block like Ctrl-C, so that what is finished is reported."""

    def stop(number: int, frame: object) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
