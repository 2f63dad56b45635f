"""Python processes that import nothing from the working directory, where a stranger may have put a `pickle.py`.

Python puts that folder first on its path for `python -m` and for `python -c`, with which multiprocessing starts its
processes. `PYTHONSAFEPATH` prevents it (Python 3.11, "Command line and environment").
"""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

VARIABLE, OURS = "PYTHONSAFEPATH", "derivcheck"  # any text that is not empty counts as set; ours is recognized
_LOCK = threading.Lock()  # the environment belongs to the process, and pools start workers from several threads


@contextlib.contextmanager
def safe_path() -> Iterator[None]:
    """Processes that start inside the block have a safe path."""
    with _LOCK:
        before = os.environ.get(VARIABLE)
        os.environ[VARIABLE] = before or OURS
        try:
            yield
        finally:
            if not before:
                del os.environ[VARIABLE]


def forget() -> None:
    """In such a process: let what a function starts have the path that it would have elsewhere."""
    if os.environ.get(VARIABLE) == OURS:
        del os.environ[VARIABLE]


def leave_out_working_directory() -> None:
    """Undo what `python -m` did to the path of this process."""
    with contextlib.suppress(OSError):  # the working directory is gone
        if not sys.flags.safe_path and sys.path[:1] == [os.getcwd()]:
            del sys.path[0]
