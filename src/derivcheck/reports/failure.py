"""The message of a failing test: the rows that do not agree, why, where, and the command that replays them."""

from derivcheck.outcomes import Verdict
from derivcheck.reports import table
from derivcheck.reports.weight import Weight, story, weighed
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
