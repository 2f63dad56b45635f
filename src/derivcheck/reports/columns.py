"""The columns of a table of partials, for every format that has one, and how their figures are written."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from derivcheck.results import PartialResult, Side


@dataclass(frozen=True)
class Column:
    """`name` is complete; `short` is enough below the label of a `group`."""

    name: str
    cell: Callable[[PartialResult], str]
    short: str = ""
    group: str = ""
    right: bool = True


PARTIAL = Column("partial", lambda row: row.label, right=False)
ENGINE = Column("engine", lambda row: row.engine, right=False)
AUTOGRAD = Column("max error autograd", lambda row: error(row, row.autograd), "autograd", "max error")
SYMPY = Column("max error sympy", lambda row: error(row, row.sympy), "sympy", "max error")
BOUND = Column("error / bound", lambda row: excess(row.excess), "/bound")
TIMES = (
    Column("time autograd", lambda row: duration(row.autograd.seconds_min), "autograd", "time"),
    Column("time sympy", lambda row: duration(row.sympy.seconds_min), "sympy", "time"),
    Column("ratio", lambda row: ratio(row.autograd.seconds_min / (row.sympy.seconds_min or math.nan)), "ratio", "time"),
)
VERDICT = Column("verdict", lambda row: row.verdict.value, right=False)


def choices(rows: Sequence[PartialResult]) -> list[list[Column]]:
    """Sets of columns, the widest first: times are dropped first, then sympy's error, then the figures, the verdict
    never. The engine is among them only if there are several, times only if they were measured."""
    timed = any(not math.isnan(row.autograd.seconds_min) for row in rows)
    names = [PARTIAL, *([ENGINE] if len({row.engine for row in rows}) > 1 else [])]
    return [
        [*names, AUTOGRAD, SYMPY, BOUND, *(TIMES if timed else []), VERDICT],
        [*names, AUTOGRAD, SYMPY, BOUND, VERDICT],
        [*names, AUTOGRAD, BOUND, VERDICT],
        [PARTIAL, VERDICT],
    ]


def number(value: float) -> str:
    """Two digits."""
    return "-" if math.isnan(value) else f"{value:.2g}"


def error(row: PartialResult, side: Side) -> str:
    """The largest error of one side; `nan` if it gave NaN at a judged point, a dash if it was not computed."""
    gave_nan = math.isnan(side.max_abs_error) and side != Side() and row.points.refereed > 0
    return "nan" if gave_nan else number(side.max_abs_error)


def excess(value: float) -> str:
    """error / bound with two digits; above 1 it is never rounded to 1."""
    return "1.01" if 1 < value < 1.05 else number(value)


def bits(value: float) -> str:
    """Tenths of a bit."""
    return "-" if math.isnan(value) else f"{value:.1f}"


def ratio(value: float) -> str:
    """3.1x."""
    return "-" if math.isnan(value) else f"{value:.1f}x"


def duration(seconds: float) -> str:
    """Three digits with a unit: 12.3 µs."""
    if math.isnan(seconds):
        return "-"
    for factor, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= factor:
            return f"{seconds / factor:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"
