"""How long: preparation, first call and steady state apart.

The clock is read when the device has finished. It is that of `torch.utils.benchmark`, which is not imported: with a
CUDA build of torch that finds no GPU, the import logs a complaint about CUDA on the user's stderr. Short calls are
repeated until a slice of the time budget is used, long ones run once, so a check of many partials costs seconds and
not minutes.

What is compared is called in turn, so that a slower clock meets both alike, and is compared by the shortest times:
whatever else the machine does only adds to a time, never takes from it (Chen and Revels, "Robust benchmarking in noisy
environments", 2016).
"""

import math
import time
from collections.abc import Callable, Sequence
from statistics import median, quantiles
from typing import Any, NamedTuple

import torch

from derivcheck.errors import TimedOut

BUDGET = 0.15  # seconds for all timings of one check: what the demo can afford within 1.6 times its imports
MOST_REPEATS = 25  # enough for quartiles
FEWEST = 3  # turns, so that a pause of the machine is not the only time that there is
LONG = 1.0  # seconds of turns that are enough, however few they are: pauses are shorter, and the user waits


class Times(NamedTuple):
    """Seconds of one call: over all calls, the shortest, and the interquartile range."""

    median: float
    minimum: float
    spread: float

    def scaled(self, factor: float) -> "Times":
        """The times of `factor` times as much work."""
        return Times(*(factor * each for each in self))


UNTIMED = Times(math.nan, math.nan, math.nan)


def once(call: Callable[[], Any]) -> tuple[Any, float]:
    """The result of a call and its seconds, by the wall clock."""
    start = time.perf_counter()
    result = call()
    return result, time.perf_counter() - start


def require_time(deadline: float | None, doing: str, at_least: float = 0.0) -> None:
    """Raises `TimedOut` if the deadline, a time of `time.monotonic`, is less than `at_least` seconds away."""
    if deadline is not None and time.monotonic() + at_least > deadline:
        raise TimedOut(f"{doing} {'would take' if at_least else 'took'} longer than --timeout")


def steady(calls: Sequence[Callable[[], Any]], budget: float) -> list[Times]:
    """The times of each call, made in turn until the seconds of the budget are used."""
    devices, taken = _devices_in_use(), [list[float]() for _ in calls]
    while not _enough(taken, budget):
        for call, times in zip(calls, taken, strict=True):
            start = _now(devices)
            call()
            times.append(_now(devices) - start)
    return [Times(median(times), min(times), _interquartile_range(times)) for times in taken]


def _enough(taken: Sequence[Sequence[float]], budget: float) -> bool:
    """Whether no further turn is needed. Each counts as much as the shortest calls: a pause uses none of the budget."""
    turns = len(taken[0])
    if turns in (0, MOST_REPEATS):
        return turns == MOST_REPEATS
    used = turns * sum(map(min, taken))
    return used >= budget and (turns >= FEWEST or used >= LONG)


def _devices_in_use() -> list[int]:
    """The GPUs that hold a tensor. Waiting for another one would set it up, which takes seconds and its memory."""
    if not torch.cuda.is_initialized():
        return []
    return [i for i in range(torch.cuda.device_count()) if torch.cuda.memory_allocated(i)]


def _now(devices: Sequence[int]) -> float:
    """Seconds, when the devices have finished what they were given: they work while Python continues."""
    for device in devices:
        torch.cuda.synchronize(device)
    if torch.backends.mps.is_available():
        torch.mps.synchronize()
    return time.perf_counter()


def _interquartile_range(times: Sequence[float]) -> float:
    """The distance of the quartiles, 0 of a single time."""
    if len(times) < 2:
        return 0.0
    first, _, third = quantiles(times, n=4, method="inclusive")
    return third - first
