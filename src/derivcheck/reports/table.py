"""The report as a table that fits 80 columns, failing rows first, each explained below it."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from derivcheck.outcomes import Verdict
from derivcheck.reports import side_by_side, summary, wording
from derivcheck.reports.characters import legible
from derivcheck.reports.columns import columns
from derivcheck.results import CheckResult, PartialResult, Report

WIDE = 1000  # columns of a rendering that no terminal limits: nothing wraps in a log
EXPLAINED = 5  # failing rows explained under a table; the others have the same story
EXPLAINED_IN_SUITE = 1  # of each check, where there are many
STYLES = {
    Verdict.AGREES: "green",
    Verdict.IMPRECISE: "yellow",
    Verdict.UNSUPPORTED: "magenta",
    Verdict.UNDECIDED: "magenta",
    Verdict.DISAGREES: "bold red",
}


def render(report: Report, *, show: str = "all") -> str:
    """The table as plain text, for a file or a log. `show` is `all` or `failures`."""
    console = Console(file=io.StringIO(), width=WIDE, color_system=None, legacy_windows=False)
    show_on(console, report, show=show)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def show_on(console: Console, report: Report, *, show: str = "all", formulas: bool = False) -> None:
    """Print it. A line that is made to be copied is never broken."""
    for part in renderables(report, console.width, show=show, formulas=formulas):
        console.print(Legible(part), soft_wrap=isinstance(part, Text) and bool(part.no_wrap))


class Legible:
    """What it wraps, without the control characters that text of users may hold. Colours are added later."""

    def __init__(self, part: RenderableType) -> None:
        self.part = part

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for segment in console.render(self.part, options):
            yield segment if segment.control else Segment(legible(segment.text), segment.style)


def renderables(report: Report, width: int, *, show: str = "all", formulas: bool = False) -> Iterator[RenderableType]:
    """What to print, in order, on lines of `width` characters. `show` is `all` or `failures`."""
    if not summary.is_suite(report):
        for check in report.checks:
            yield from _check(check, report, width, show, formulas)
        return
    for check in report.checks if show == "all" else summary.remarkable(report):
        yield from _of_suite(check, report, width, show)
    lines = list(summary.slowest(report))
    yield Text("\n".join(["Slowest:", *lines] if lines else []))
    style = STYLES[Verdict.AGREES if report.ok else Verdict.DISAGREES]
    yield Text(summary.sentence(report), style=style)


def _of_suite(check: CheckResult, report: Report, width: int, show: str) -> Iterator[RenderableType]:
    """A heading with the outcome, and below it the table where there is something to see."""
    yield Text(f"{check.name}: {wording.standing(check)}   {check.source}:{check.line}", style=STYLES[check.verdict])
    if check.partials and not check.outcome.is_tolerated(known_ok=report.known_ok):
        yield from _check(check, report, width, show, formulas=False)


def _check(check: CheckResult, report: Report, width: int, show: str, formulas: bool) -> Iterator[RenderableType]:
    """One check in full."""
    yield Text(wording.title(check), style="bold")
    rows = [row for row in _ordered(check) if show == "all" or row.verdict is not Verdict.AGREES]
    if len(side_by_side.engines(check)) > 1:
        yield from side_by_side.tables(check, rows, width, STYLES)
    elif rows:
        yield _table(rows, width)
    if formulas:
        printed = {row.label: row.symbolic or "(too long to print)" for row in rows}
        yield from (Text(f"  {label} = {formula}") for label, formula in printed.items())
    most = EXPLAINED_IN_SUITE if check.source else EXPLAINED
    yield from _explanations([*wording.distinct(replace(check, partials=tuple(rows))).partials], most)
    yield from (Text(line, style=STYLES[Verdict.IMPRECISE]) for line in wording.remarks(check))
    yield from side_by_side.unable(check)
    yield Text(f"{wording.tally(check)}.", style=STYLES[check.verdict])
    yield Text(wording.facts(check, report))
    if side_by_side.fastest(check):
        yield Text(side_by_side.fastest(check), style="bold")


def _ordered(check: CheckResult) -> list[PartialResult]:
    """Failing rows first, otherwise as they come."""
    return sorted(check.partials, key=lambda row: row.verdict is not Verdict.DISAGREES)


def _table(rows: Sequence[PartialResult], width: int) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    shown = columns(rows, width)
    for column in shown:
        table.add_column(column.heading, justify="right" if column.right else "left", no_wrap=True)
    for row in rows:
        *cells, verdict = (Text(column.cell(row)) for column in shown)
        verdict.stylize(STYLES[row.verdict])
        table.add_row(*cells, verdict)
    return table


def _explanations(rows: Sequence[PartialResult], most: int) -> Iterator[RenderableType]:
    """Why a row is not `agrees`: in full for those that fail, a line for the others, each sentence once."""
    wrong = [row for row in rows if row.verdict is Verdict.DISAGREES]
    for row in wrong[:most]:
        yield from _failure(row)
    if len(wrong) > most:
        yield Text(f"... and {len(wrong) - most} more; --report json has them all.")
    remarkable = (row for row in rows if row.verdict is not Verdict.DISAGREES and row.cause is not None)
    for row in wording.each_sentence_once(remarkable):
        yield Text(wording.remark(row), style=STYLES[row.verdict])


def _failure(row: PartialResult) -> Iterator[RenderableType]:
    yield Text(f"{wording.judgement(row)}: {wording.sentence(row)}", style="red")
    if row.worst is not None:
        yield Text("\n".join(wording.evidence(row)))
    yield Text(wording.replay(row), no_wrap=True, overflow="ignore")
