"""Which outcomes fail a run, and which are told first."""

from derivcheck.outcomes import FAILING, Outcome
from derivcheck.results import Report


def is_excused(outcome: Outcome, report: Report) -> bool:
    """Whether a check may fail without failing the run."""
    return outcome is Outcome.XFAILED or (outcome is Outcome.KNOWN and report.known_ok)


def fails_run(outcome: Outcome, report: Report) -> bool:
    """Whether a check alone makes the exit status 1."""
    return outcome in FAILING or (outcome is Outcome.KNOWN and not report.known_ok)


def urgency(outcome: Outcome, report: Report) -> tuple[bool, int]:
    """A key to sort by: what fails the run first, then what is worst."""
    return not fails_run(outcome, report), -list(Outcome).index(outcome)
