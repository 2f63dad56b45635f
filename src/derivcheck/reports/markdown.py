"""The report as GitHub-flavoured Markdown, for the summary of a job or a comment: failures come first.

Short enough to read even with a thousand checks: those that need no attention are folded, and of many failures only
the first are explained.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from derivcheck.choices import OWN_FORWARD
from derivcheck.errors import counted
from derivcheck.outcomes import Outcome, Verdict
from derivcheck.reports import equations, gfm, wording
from derivcheck.reports.columns import bits, choices
from derivcheck.reports.weight import Weight, complaint, weighed
from derivcheck.results import CheckResult, PartialResult, Report

# What fits on a screen or two, and yet explains the failures of most runs completely.
EXPLAINED = 20  # checks with a section of their own, and in it reasons and failing rows
REPLAYED = 5  # failing rows of a check with a command to copy
UNFOLDED = 50  # checks in one table; if there are more, those that need no attention are folded
COORDINATES = 3  # variables of a worst point in a cell; the command that replays it has all of them
FOLD, END_OF_FOLD = "<details><summary>{}</summary>\n", "</details>"
CHECKS = (
    ("check", False), ("dtype", False), ("device", False), ("outcome", False), ("partials that agree", True),
    ("worst lost bits", True), ("seconds", True),
)  # fmt: skip
WORST = (("partial", False), ("worst point", False), ("autograd", True), ("exact", True), ("bound", True))


def render(report: Report) -> str:
    """One document, ended by a newline."""
    return "\n".join(pieces(report)) + "\n"


def fitted(report: Report, room: int) -> str:
    """As much of the document as fits into `room` bytes of UTF-8, cut between rows, and how many rows are left out."""
    every = list(pieces(report))
    ends = accumulate(len(piece.encode()) + 1 for piece in every)
    kept = [piece for piece, end in zip(every, ends, strict=True) if end <= room]
    if left := every[len(kept) :]:
        closing = [END_OF_FOLD] if "".join(kept).count("<details>") > kept.count(END_OF_FOLD) else []
        rows = sum(piece.startswith("| ") and "\n" not in piece for piece in left)
        kept += [*closing, "", f"The report is too long for this place: {counted(rows, 'row')} left out."]
    return "\n".join(kept) + "\n"


def pieces(report: Report) -> Iterator[str]:
    """The document in pieces that must not be broken: a line, a row of a table, a block of code."""
    yield f"# derivcheck: {gfm.text(headline(report))}"
    yield ""
    if len(report.checks) == 1:
        yield from _single(report.checks[0], report)
    elif report.checks:
        yield from _several(report)


def headline(report: Report) -> str:
    """The verdict in a sentence or two."""
    return ". ".join(filter(None, [wording.hindrance(report), *_findings(report)]))


def _findings(report: Report) -> Iterator[str]:
    if len(report.checks) == 1:
        yield from _findings_of(report.checks[0])
    elif report.checks and all(check.outcome is Outcome.PASSED for check in report.checks):
        yield f"All {len(report.checks)} checks passed"
    elif report.checks:
        yield f"Of {len(report.checks)} checks: {_counted(report.checks, report)}"


def _findings_of(check: CheckResult) -> Iterator[str]:
    if check.skip or check.xfail or check.outcome is Outcome.KNOWN:
        yield wording.standing(check)
    if not check.skip:
        yield wording.tally(check)


def _counted(checks: Sequence[CheckResult], report: Report) -> str:
    """2 failed, 1 undecided, 997 passed."""
    counts = Counter(check.outcome for check in checks)
    return ", ".join(o.counted(counts[o]) for o in sorted(counts, key=lambda o: o.urgency(known_ok=report.known_ok)))


def _single(check: CheckResult, report: Report) -> Iterator[str]:
    function = f"{gfm.code(check.function, gfm.LONGEST_TEXT)} against " if check.function else ""
    truth = wording.truth(check)
    against = gfm.code(truth, gfm.LONGEST_TEXT) if truth != OWN_FORWARD else truth
    yield f"{function}{against}, {gfm.text(wording.domain(check))}"
    if check.equations or check.notes:
        yield "\n" + gfm.fence(equations.lines(check), "text")
    elif check.computes:
        yield f"\nIt is {gfm.code(check.computes[0], gfm.LONGEST_TEXT)}"
    yield ""
    pairs = weighed(check.partials, check, report)
    if rows := [row for row, _ in sorted(pairs, key=lambda pair: pair[1] is not Weight.FAILURE)]:
        shown = choices(rows)[0]
        yield gfm.table_header([(column.name, column.right) for column in shown])
        yield from (gfm.table_row(gfm.text(column.cell(row)) for column in shown) for row in rows)
        yield ""
    yield from _explanation(check, report)
    yield gfm.text(f"{wording.tally(check)}. {' · '.join(wording.facts(check, report))}")


def _several(report: Report) -> Iterator[str]:
    ordered = sorted(report.checks, key=lambda check: check.outcome.urgency(known_ok=report.known_ok))
    explained = [check for check in ordered if _has_story(check, report)]
    others = [check for check in ordered if not _has_story(check, report)]
    folds = len(ordered) > UNFOLDED
    yield from _table(explained if folds else ordered)
    for check in explained[:EXPLAINED]:
        yield from _section(check, report)
    if len(explained) > EXPLAINED:
        yield f"... and {len(explained) - EXPLAINED} more; --report json has them all."
        yield ""
    if folds and others:
        yield FOLD.format(_counted(others, report))
        yield from _table(others)
        yield END_OF_FOLD
        yield ""
    versions = {"derivcheck": report.version, **report.environment}
    yield gfm.text(", ".join(f"{name} {value}" for name, value in versions.items()))


def _has_story(check: CheckResult, report: Report) -> bool:
    """Whether it has a section of its own."""
    return check.outcome.needs_attention(known_ok=report.known_ok)


def _table(checks: Sequence[CheckResult]) -> Iterator[str]:
    if checks:
        yield gfm.table_header(CHECKS)
        yield from map(_line, checks)
        yield ""


def _line(check: CheckResult) -> str:
    lost = max((b for b in (row.autograd.lost_bits for row in check.partials) if not math.isnan(b)), default=math.nan)
    agree = sum(row.verdict is Verdict.AGREES for row in check.partials)
    return gfm.table_row(
        [
            gfm.code(check.name),
            gfm.text(check.dtype),
            gfm.text(check.device),
            gfm.text(wording.standing(check), 200),
            f"{agree} of {len(check.partials)}" if check.partials else "-",
            bits(lost),
            "-" if math.isnan(check.seconds.total) else f"{check.seconds.total:.3g}",
        ]
    )


def _section(check: CheckResult, report: Report) -> Iterator[str]:
    where = f"{check.dtype} on {check.device}: {wording.standing(check)}"
    yield f"## {gfm.code(check.name)} {gfm.text(where)}"
    yield ""
    place = f" (in {check.source}, line {check.line})" if check.source else ""
    yield gfm.text(f"{wording.tally(check)}{place}.")
    yield ""
    yield from _explanation(check, report)


def _explanation(check: CheckResult, report: Report) -> Iterator[str]:
    """Each reason once, the worst points of the failing rows, and commands that replay them."""
    pairs = weighed(wording.distinct(check.partials), check, report)
    failing = [row for row, weight in pairs if weight is Weight.FAILURE]
    others = [row for row, weight in pairs if weight not in (Weight.FAILURE, Weight.EXCUSED, Weight.NONE)]
    reasons: dict[str, PartialResult] = {}
    for row in failing:
        reasons.setdefault(complaint(row, check), row)
    remarks = [f"{wording.judgement(row)}: {reason}" for reason, row in reasons.items()]
    remarks += [wording.remark(row) for row in wording.each_sentence_once(others)]
    if remarks:
        yield from (f"- {gfm.text(remark)}" for remark in remarks[:EXPLAINED])
        yield ""
    yield from _failures(failing)


def _failures(rows: Sequence[PartialResult]) -> Iterator[str]:
    if not rows:
        return
    yield gfm.table_header(WORST)
    yield from (gfm.table_row(map(gfm.text, _worst(row))) for row in rows[:EXPLAINED])
    yield ""
    if len(rows) > EXPLAINED:
        yield f"... and {len(rows) - EXPLAINED} more; --report json has them all."
        yield ""
    yield gfm.fence(row.reproduce for row in rows[:REPLAYED])
    yield ""


def _worst(row: PartialResult) -> Iterable[str]:
    if row.worst is None:
        return [row.label, "-", "-", "-", "-"]
    places = [f"{name} = {x!r}" for name, x in row.worst.point.items()]
    more = [f"… {len(places) - COORDINATES} more"] if len(places) > COORDINATES else []
    point = ", ".join([*places[:COORDINATES], *more])
    return [row.label, point, *(repr(value) for value in (row.worst.autograd, row.worst.exact, row.worst.bound))]
