"""The columns of a table of partials, for every format that has one, and how their figures are written."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from derivcheck.results import PartialResult


@dataclass(frozen=True)
class Column:
    """`heading` is three lines high and leaves out what stands above its left neighbour; `name` says all."""

    name: str
    heading: str
    cell: Callable[[PartialResult], str]
    right: bool = True


PARTIAL = Column("partial", "\n\npartial", lambda row: row.label, right=False)
ENGINE = Column("engine", "engine", lambda row: row.engine, right=False)
FIGURES = (
    Column("max |autograd - sympy|", "max\n|autograd\n- sympy|", lambda row: number(row.difference.max_abs)),
    Column("lost bits autograd", "\nlost bits\nautograd", lambda row: bits(row.autograd.lost_bits)),
    Column("lost bits sympy", "\n\nsympy", lambda row: bits(row.sympy.lost_bits)),
)
TIMES = (
    Column("time autograd", "\ntime\nautograd", lambda row: duration(row.autograd.seconds)),
    Column("time sympy", "\n\nsympy", lambda row: duration(row.sympy.seconds)),
    Column("ratio", "\n\nratio", lambda row: ratio(row.autograd.seconds / (row.sympy.seconds or math.nan))),
)
VERDICT = Column("verdict", "\n\nverdict", lambda row: row.verdict.value, right=False)


def columns(rows: Sequence[PartialResult]) -> list[Column]:
    """The engine only where there are several, times only where they were measured."""
    timed = any(not math.isnan(row.autograd.seconds) for row in rows)
    several = len({row.engine for row in rows}) > 1
    return [PARTIAL, *([ENGINE] if several else []), *FIGURES, *(TIMES if timed else []), VERDICT]


def number(value: float) -> str:
    """Two digits."""
    return "-" if math.isnan(value) else f"{value:.2g}"


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
