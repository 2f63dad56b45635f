"""A process pool in which a worker that dies takes only its own task with it.

`concurrent.futures.ProcessPoolExecutor` gives up all tasks when one of its workers is killed. Here each worker has a
pipe and a thread that waits for it: if it dies or its time is up, its task raises `WorkerLost`, and a new worker takes
the next task. Time counts from when the task begins, not while its worker starts and imports torch. Workers use a share
of the cores, leave Ctrl-C to the parent, and end when the parent is gone, however that happened and whatever they do.

On Linux all workers are forked by a server that has imported torch: 20 ms for each, and for each that replaces a lost
one, where importing takes 2 s. To fork a process is safe as long as it has no threads, and torch starts its threads
when it first computes, which the server never does. Elsewhere each worker is a new interpreter (spawn).
"""

import multiprocessing
import os
import pickle
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from derivcheck.run import safe_path
from derivcheck.run.worker import work

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

FORKED = sys.platform == "linux"  # forks are slow or unsafe on macOS and do not exist on Windows
PRELOADED = "derivcheck.run.preload"
GRACE = 2.0  # seconds for a worker to end by itself when the pool is shut down: an idle one needs a fraction of one
POLL = 0.1  # seconds between looks at the clock while a task runs: short against any --timeout, and costs no time
STARTING = 120.0  # seconds for a worker to start and import torch, which takes 2 s; 20 times that on a busy machine


class WorkerLost(Exception):
    """The process that ran a task ended before the task did."""


class _Task:
    """A call that waits for a worker."""

    def __init__(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> None:
        self.fn, self.args, self.kwargs = fn, args, kwargs
        self.future: Future[Any] = Future()

    @property
    def call(self) -> bytes:
        """As a worker takes it."""
        return pickle.dumps((self.fn, self.args, self.kwargs))


class WorkerPool(Executor):
    """`count` processes. `limit`, called with the arguments of a task that begins, says how many seconds it may take,
    None for any. Each worker has `threads` threads, by default its share of the cores."""

    def __init__(
        self, count: int, limit: Callable[..., float | None] | None = None, threads: int | None = None
    ) -> None:
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._limit = limit
        self._threads = share(count, threads)
        self._stopping = False
        self._keepers = [threading.Thread(target=self._keep, daemon=True) for _ in range(count)]
        for keeper in self._keepers:
            keeper.start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Queue fn(*args, **kwargs); functions and arguments are pickled."""
        task = _Task(fn, args, kwargs)
        self._tasks.put(task)
        return task.future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers: after the queued tasks, or at once if those are cancelled."""
        if cancel_futures:
            self._stopping = True
        for _ in self._keepers:
            self._tasks.put(None)
        if wait:
            for keeper in self._keepers:
                keeper.join()

    def _keep(self) -> None:
        """What one keeper does: give its worker task after task, and replace the worker when it is lost."""
        worker: _Worker | None = None
        while (task := self._tasks.get()) is not None:
            future = task.future
            if self._stopping or not future.set_running_or_notify_cancel():
                future.cancel()
                continue
            worker = worker or _Worker(self._threads)
            try:
                future.set_result(worker.run(task.call, partial(self._seconds, task), lambda: self._stopping))
            except WorkerLost as reason:
                worker.end(0)
                worker = None
                future.set_exception(reason)
            except BaseException as error:
                future.set_exception(error)
        if worker:
            worker.end(GRACE)

    def _seconds(self, task: _Task) -> float | None:
        """What a task that begins now may take."""
        return self._limit(*task.args, **task.kwargs) if self._limit else None


class _Worker:
    """One process and the pipe to it."""

    def __init__(self, threads: int) -> None:
        self.pipe, theirs = multiprocessing.Pipe()
        with safe_path.safe_path() as environment, _interrupts_blocked():
            self.process = _context().Process(target=work, args=(theirs, threads, environment), daemon=True)
            self.process.start()
        theirs.close()

    def run(self, call: bytes, limit: Callable[[], float | None], stopping: Callable[[], bool]) -> Any:
        """The result of a pickled call, or what it raised. `WorkerLost` if the process ends first or time runs out: the
        seconds of `limit`, which is asked when the call begins."""
        try:
            self.pipe.send_bytes(call)
            if not (answer := self._received(STARTING, f"did not start within {STARTING:g} s", stopping)):
                answer = self._received(limit(), "took longer than --timeout", stopping)
        except (EOFError, ConnectionError, OSError):
            self.process.join(GRACE)
            raise WorkerLost(f"its worker process {_how(self.process.exitcode)}") from None
        done, result = pickle.loads(answer)
        if not done:
            raise result
        return result

    def _received(self, seconds: float | None, exceeded: str, stopping: Callable[[], bool]) -> bytes:
        """The next message, which is waited for until `seconds` have passed or the pool is stopping."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while not wait([self.pipe, self.process.sentinel], timeout=POLL):
            if stopping():
                raise WorkerLost("the run was stopped")
            if deadline is not None and time.monotonic() > deadline:
                raise WorkerLost(f"it {exceeded} and was stopped")
        return self.pipe.recv_bytes()

    def end(self, grace: float) -> None:
        """Close the pipe, which ends a worker that waits for a task. After `grace` seconds it is killed."""
        self.pipe.close()
        self.process.join(grace)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def start_server() -> None:
    """Let the server of the workers import torch while this process does something else."""
    if FORKED:
        from multiprocessing import forkserver  # noqa: PLC0415 not on Windows

        _context()
        with safe_path.safe_path(), _interrupts_blocked():
            forkserver.ensure_running()


def _context() -> "ForkServerContext | SpawnContext":
    """How workers start."""
    if not FORKED:
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([PRELOADED])  # of no effect once the server runs
    return context


def share(count: int, threads: int | None = None) -> int:
    """Threads of each of `count` workers: as many as asked for, or its share of the cores, or what OMP_NUM_THREADS says
    if that is less."""
    cores = max(1, (os.cpu_count() or 1) // count)
    given = os.environ.get("OMP_NUM_THREADS", "")
    return threads or (min(cores, int(given)) if given.isdecimal() and int(given) else cores)


def _how(code: int | None) -> str:
    if code is None:
        return "closed the pipe on which it answers"
    if code >= 0:
        return f"ended with status {code}"
    hint = ", as the system does when memory runs out" if -code == signal.SIGKILL else ""
    return f"was killed by {signal.Signals(-code).name}{hint}"


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Ctrl-C reaches all processes of a terminal: a worker that is started here ignores it from its first moment on."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
