"""How memory and time of a check grow with the number of points, each check in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache, partial
from typing import NamedTuple

from tests.bench.row import Measured, Row, Sides, Sizes

LIMIT = 2048  # MiB that 10^8 points may take
CHECK = """
import json, resource, sys, time
import derivcheck
derivcheck.check("x1**2*sin(x2)", order=2, points=1000, timing=False)
start = time.perf_counter()
report = derivcheck.check("x1**2*sin(x2)", order=2, points=int(sys.argv[1]), timing=False)
seconds = time.perf_counter() - start
if sys.platform == "linux":  # ru_maxrss would start from the peak of the process that started this one
    peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 2**10
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(json.dumps([seconds, peak, report.ok]))
"""


class Spent(NamedTuple):
    """One check: seconds, peak resident memory in MiB, and whether all partials agreed."""

    seconds: float
    peak: float
    ok: bool


def rows(sizes: Sizes) -> list[Row]:
    """They take minutes and run once."""
    if sizes.growth is None:
        return []
    few, more, most = sizes.growth

    def row(name: str, work: str, peer: str, prepare: partial[Sides], aim: float, unit: str) -> Row:
        return Row(name, work, f"n = {most:,}", peer, prepare, most=aim, unit=unit, most_runs=1)

    return [
        row("memory", "peak memory, order 2", f"n = {few:,}", partial(memory, most, few), 1.2, "MiB"),
        row("memory-limit", "peak memory, order 2", "2 GiB", partial(limit, most), 1, "MiB"),
        row("linear", "time per point, order 2", f"n = {more:,}", partial(time_a_point, most, more), 1.2, "s"),
    ]


def memory(most: int, few: int) -> Sides:
    """Peak resident memory of both: VmHWM of proc(5), or `ru_maxrss` of getrusage(2), in bytes on macOS."""
    return Sides(*(partial(_peak, n) for n in (most, few)))


def limit(most: int) -> Sides:
    """Peak resident memory against a number."""
    return Sides(partial(_peak, most), lambda: Measured(LIMIT, None))


def time_a_point(most: int, more: int) -> Sides:
    """Seconds of a check over its points; the imports and the first check are not counted."""
    return Sides(*(partial(_a_point, n) for n in (most, more)))


def _peak(n: int) -> Measured:
    return Measured(checked(n).peak, None)


def _a_point(n: int) -> Measured:
    return Measured(checked(n).seconds / n, None)


@cache
def checked(n: int) -> Spent:
    """Run once, though several rows ask. A check that does not agree is a defect, and no row."""
    done = subprocess.run([sys.executable, "-c", CHECK, str(n)], capture_output=True, check=True)
    spent = Spent(*json.loads(done.stdout))
    assert spent.ok, f"n = {n}: the partials do not agree"
    return spent
