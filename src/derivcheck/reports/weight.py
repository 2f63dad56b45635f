"""How much a row weighs in CI: its verdict in the light of the check's limits and of what a suite says about the check.

Formats that CI systems read count failures; these counts must be right whenever the exit status is.
"""

from collections.abc import Sequence
from enum import Enum

from derivcheck.outcomes import Outcome, Verdict
from derivcheck.reports.wording import evidence, judgement, replay, sentence, standing
from derivcheck.results import CheckResult, PartialResult, Report


class Weight(Enum):
    """From the heaviest to the lightest."""

    FAILURE = "it fails the run"
    UNDECIDED = "nothing is proved"
    UNSUPPORTED = "it could not be computed, or need not be"
    EXCUSED = "it fails as its suite says it does"
    WARNING = "imprecise"
    REMARK = "it agrees, with a remark"
    NONE = "it agrees"


def weighed(rows: Sequence[PartialResult], check: CheckResult, report: Report) -> list[tuple[PartialResult, Weight]]:
    """Rows of a check with their weights, in their order."""
    excused = check.outcome.is_excused(known_ok=report.known_ok)
    return [(row, _weight(row, check, excused)) for row in rows]


def _weight(row: PartialResult, check: CheckResult, excused: bool) -> Weight:
    if row.fails(check.limits):
        return Weight.EXCUSED if excused else Weight.FAILURE
    if row.verdict is Verdict.UNDECIDED and not excused:
        return Weight.UNDECIDED
    if row.verdict in (Verdict.UNDECIDED, Verdict.UNSUPPORTED):
        return Weight.UNSUPPORTED
    if row.verdict is Verdict.IMPRECISE:
        return Weight.WARNING
    return Weight.REMARK if row.remarks else Weight.NONE


def complaint(row: PartialResult, check: CheckResult) -> str:
    """Why a row fails: the sentence of its cause, or the limit that it exceeds."""
    if row.verdict is Verdict.DISAGREES:
        return sentence(row) or row.verdict.value
    if row.loses_too_much(check.limits):
        return f"{row.autograd.lost_bits:.1f} bits are lost, --max-lost-bits allows {check.limits.max_lost_bits:g}"
    return f"{sentence(row) or row.verdict.value}; --strict makes it fail"


def story(row: PartialResult, check: CheckResult) -> list[str]:
    """Lines about a row that fails: why, where, how to see it again, and the issue of a known defect."""
    known = [f"  {standing(check)}"] if check.outcome is Outcome.KNOWN else []
    return [f"{judgement(row)}: {complaint(row, check)}", *evidence(row), replay(row), *known]


def kind(row: PartialResult, check: CheckResult) -> str:
    """The complaint for programs: the cause's name, or the limit's."""
    if row.verdict is not Verdict.DISAGREES and row.loses_too_much(check.limits):
        return "max-lost-bits"
    return row.cause.slug if row.cause else row.verdict.value
