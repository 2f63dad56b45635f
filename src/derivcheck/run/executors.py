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

# A worker is stopped when its check has taken this many times its --timeout. That bounds the symbolic stage and the
# referee, but not torch, which may take twice as long as both before the check is given up.
PATIENCE = 3.0
LEAST_PATIENCE = 60.0  # seconds: the first check of a worker also imports torch, slowly on a busy machine
ANSWER = "10s"  # for a scheduler to answer in, a round trip of milliseconds: longer means that there is none


@contextmanager
def executor(jobs: int, cluster: str, threads: int | None) -> Iterator[Executor | None]:
    """A pool of processes, a cluster, or None for a single job. The pool stops as soon as the block ends."""
    if cluster:
        yield _cluster(cluster)
        return
    if jobs == 1:
        yield None
        return
    pool = WorkerPool(jobs, patience, threads)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def patience(check: Check) -> float | None:
    """Seconds after which the worker of a check is stopped; None if it has no --timeout."""
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
