"""Python processes that import nothing from the working directory, where a stranger may have put a `pickle.py`.

Python puts that folder first on its path for `python -m` and for `python -c`, with which multiprocessing starts its
processes. `PYTHONSAFEPATH` prevents it (Python 3.11, "Command line and environment").
"""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

VARIABLE = "PYTHONSAFEPATH"
_LOCK = threading.Lock()  # the environment belongs to the process, and pools start workers from several threads


@contextlib.contextmanager
def safe_path() -> Iterator[dict[str, str]]:
    """Processes that start inside the block have a safe path. Yields the environment outside the block, for them to
    take over: what they start themselves has the path that it would have elsewhere."""
    with _LOCK:
        outside = dict(os.environ)
        os.environ[VARIABLE] = outside.get(VARIABLE) or "1"  # an empty text counts as not set
        try:
            yield outside
        finally:
            del os.environ[VARIABLE]
            os.environ.update({name: text for name, text in outside.items() if name == VARIABLE})


def leave_out_working_directory() -> None:
    """Undo what `python -m` did to the path of this process."""
    with contextlib.suppress(OSError):  # the working directory is gone
        if not sys.flags.safe_path and sys.path[:1] == [os.getcwd()]:
            del sys.path[0]
