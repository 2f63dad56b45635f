"""What a worker of the pool does: tasks that come through a pipe, whatever they raise, until the parent is gone."""

import gc
import importlib
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from derivcheck.errors import FunctionError, message
from derivcheck.run import streams

RAISE = "Raise an Exception instead."
BEGUN = b""  # what a worker sends when a task begins: shorter than any pickle


class Named:
    """A function of a module that only the worker imports: unpickled, it is the function."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str]]:
        return _imported, (self.module, self.name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _imported(self.module, self.name)(*args, **kwargs)


def _imported(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


def work(pipe: Connection, threads: int, environment: Mapping[str, str]) -> None:
    """What a worker does: take a task, say that it begins, answer (True, result) or (False, exception), until the pipe
    is closed. `environment` is that of the parent, which the server of the workers had when it started."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, daemon=True).start()
    streams.guard()  # a function that prints must not fail where nobody reads it
    os.environ.clear()
    os.environ.update(environment, OMP_NUM_THREADS=str(threads))
    gc.disable()
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(threads)  # the server imported it, and read the number from its own environment
    while True:
        try:
            pipe.send_bytes(_answer(pipe, pipe.recv_bytes()))
        except (EOFError, OSError):  # the pipe may have been closed by a function
            return


def _end_with_parent() -> None:
    """A worker may be in a loop of a user's function when its parent is killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _answer(pipe: Connection, task: bytes) -> bytes:
    """The pickled answer to a task. To unpickle the task imports what it needs: each garbage collection among the
    objects of torch and sympy takes 0.1 s and finds nothing, so that there is none before, and later ones leave them
    out."""
    try:
        fn, args, kwargs = pickle.loads(task)
        if not gc.isenabled():
            gc.freeze()
            gc.enable()
        pipe.send_bytes(BEGUN)
        result = fn(*args, **kwargs)
    except BaseException as error:  # a task that raises SystemExit ends no worker
        return _failure(error)
    try:
        return pickle.dumps((True, result))
    except Exception as error:
        return _failure(RuntimeError(f"{type(error).__name__}: {message(error)}"))


def _failure(error: BaseException) -> bytes:
    """The pickled answer (False, error), with the traceback as a note. An error that cannot be pickled, or that would
    end the parent too, becomes a RuntimeError."""
    error.add_note("".join(traceback.format_exception(error)))
    if isinstance(error, Exception):
        with suppress(Exception):
            answer = pickle.dumps((False, error))
            pickle.loads(answer)
            return answer
    if isinstance(error, KeyboardInterrupt):  # Ctrl-C never reaches a worker
        return pickle.dumps((False, FunctionError("a function raises KeyboardInterrupt, as Ctrl-C does", RAISE)))
    return pickle.dumps((False, RuntimeError(f"{type(error).__name__}: {message(error)}")))
