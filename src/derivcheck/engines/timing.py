"""How long: preparation, first call and steady state apart.

The clock is read when the device has finished. It is that of `torch.utils.benchmark`, which is not imported: with a
CUDA build of torch that finds no GPU, the import logs a complaint about CUDA on the user's stderr. Short calls are
repeated until a slice of the time budget is used, long ones run once, so a check of many partials costs seconds and
not minutes.
"""

import time
from collections.abc import Callable, Sequence
from statistics import median, quantiles
from typing import Any

import torch

BUDGET = 0.15  # seconds for all timings of one check: what the demo can afford within 1.6 times its imports
MOST_REPEATS = 25  # enough for quartiles


def once(call: Callable[[], Any]) -> tuple[Any, float]:
    """The result of a call and its seconds, by the wall clock."""
    start = time.perf_counter()
    result = call()
    return result, time.perf_counter() - start


def steady(call: Callable[[], Any], budget: float) -> tuple[float, float]:
    """(median, interquartile range) in seconds of one call, over as many calls as fit the budget, at least one."""
    devices, times = _devices_in_use(), list[float]()
    while not times or (sum(times) < budget and len(times) < MOST_REPEATS):
        start = _now(devices)
        call()
        times.append(_now(devices) - start)
    return median(times), _interquartile_range(times)


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
