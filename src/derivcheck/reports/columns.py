"""The columns of a table of partials, for every format that has one, and how their figures are written."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from derivcheck.results import PartialResult, Side


@dataclass(frozen=True)
class Column:
    """`heading` is printed below `group`, which adjacent columns share; `name` is complete without a group."""

    name: str
    heading: str
    cell: Callable[[PartialResult], str]
    group: str = ""
    right: bool = True


PARTIAL = Column("partial", "partial", lambda row: row.label, right=False)
ENGINE = Column("engine", "engine", lambda row: row.engine, right=False)
ERROR = "max error"  # against the exact value
AUTOGRAD = Column("max error autograd", "autograd", lambda row: error(row, row.autograd), ERROR)
SYMPY = Column("max error sympy", "sympy", lambda row: error(row, row.sympy), ERROR)
EXCESS = Column("error/bound", "/bound", lambda row: excess(row.excess))
TIMES = (
    Column("time autograd", "autograd", lambda row: duration(row.autograd.seconds), "time"),
    Column("time sympy", "sympy", lambda row: duration(row.sympy.seconds), "time"),
    Column("ratio", "ratio", lambda row: ratio(row.autograd.seconds / (row.sympy.seconds or math.nan)), "time"),
)
VERDICT = Column("verdict", "verdict", lambda row: row.verdict.value, right=False)
DROPPED = (TIMES, (SYMPY,), (AUTOGRAD,))  # what a narrow terminal leaves out, first to last


def columns(rows: Sequence[PartialResult]) -> list[Column]:
    """All of them: the engine only where there are several, times only where they were measured."""
    timed = any(not math.isnan(row.autograd.seconds) for row in rows)
    several = len({row.engine for row in rows}) > 1
    return [PARTIAL, *([ENGINE] if several else []), AUTOGRAD, SYMPY, EXCESS, *(TIMES if timed else []), VERDICT]


def number(value: float) -> str:
    """Two digits."""
    return "-" if math.isnan(value) else f"{value:.2g}"


def error(row: PartialResult, side: Side) -> str:
    """The largest error of one side; `nan` if it gave NaN at a judged point."""
    was_judged = side != Side() and row.points.refereed > 0 and not math.isnan(row.excess)
    return "nan" if was_judged and math.isnan(side.max_abs_error) else number(side.max_abs_error)


def excess(value: float) -> str:
    """error/bound with two digits; above 1 never rounded to 1; a dash where nothing was judged."""
    if math.isnan(value) or value < 0:
        return "-"
    return "1.01" if 1 < value < 1.05 else number(value)


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
