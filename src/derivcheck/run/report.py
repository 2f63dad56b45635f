"""A finished or interrupted run as a report, with the environment that its figures depend on."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sympy
import torch

from derivcheck.results import Report
from derivcheck.run import devices
from derivcheck.run.many import Run, Terminated
from derivcheck.version import VERSION

if TYPE_CHECKING:
    from derivcheck.problem import Check


@contextmanager
def torch_threads(count: int | None) -> Iterator[None]:
    """Let torch use `count` threads inside the block, or as many as it chooses if that is None."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def reported(run: Run, executor: Executor | None = None, *, apart: Callable[[Check], bool] | None = None) -> Report:
    """Run to the end or to an interruption, and report what is finished. Re-raises if that is nothing. See `Run.go`."""
    interruption = None
    try:
        run.go(executor, apart=apart)
    except KeyboardInterrupt as error:
        interruption = error
        if not run.results:
            raise
    where = environment({result.device for result in run.finished})
    return Report(
        run.finished, where, VERSION, interruption is not None, run.known_ok, isinstance(interruption, Terminated)
    )


def environment(devices_used: Iterable[str]) -> dict[str, Any]:
    """Versions and hardware that the figures depend on, by name."""
    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),  # its own class would make who unpickles a report import torch
        "sympy": sympy.__version__,
        "platform": platform.platform(),
        "device_name": ", ".join(sorted({devices.describe(d) for d in devices_used})),
        "threads": torch.get_num_threads(),
    }
