"""A single request in its own process: `derivcheck.check`, with what is left of --timeout once torch is imported."""

from collections.abc import Sequence
from typing import Any

from derivcheck import api
from derivcheck.cli.apart import left
from derivcheck.results import Report


def check(
    text: str | None,
    *,
    started: float,
    timeout: float | None,
    dtype: Sequence[str],
    device: Sequence[str],
    **arguments: Any,
) -> Report:
    """The report of a request that began at `started`, a time of `time.monotonic`."""
    if timeout is not None:
        timeout = left(timeout, started, len(dtype) * len(device))
    return api.check(text, timeout=timeout, dtype=dtype, device=device, **arguments)
