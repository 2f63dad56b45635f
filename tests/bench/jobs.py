"""A suite of small checks by two processes against one: loading included, imports apart."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from itertools import count

from derivcheck import check_all
from derivcheck.run.pool import WorkerPool
from derivcheck.suite.loader import loads
from tests.bench.row import Row, Side, Sides, Sizes, timed
from tests.bench.verdicts import verdict

JOBS = 2
ENTRY = '[[check]]\nexpression = "x**2*sin({}*y/1000)"\npoints = 100\n'


def rows(sizes: Sizes) -> list[Row]:
    """`derivcheck --suite FILE --jobs 2` against `--jobs 1`."""
    n = sizes.checks
    return [Row("jobs", f"a suite of {n} small checks", "--jobs 2", "--jobs 1", partial(sides, n), least=1.7)]


def sides(n: int) -> Sides:
    """A pool whose workers have imported what they need, and this process. No expression is met twice."""
    numbers, pool = count(1), WorkerPool(JOBS, threads=1)
    suite(8 * JOBS, numbers, pool)
    return Sides(side(n, numbers, pool), side(n, numbers, None))


def side(n: int, numbers: Iterator[int], executor: Executor | None) -> Side:
    return timed(lambda: suite(n, numbers, executor), verdict)


def suite(n: int, numbers: Iterator[int], executor: Executor | None) -> bool:
    """Whether all agree."""
    text = "\n".join(ENTRY.format(next(numbers)) for _ in range(n))
    untimed = [
        replace(c, problem=replace(c.problem, timing=False)) for c in loads(text, "bench.toml")
    ]  # as --suite does
    return check_all(untimed, executor).ok
