"""The report as a table that fits 80 columns, failing rows first, each explained below it."""

import io
import math
from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from derivcheck.results import CheckResult, PartialResult, Report, Verdict

WIDE = 1000  # columns of a rendering that no terminal limits: nothing wraps in a log
EXPLAINED = 5  # failing rows explained under a table; the others have the same story
STYLES = {
    Verdict.AGREES: "green",
    Verdict.IMPRECISE: "yellow",
    Verdict.UNSUPPORTED: "magenta",
    Verdict.UNDECIDED: "magenta",
    Verdict.DISAGREES: "bold red",
}
WORDS = {
    Verdict.AGREES: "agree",
    Verdict.IMPRECISE: "imprecise",
    Verdict.UNSUPPORTED: "unsupported",
    Verdict.UNDECIDED: "undecided",
    Verdict.DISAGREES: "disagree",
}


def render(report: Report) -> str:
    """The table as plain text, for a file or a log."""
    console = Console(file=io.StringIO(), width=WIDE, color_system=None, legacy_windows=False)
    show_on(console, report)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def show_on(console: Console, report: Report, *, show: str = "all", formulas: bool = False) -> None:
    """Print it. A line that is made to be copied is never broken."""
    for part in renderables(report, show=show, formulas=formulas):
        console.print(part, soft_wrap=isinstance(part, Text) and bool(part.no_wrap))


def renderables(report: Report, *, show: str = "all", formulas: bool = False) -> Iterator[RenderableType]:
    """What to print, in order. `show` is `all` or `failures`."""
    for check in report.checks:
        yield _title(check)
        rows = [row for row in _ordered(check) if show == "all" or row.verdict is not Verdict.AGREES]
        if rows:
            yield _table(check, rows)
        if formulas:
            yield from (Text(f"  {row.label} = {row.symbolic or '(too long to print)'}") for row in rows)
        yield from _explanations(check, rows)
        yield _totals(check, report)


def _ordered(check: CheckResult) -> list[PartialResult]:
    """Failing rows first, otherwise as they come."""
    return sorted(check.partials, key=lambda row: row.verdict is not Verdict.DISAGREES)


def _title(check: CheckResult) -> Text:
    what = f"{check.function} against {check.expression}" if check.function else check.expression
    domain = ", ".join(f"{name} in [{low:g}, {high:g}]" for name, (low, high) in check.domain.items())
    return Text(f"{what}   {domain}", style="bold")


def _table(check: CheckResult, rows: Sequence[PartialResult]) -> Table:
    timed = any(not math.isnan(row.autograd.seconds) for row in rows)
    engines = {row.engine for row in rows}
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("\n\npartial", no_wrap=True)
    if len(engines) > 1:
        table.add_column("engine", no_wrap=True)
    table.add_column("max\n|autograd\n- sympy|", justify="right", no_wrap=True)
    table.add_column("\nlost bits\nautograd", justify="right", no_wrap=True)
    table.add_column("\n\nsympy", justify="right", no_wrap=True)
    if timed:
        table.add_column("\ntime\nautograd", justify="right", no_wrap=True)
        table.add_column("\n\nsympy", justify="right", no_wrap=True)
        table.add_column("\n\nratio", justify="right", no_wrap=True)
    table.add_column("\n\nverdict", no_wrap=True)
    for row in rows:
        table.add_row(*_cells(row, timed, len(engines) > 1))
    return table


def _cells(row: PartialResult, timed: bool, engine: bool) -> list[Text]:
    cells = [
        row.label,
        *([row.engine] if engine else []),
        _number(row.difference.max_abs),
        _bits(row.autograd.lost_bits),
        _bits(row.sympy.lost_bits),
    ]
    if timed:
        cells += [
            _time(row.autograd.seconds),
            _time(row.sympy.seconds),
            _ratio(row.autograd.seconds / (row.sympy.seconds or math.nan)),
        ]
    return [*map(Text, cells), Text(row.verdict.value, style=STYLES[row.verdict])]


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2g}"


def _bits(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.1f}"


def _ratio(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.1f}x"


def _time(seconds: float) -> str:
    """Three digits with a unit: 12.3 µs."""
    if math.isnan(seconds):
        return "-"
    for factor, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= factor:
            return f"{seconds / factor:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def _explanations(check: CheckResult, rows: Sequence[PartialResult]) -> Iterator[RenderableType]:
    """Why a row is not `agrees`: in full for those that fail, a line for the others, each sentence once."""
    wrong = [row for row in rows if row.verdict is Verdict.DISAGREES]
    for row in wrong[:EXPLAINED]:
        yield from _failure(row)
    if len(wrong) > EXPLAINED:
        yield Text(f"... and {len(wrong) - EXPLAINED} more; --report json has them all.")
    said: set[str] = set()
    for row in rows:
        if row.verdict is not Verdict.DISAGREES and row.cause is not None and _sentence(row) not in said:
            said.add(_sentence(row))
            yield Text(f"{row.label} {_is(row)}: {_sentence(row)}{_where(row)}", style=STYLES[row.verdict])


def _is(row: PartialResult) -> str:
    return "agrees" if row.verdict is Verdict.AGREES else f"is {row.verdict.value}"


def _sentence(row: PartialResult) -> str:
    sentence = row.cause.value if row.cause else ""
    return f"{sentence} ({row.message})" if sentence and row.message else sentence or row.message


def _where(row: PartialResult) -> str:
    if row.verdict not in (Verdict.IMPRECISE, Verdict.AGREES) or row.worst is None:
        return ""
    point = ", ".join(f"{name} = {x!r}" for name, x in row.worst.point.items())
    return f"; at {point} autograd gives {row.worst.autograd!r}, exact is {row.worst.exact!r}"


def _failure(row: PartialResult) -> Iterator[RenderableType]:
    yield Text(f"{row.label} disagrees: {_sentence(row)}", style="red")
    if row.worst is not None:
        lines = [f"  at {name:8} {x!r:25} {x.hex()}" for name, x in row.worst.point.items()]
        lines += [f"  {side:11} {getattr(row.worst, side)!r}" for side in ("autograd", "sympy", "exact", "bound")]
        yield Text("\n".join(lines))
    yield Text(f"  Reproduce: {row.reproduce}", no_wrap=True, overflow="ignore")


def _totals(check: CheckResult, report: Report) -> Text:
    counts = {verdict: sum(row.verdict is verdict for row in check.partials) for verdict in Verdict}
    words = ", ".join(f"{n} {WORDS[v]}" for v, n in reversed(counts.items()) if n)
    total = len(check.partials)
    verdict = (
        f"All {total} partials agree" if counts[Verdict.AGREES] == total > 1 else f"Of {total} partial(s): {words}"
    )
    refereed = max((row.points.refereed for row in check.partials), default=0)
    about = [
        f"{verdict}{f', {check.message}' if check.message else ''}.",
        f"{check.points} points ({refereed} refereed{_skipped(check)}), seed {check.seed},",
        f"{check.dtype} on {check.device},",
        f"torch {report.environment['torch']}, sympy {report.environment['sympy']}.",
    ]
    return Text(" ".join(about), style=STYLES[check.verdict])


def _skipped(check: CheckResult) -> str:
    reasons = {reason for row in check.partials for reason in row.points.skipped}
    most = {reason: max(row.points.skipped.get(reason, 0) for row in check.partials) for reason in sorted(reasons)}
    return "".join(f", {count} {reason}" for reason, count in most.items())
