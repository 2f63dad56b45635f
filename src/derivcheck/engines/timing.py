"""How long: preparation and steady state apart, by the clock of `torch.utils.benchmark`.

That clock waits for the device before it is read. Short calls are repeated until a slice of the time budget is used,
long ones run once, so a check of many partials costs seconds and not minutes.
"""

import time
from collections.abc import Callable
from typing import Any

BUDGET = 0.15  # seconds for all timings of one check: what the demo can afford within 1.6 times its imports
MOST_REPEATS = 25  # enough for quartiles


def once(call: Callable[[], Any]) -> tuple[Any, float]:
    """The result of a call and its seconds, by the wall clock."""
    start = time.perf_counter()
    result = call()
    return result, time.perf_counter() - start


def steady(call: Callable[[], Any], budget: float) -> tuple[float, float]:
    """(median, interquartile range) in seconds of one call, over as many calls as fit the budget, at least one."""
    from torch.utils.benchmark import Measurement, TaskSpec, timer  # noqa: PLC0415 0.1 s that --no-timing saves

    times: list[float] = []
    while not times or (sum(times) < budget and len(times) < MOST_REPEATS):
        start = timer()
        call()
        times.append(timer() - start)
    measured = Measurement(1, times, TaskSpec("call()", ""))
    return measured.median, measured.iqr
