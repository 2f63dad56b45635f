"""The report as a table that fits 80 columns, failing rows first, with explanations below it."""

import io
from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from derivcheck.outcomes import Verdict
from derivcheck.reports import equations, layout, side_by_side, summary, wording
from derivcheck.reports.characters import legible
from derivcheck.reports.columns import VERDICT, Column, choices
from derivcheck.results import CheckResult, PartialResult, Report

WIDE = 1000  # columns of a rendering without a terminal, more than any line needs: nothing wraps in a log
ONE_LINE = 120  # columns from which on a heading has one line: its complete names are twice as long as the short ones
MOST_ROWS = 60  # of a check that are all shown unless --show says otherwise: more than a screen
EXPLAINED = 5  # failing rows explained under a table: the others nearly always have the same story
EXPLAINED_IN_SUITE = 1  # of each check, where there are many
STYLES = {
    Verdict.AGREES: "green",
    Verdict.IMPRECISE: "yellow",
    Verdict.UNSUPPORTED: "magenta",
    Verdict.UNDECIDED: "magenta",
    Verdict.DISAGREES: "bold red",
}


def render(report: Report, *, show: str = "") -> str:
    """The table as plain text, for a file or a log. `show` is `all`, `failures`, or empty for all that are not many."""
    console = Console(file=io.StringIO(), width=WIDE, color_system=None, legacy_windows=False)
    show_on(console, report, show=show)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(legible(line).rstrip() for line in text.split("\n")[:-1]) + "\n"


def show_on(console: Console, report: Report, *, show: str = "", formulas: bool = False) -> None:
    """Print it. A line that is meant to be copied is never broken."""
    for part in renderables(report, console.width, show=show, formulas=formulas):
        console.print(Legible(part), soft_wrap=isinstance(part, Text) and bool(part.no_wrap))


class Legible:
    """What it wraps, without the control characters that text of users may hold. Colours are added later."""

    def __init__(self, part: RenderableType) -> None:
        self.part = part

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for segment in console.render(self.part, options):
            yield segment if segment.control else Segment(legible(segment.text), segment.style)


def renderables(report: Report, width: int, *, show: str = "", formulas: bool = False) -> Iterator[RenderableType]:
    """What to print, in order, on lines of `width` characters. `show` is `all`, `failures`, or empty for all rows of
    checks that do not have many."""
    if report.refusal:
        yield Text(wording.hindrance(report), style=STYLES[Verdict.DISAGREES])
    if not summary.is_suite(report):
        for check in report.checks:
            yield from _check(check, report, width, show, formulas)
        return
    for check in summary.remarkable(report) if show == "failures" else report.checks:
        yield from _of_suite(check, report, width, show)
    lines = list(summary.slowest(report))
    yield Text("\n".join(["Slowest:", *lines] if lines else []))
    style = STYLES[Verdict.AGREES if report.ok else Verdict.DISAGREES]
    yield Text(summary.sentence(report), style=style)


def _of_suite(check: CheckResult, report: Report, width: int, show: str) -> Iterator[RenderableType]:
    """A heading with the outcome, and the table below it if there is something to see."""
    yield Text(f"{check.name}: {wording.standing(check)}   {check.source}:{check.line}", style=STYLES[check.verdict])
    if check.partials and not check.outcome.is_tolerated(known_ok=report.known_ok):
        yield from _check(check, report, width, show, formulas=False)


def _check(check: CheckResult, report: Report, width: int, show: str, formulas: bool) -> Iterator[RenderableType]:
    """One check in full."""
    yield Text(_title(check, width), style="bold")
    if formula := wording.recovered(check):
        yield Text(formula)
    yield from (Text(line, no_wrap=True, overflow="ignore") for line in equations.lines(check))
    every = show == "all" or (not show and len(check.partials) <= MOST_ROWS)
    rows = [row for row in _ordered(check) if every or row.verdict is not Verdict.AGREES]
    yield from _tables(check, rows, width)
    if formulas:
        yield from _formulas(rows)
    yield from _explanations(wording.distinct(rows), EXPLAINED_IN_SUITE if check.source else EXPLAINED, width)
    yield from (Text(line, style=STYLES[Verdict.IMPRECISE]) for line in wording.remarks(check))
    yield from side_by_side.unable(check)
    yield Text(f"{wording.tally(check)}.", style=STYLES[check.verdict])
    yield Text(layout.joined(wording.facts(check, report), " · ", width))
    if fastest := side_by_side.fastest(check):
        yield Text(fastest, style="bold")


def _title(check: CheckResult, width: int) -> str:
    """What is checked and where; on narrow lines the domain has lines of its own."""
    what, (first, *others) = wording.subject(check), wording.intervals(check) or [""]
    if len(f"{what}   {first},") > width:
        return f"{what}\n{layout.joined([first, *others], ', ', width)}"
    return layout.joined([f"{what}   {first}", *others], ", ", width)


def _tables(check: CheckResult, rows: Sequence[PartialResult], width: int) -> Iterator[RenderableType]:
    if len(side_by_side.engines(check)) > 1:
        yield from side_by_side.tables(check, rows, width, STYLES)
    elif rows:
        yield from _table(rows, width)


def _formulas(rows: Sequence[PartialResult]) -> Iterator[RenderableType]:
    """One line per partial, whatever the number of engines."""
    formulas = {row.label: row.symbolic or "(too long to print)" for row in rows}
    yield from (Text(f"  {label} = {formula}") for label, formula in formulas.items())


def _ordered(check: CheckResult) -> list[PartialResult]:
    """Failing rows first, otherwise in their order."""
    return sorted(check.partials, key=lambda row: row.verdict is not Verdict.DISAGREES)


def _table(rows: Sequence[PartialResult], width: int) -> Iterator[Text]:
    """The most columns that fit; labels are folded before the figures are dropped."""
    *widest, without_figures = (_layout(rows, shown, width) for shown in choices(rows))
    chosen = next((made for made in widest if made.fits(width)), None)
    if chosen is None:
        chosen = widest[-1] if widest[-1].folds(width) else without_figures
    yield from chosen.lines(width)


def _layout(rows: Sequence[PartialResult], shown: Sequence[Column], width: int) -> layout.Layout:
    """With complete names in one line if there is space for them."""
    cells = [[Text(c.cell(row), STYLES[row.verdict] if c is VERDICT else "") for c in shown] for row in rows]
    complete = layout.Layout([layout.Heading(c.name, right=c.right) for c in shown], cells)
    if width >= ONE_LINE and complete.fits(width):
        return complete
    return layout.Layout([layout.Heading(c.short or c.name, c.group, c.right) for c in shown], cells)


def _explanations(rows: Sequence[PartialResult], most: int, width: int) -> Iterator[RenderableType]:
    """Why rows do not agree: those that fail in full, the others in one line each, and no sentence twice."""
    wrong = [row for row in rows if row.verdict is Verdict.DISAGREES]
    for row in wrong[:most]:
        yield from _failure(row, width)
    if len(wrong) > most:
        yield Text(f"... and {len(wrong) - most} more; --report json has them all.")
    remarkable = (row for row in rows if row.verdict is not Verdict.DISAGREES and row.cause is not None)
    for row in wording.each_sentence_once(remarkable):
        yield Text(wording.remark(row), style=STYLES[row.verdict])


def _failure(row: PartialResult, width: int) -> Iterator[RenderableType]:
    yield Text(f"{wording.judgement(row)}: {wording.sentence(row)}", style="red")
    for line in wording.evidence(row):
        *point, hexadecimal = line.split()
        fitting = line if len(line) <= width else f"  {' '.join(point)}\n{' ' * 14}{hexadecimal}"
        yield Text(fitting, no_wrap=True, overflow="ignore")
    yield Text(wording.replay(row), no_wrap=True, overflow="ignore")
