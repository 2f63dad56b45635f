"""Several engines side by side: a time and a verdict for each, as many in one table as fit its width."""

import math
from collections.abc import Iterator, Sequence

from rich.text import Text

from derivcheck.outcomes import Verdict
from derivcheck.reports.columns import duration
from derivcheck.reports.layout import Heading, Layout
from derivcheck.results import CheckResult, PartialResult


def engines(check: CheckResult) -> list[str]:
    """The engines that computed the check, in order."""
    return list(dict.fromkeys(row.engine for row in check.partials))


def tables(check: CheckResult, rows: Sequence[PartialResult], width: int, styles: dict[Verdict, str]) -> Iterator[Text]:
    """The rows of a check by several engines, one line per partial, in as few tables as fit the width."""
    names = engines(check)
    while names:
        counts = range(len(names), 0, -1)
        made = ((count, _layout(names[:count], rows, styles)) for count in counts)
        count, table = next((pair for pair in made if pair[1].fits(width)), (1, _narrow(names[0], rows, width, styles)))
        yield from table.lines(width)
        names = names[count:]


def _narrow(name: str, rows: Sequence[PartialResult], width: int, styles: dict[Verdict, str]) -> Layout:
    """One engine on lines that are too narrow for its labels: folded, and without times if that does not help."""
    table = _layout([name], rows, styles)
    return table if table.folds(width) else _layout([name], rows, styles, timed=False)


def _layout(
    names: Sequence[str], rows: Sequence[PartialResult], styles: dict[Verdict, str], *, timed: bool = True
) -> Layout:
    timed = timed and any(not math.isnan(row.autograd.seconds_min) for row in rows)
    columns = [("time", True), ("verdict", False)] if timed else [("verdict", False)]
    headings = [Heading(column, name, right) for name in names for column, right in columns]
    of = {(row.label, row.engine): row for row in rows}
    cells = [
        [Text(label), *(cell for name in names for cell in _cells(of.get((label, name)), timed, styles))]
        for label in dict.fromkeys(row.label for row in rows)
    ]
    return Layout([Heading("partial", right=False), *headings], cells)


def _cells(row: PartialResult | None, timed: bool, styles: dict[Verdict, str]) -> list[Text]:
    """Time and verdict; both empty if the row is not shown."""
    if row is None:
        return [Text("")] * (2 if timed else 1)
    verdict = Text(row.verdict.value, style=styles[row.verdict])
    return [Text(duration(row.autograd.seconds_min)), verdict] if timed else [verdict]


def unable(check: CheckResult) -> Iterator[Text]:
    """One line for each engine of `all` that cannot compute the check."""
    for name, reason in check.unable.items():
        yield Text(f"{name} cannot: {reason}", style="dim")


def fastest(check: CheckResult) -> str:
    """The fastest engine for all partials, and its factor over reverse; empty if nothing was timed."""
    times = {name: s.autograd_min for name, s in check.engines.items() if not math.isnan(s.autograd_min)}
    if len(times) < 2:
        return ""
    first, second, *_ = sorted(times, key=times.__getitem__)
    other = "reverse" if "reverse" in times and first != "reverse" else second
    return (
        f"Fastest: {first}, {times[other] / times[first]:.1f} times as fast as {other} "
        f"({duration(times[first])} against {duration(times[other])} for all partials at {check.points} points)."
    )
