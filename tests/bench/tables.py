"""Results as two tables, for the terminal and as GitHub Markdown: rows against peers, and engines against reverse."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from tests.bench.every_engine import GROUP
from tests.bench.measuring import Result

HEADINGS = ("work", "ours", "peer", "ratio", "spread", "aim", "met")
Cells = list[tuple[str, ...]]


def peers(results: Sequence[Result]) -> Cells:
    """The cells of the first table, its headings first."""
    return [HEADINGS, *(cells(result) for result in results if result.row.group != GROUP)]


def cells(result: Result) -> tuple[str, ...]:
    """One row: what was done, what each side took, how the sides compare, and whether that is enough."""
    row = result.row
    if result.reason:
        return row.work, row.ours, row.peer, result.reason, "", aim(result), ""
    low, high = min(result.ratios), max(result.ratios)
    met = {True: "yes", False: "no", None: ""}[row.met(result.median)]
    ours, peer = (
        f"{name}, {amount(statistics.median(costs), row.unit)}"
        for name, costs in ((row.ours, result.ours), (row.peer, result.peer))
    )
    return row.work, ours, peer, f"{result.median:.3g}", f"{low:.3g} to {high:.3g}", aim(result), met


def aim(result: Result) -> str:
    row = result.row
    return f"≥ {row.least:g}" if row.least is not None else f"≤ {row.most:g}" if row.most is not None else ""


def amount(cost: float, unit: str) -> str:
    """A cost with its unit: 1.2 s, 35 ms, 8.1 ns, 410 MiB."""
    if unit != "s":
        return f"{cost:.0f} {unit}"
    for name, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if cost >= size:
            return f"{cost / size:.3g} {name}"
    return f"{cost / 1e-9:.3g} ns"


def engines(results: Sequence[Result]) -> Cells:
    """The cells of the second table, one column per engine; empty if no engine was measured."""
    chosen = [result for result in results if result.row.group == GROUP]
    names = list(dict.fromkeys(result.row.ours for result in chosen))
    works = dict.fromkeys(result.row.work for result in chosen)
    ratio = {
        (r.row.work, r.row.ours): "–" if r.reason else f"{r.median:.2g}x ({min(r.ratios):.2g} to {max(r.ratios):.2g})"
        for r in chosen
    }
    lines = [(work, *(ratio.get((work, name), "") for name in names)) for work in works]
    return [("times as fast as reverse", *names), *lines] if chosen else []


def show(results: Sequence[Result], console: Console) -> None:
    """Print both tables."""
    for lines in (peers(results), engines(results)):
        if len(lines) > 1:
            table = Table(*lines[0])
            for line in lines[1:]:
                table.add_row(*line)
            console.print(table)


def markdown(results: Sequence[Result]) -> str:
    """Both tables as GitHub shows them; `*` and `|` of formulas are escaped."""
    return "\n\n".join(_markdown(lines) for lines in (peers(results), engines(results)) if len(lines) > 1)


def _markdown(lines: Cells) -> str:
    rule = tuple("---" for _ in lines[0])
    escaped = [tuple(cell.replace("*", "\\*").replace("|", "\\|") for cell in line) for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in (escaped[0], rule, *escaped[1:]))
