"""A finished or interrupted run as a report, with the environment that its figures depend on."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from derivcheck import __version__
from derivcheck.results import Report
from derivcheck.run import devices
from derivcheck.run.many import Run, Terminated
from derivcheck.run.versions import of_package, of_torch

if TYPE_CHECKING:
    from derivcheck.problem import Check


@contextmanager
def torch_threads(count: int | None) -> Iterator[None]:
    """Let torch use `count` threads inside the block, or as many as it chooses if that is None."""
    if count is None:
        yield
        return
    import torch  # noqa: PLC0415 not for a run whose checks are all computed by other processes

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def reported(
    run: Run,
    executor: Executor | None = None,
    *,
    apart: Callable[[Check], bool] | None = None,
    threads: int | None = None,
) -> Report:
    """Run to the end or to an interruption, and report what is finished. Re-raises if that is nothing. See `Run.go`.

    `threads` is the number of threads of each process that computes, by default that of this one.
    """
    interruption = None
    try:
        run.go(executor, apart=apart)
    except KeyboardInterrupt as error:
        interruption = error
        if not run.results:
            raise
    where = environment({result.device for result in run.finished}, threads)
    return Report(
        run.finished, where, __version__, interruption is not None, run.known_ok, isinstance(interruption, Terminated)
    )


def environment(devices_used: Iterable[str], threads: int | None = None) -> dict[str, Any]:
    """Versions and hardware that the figures depend on, by name."""
    return {
        "python": platform.python_version(),
        "torch": of_torch(),
        "sympy": of_package("sympy"),
        "platform": platform.platform(),
        "device_name": ", ".join(sorted({devices.describe(d) for d in devices_used})),
        "threads": threads or _threads_here(),
    }


def _threads_here() -> int:
    import torch  # noqa: PLC0415 as in torch_threads

    return torch.get_num_threads()
