"""The end of a run of many checks: the slowest, and one sentence."""

from collections import Counter
from collections.abc import Iterator

from derivcheck.errors import counted
from derivcheck.outcomes import Outcome
from derivcheck.reports.columns import duration
from derivcheck.results import CheckResult, Report

SLOWEST = 5  # checks: those worth making faster


def is_suite(report: Report) -> bool:
    """Whether the checks come from a suite file."""
    return any(check.source for check in report.checks)


def remarkable(report: Report) -> list[CheckResult]:
    """The checks to show, what fails the run first: known defects are among them even if they are let pass."""
    found = [check for check in report.checks if check.outcome.needs_attention(known_ok=False)]
    return sorted(found, key=lambda check: check.outcome.urgency(known_ok=report.known_ok))


def slowest(report: Report) -> Iterator[str]:
    """One line for each of the slowest checks."""
    timed = [check for check in report.checks if check.seconds.total > 0]
    for check in sorted(timed, key=lambda check: -check.seconds.total)[:SLOWEST]:
        yield f"{duration(check.seconds.total):>8}  {check.name}"


def sentence(report: Report) -> str:
    """How many checks had which outcome, and what that means for torch if the suite is derivcheck's own."""
    counts = Counter(check.outcome for check in report.checks)
    words = ", ".join(
        f"{outcome.counted(counts[outcome])}{_warned(outcome, report)}" for outcome in Outcome if counts[outcome]
    )
    said = f"{counted(len(report.checks), 'check')}: {words or 'nothing was run'}."
    return f"{said} {_installation(report)}".strip()


def _warned(outcome: Outcome, report: Report) -> str:
    """How many of the checks that passed have a warning."""
    count = sum(check.is_imprecise for check in report.checks) if outcome is Outcome.PASSED else 0
    return f", {count} of them imprecise" if count else ""


def _installation(report: Report) -> str:
    if not any(check.source.startswith("builtin:") for check in report.checks):
        return ""
    counts = Counter(check.outcome for check in report.checks)
    new, known = counts[Outcome.FAILED], counts[Outcome.KNOWN]
    where = f"torch {report.environment.get('torch', '')} on {report.environment.get('device_name', '')}"
    if not new and not known:
        return f"{where} is right about its derivatives wherever it was asked."
    fresh = counted(new, "new defect") if new else "no new defects"
    return f"{where}: {counted(known, 'known defect')}, {fresh}."
