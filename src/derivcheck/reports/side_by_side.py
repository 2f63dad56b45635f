"""Several engines side by side: a time and a verdict for each, as many in one table as fit its width."""

import math
from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from derivcheck.outcomes import Verdict
from derivcheck.reports.columns import duration
from derivcheck.results import CheckResult, PartialResult

LABEL, PAIR = 14, 19  # characters of a partial's label; of a time and a verdict with the spaces around them


def engines(check: CheckResult) -> list[str]:
    """The engines that computed the check, in order."""
    return list(dict.fromkeys(row.engine for row in check.partials))


def tables(
    check: CheckResult, rows: Sequence[PartialResult], width: int, styles: dict[Verdict, str]
) -> Iterator[Table]:
    """The rows of a check by several engines, one line per partial."""
    names, most = engines(check), max(1, (width - LABEL) // PAIR)
    for start in range(0, len(names), most):
        yield _table(names[start : start + most], rows, styles)


def _table(names: Sequence[str], rows: Sequence[PartialResult], styles: dict[Verdict, str]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    timed = any(not math.isnan(row.autograd.seconds) for row in rows)
    table.add_column("\npartial", no_wrap=True)
    for name in names:
        first, *rest = _halved(name)
        if timed:
            table.add_column(f"{first}\ntime", justify="right", no_wrap=True)
        table.add_column(f"{''.join(rest) if timed else name}\nverdict", no_wrap=True)
    of = {(row.label, row.engine): row for row in rows}
    for label in dict.fromkeys(row.label for row in rows):
        cells = [_cells(of.get((label, name)), timed, styles) for name in names]
        table.add_row(Text(label), *(cell for pair in cells for cell in pair))
    return table


def _halved(name: str) -> tuple[str, str]:
    """An engine's name across its two columns: `forward-` above the time, `over-reverse` above the verdict."""
    head, dash, rest = name.partition("-")
    return head + dash, rest


def _cells(row: PartialResult | None, timed: bool, styles: dict[Verdict, str]) -> list[Text]:
    """Time and verdict; both empty if the row is not shown."""
    if row is None:
        return [Text("")] * (2 if timed else 1)
    verdict = Text(row.verdict.value, style=styles[row.verdict])
    return [Text(duration(row.autograd.seconds)), verdict] if timed else [verdict]


def unable(check: CheckResult) -> Iterator[Text]:
    """One line for each engine of `all` that cannot compute the check."""
    for name, reason in check.unable.items():
        yield Text(f"{name} cannot: {reason}", style="dim")


def fastest(check: CheckResult) -> str:
    """The fastest engine for all partials, and its factor over reverse; empty if nothing was timed."""
    times = {name: s.autograd for name, s in check.engines.items() if not math.isnan(s.autograd)}
    if len(times) < 2:
        return ""
    first, second, *_ = sorted(times, key=times.__getitem__)
    other = "reverse" if "reverse" in times and first != "reverse" else second
    return (
        f"Fastest: {first}, {times[other] / times[first]:.1f} times as fast as {other} "
        f"({duration(times[first])} against {duration(times[other])} for all partials at {check.points} points)."
    )
