"""A process pool in which a worker that dies takes only its own task with it.

`concurrent.futures.ProcessPoolExecutor` gives up all tasks when one of its workers is killed. Here each worker has a
pipe and a thread that waits for it: if it dies or its time is up, its task raises `WorkerLost`, and a new worker takes
the next task. Workers import torch once, use a share of the cores, leave Ctrl-C to the parent, and end when the parent
is gone, however that happened.
"""

import gc
import multiprocessing
import os
import pickle
import queue
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from multiprocessing.connection import Connection, wait
from typing import Any

from derivcheck.run import safe_path, streams

GRACE = 2.0  # seconds for a worker to end by itself when the pool is shut down: an idle one needs a fraction of one
POLL = 0.1  # seconds between looks at the clock while a task runs: short against any --timeout, and costs no time


class WorkerLost(Exception):
    """The process that ran a task ended before the task did."""


class WorkerPool(Executor):
    """`count` processes. `limit(*arguments)` says how many seconds a task may take, None for any. Each worker has
    `threads` threads, by default its share of the cores."""

    def __init__(
        self, count: int, limit: Callable[..., float | None] | None = None, threads: int | None = None
    ) -> None:
        self._tasks: queue.SimpleQueue[tuple[Future[Any], Callable[..., Any], Any] | None] = queue.SimpleQueue()
        self._limit = limit
        self._threads = threads or max(1, (os.cpu_count() or 1) // count)
        self._stopping = False
        self._keepers = [threading.Thread(target=self._keep, daemon=True) for _ in range(count)]
        for keeper in self._keepers:
            keeper.start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Queue fn(*args); functions and arguments are pickled."""
        if kwargs:
            raise TypeError("a WorkerPool takes only positional arguments")
        future: Future[Any] = Future()
        self._tasks.put((future, fn, args))
        return future

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
            future, fn, args = task
            if self._stopping or not future.set_running_or_notify_cancel():
                future.cancel()
                continue
            worker = worker or _Worker(self._threads)
            seconds = self._limit(*args) if self._limit else None
            try:
                future.set_result(worker.run(fn, args, seconds, lambda: self._stopping))
            except WorkerLost as reason:
                worker.end(0)
                worker = None
                future.set_exception(reason)
            except BaseException as error:
                future.set_exception(error)
        if worker:
            worker.end(GRACE)


class _Worker:
    """One process and the pipe to it."""

    def __init__(self, threads: int) -> None:
        context = multiprocessing.get_context("spawn")  # a fork of a process with threads may hang
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs, threads), daemon=True)
        with safe_path.safe_path():
            self.process.start()
        theirs.close()

    def run(self, fn: Any, args: Any, seconds: float | None, stopping: Callable[[], bool]) -> Any:
        """The result of fn(*args), or what it raised. `WorkerLost` if the process ends first or time runs out."""
        try:
            self.pipe.send_bytes(pickle.dumps((fn, args)))
            self._await(seconds, stopping)
            done, result = pickle.loads(self.pipe.recv_bytes())
        except (EOFError, ConnectionError, OSError):
            self.process.join(GRACE)
            raise WorkerLost(f"its worker process {_how(self.process.exitcode)}") from None
        if not done:
            raise result
        return result

    def _await(self, seconds: float | None, stopping: Callable[[], bool]) -> None:
        waited = 0.0
        while not wait([self.pipe, self.process.sentinel], timeout=POLL):
            waited += POLL
            if stopping():
                raise WorkerLost("the run was stopped")
            if seconds is not None and waited > seconds:
                raise WorkerLost(f"it took longer than {seconds:g} s and was stopped")

    def end(self, grace: float) -> None:
        """Close the pipe, which ends a worker that waits for a task. After `grace` seconds it is killed."""
        self.pipe.close()
        self.process.join(grace)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _how(code: int | None) -> str:
    if code is None or code >= 0:
        return f"ended with status {code}"
    hint = ", as the system does when memory runs out" if -code == signal.SIGKILL else ""
    return f"was killed by {signal.Signals(-code).name}{hint}"


def work(pipe: Connection, threads: int) -> None:
    """What a worker does: take a task, answer (True, result) or (False, exception), until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    safe_path.forget()
    streams.guard()  # a function that prints must not fail where nobody reads it
    os.environ["OMP_NUM_THREADS"] = str(threads)  # read by torch when it is imported
    first = True
    while True:
        try:
            fn, args = pickle.loads(pipe.recv_bytes())
            answer: tuple[bool, Any] = (True, fn(*args))
        except EOFError:
            return
        except Exception as error:
            answer = (False, error)
        if first:
            gc.freeze()  # what the first task imported stays: each garbage collection among it takes 0.1 s
            first = False
        try:
            pipe.send_bytes(pickle.dumps(answer))
        except (BrokenPipeError, ConnectionError):
            return
        except Exception as error:  # the answer cannot be pickled
            pipe.send_bytes(pickle.dumps((False, RuntimeError(f"{type(error).__name__}: {error}"))))
