"""The message of a failing test: the rows that do not agree, why, where, and the command that replays them."""

from derivcheck.outcomes import Verdict
from derivcheck.reports import table, wording
from derivcheck.reports.weight import Weight, complaint, story, weighed
from derivcheck.results import CheckResult, PartialResult, Report

EXPLAINED = table.EXPLAINED  # rows beyond a limit, as many as rows that disagree


def render(report: Report) -> str:
    """The table of the rows that do not agree; below it those that fail only by --strict or --max-lost-bits."""
    parts = [table.render(report, show="failures")]
    for check in report.checks:
        parts += ["\n".join(story(row, check)) for row in _beyond_limits(check, report)[:EXPLAINED]]
        parts += [f"known defect: {check.known}"] if check.known else []
    return "\n".join(part.rstrip("\n") for part in parts)


def _beyond_limits(check: CheckResult, report: Report) -> list[PartialResult]:
    """Rows that fail although they do not disagree: the table does not explain them in full."""
    failing = (Weight.FAILURE, Weight.EXCUSED)
    return [
        row
        for row, weight in weighed(check.partials, check, report)
        if weight in failing and row.verdict is not Verdict.DISAGREES
    ]


def reason(report: Report) -> str:
    """One line: why the first check does not pass."""
    (check, *_) = report.checks
    pairs = sorted(weighed(wording.distinct(check.partials), check, report), key=lambda p: list(Weight).index(p[1]))
    row, weight = next(((r, w) for r, w in pairs if w is not Weight.NONE), (None, None))
    if row is None:
        return wording.tally(check)
    fails = weight in (Weight.FAILURE, Weight.EXCUSED)
    return f"{wording.judgement(row)}: {complaint(row, check)}" if fails else wording.remark(row)


def warnings(report: Report) -> list[str]:
    """A line for each imprecise row, each sentence once."""
    rows = [row for check in report.checks for row in wording.distinct(check.partials)]
    return [
        wording.remark(row) for row in wording.each_sentence_once(r for r in rows if r.verdict is Verdict.IMPRECISE)
    ]
