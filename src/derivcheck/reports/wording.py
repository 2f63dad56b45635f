"""The sentences that reports share: what is said of a row, of a check and of a run, whatever the format."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from derivcheck.outcomes import Outcome, Verdict
from derivcheck.results import CheckResult, PartialResult, Report

WORDS = {
    Verdict.AGREES: "agree",
    Verdict.IMPRECISE: "imprecise",
    Verdict.UNSUPPORTED: "unsupported",
    Verdict.UNDECIDED: "undecided",
    Verdict.DISAGREES: "disagree",
}
GOOD_OR_BAD = {Verdict.AGREES: "agrees", Verdict.DISAGREES: "disagrees"}


def title(check: CheckResult) -> str:
    """What is checked, and where."""
    what = f"{check.function} against {check.expression}" if check.function else check.expression
    return f"{what}   {domain(check)}"


def domain(check: CheckResult) -> str:
    """x1 in [0, 1], x2 in [-1, 1]."""
    return ", ".join(f"{name} in [{low:g}, {high:g}]" for name, (low, high) in check.domain.items())


def names(report: Report) -> list[str]:
    """One a check; with dtype and device where several checks of a file are called so."""
    counts = Counter((check.source, check.name) for check in report.checks)
    return [
        f"{check.name} ({check.dtype} on {check.device})" if counts[check.source, check.name] > 1 else check.name
        for check in report.checks
    ]


def distinct(check: CheckResult) -> CheckResult:
    """The check with labels that name the engine too, where there are several."""
    if len({row.engine for row in check.partials}) < 2:
        return check
    return replace(check, partials=tuple(replace(row, label=f"{row.label} [{row.engine}]") for row in check.partials))


def judgement(row: PartialResult) -> str:
    """∂f/∂x disagrees, ∂f/∂x is imprecise."""
    return f"{row.label} {GOOD_OR_BAD.get(row.verdict, f'is {row.verdict.value}')}"


def sentence(row: PartialResult) -> str:
    """Why: the sentence of the cause, with what is known of the case."""
    cause = row.cause.value if row.cause else ""
    return f"{cause} ({row.message})" if cause and row.message else cause or row.message


def remark(row: PartialResult) -> str:
    """One line on a row that does not disagree."""
    why = sentence(row)
    return f"{judgement(row)}{': ' if why else ''}{why}{_where(row)}"


def _where(row: PartialResult) -> str:
    if row.verdict not in (Verdict.IMPRECISE, Verdict.AGREES) or row.worst is None:
        return ""
    point = ", ".join(f"{name} = {x!r}" for name, x in row.worst.point.items())
    return f"; at {point} autograd gives {row.worst.autograd!r}, exact is {row.worst.exact!r}"


def each_sentence_once(rows: Iterable[PartialResult]) -> Iterator[PartialResult]:
    """The rows without those whose sentence an earlier row has said."""
    said: set[str] = set()
    for row in rows:
        if sentence(row) not in said:
            said.add(sentence(row))
            yield row


def evidence(row: PartialResult) -> list[str]:
    """The worst point in decimal and hexadecimal, the three values there, the bound: a line each; none without it."""
    if row.worst is None:
        return []
    return [
        *(f"  at {name:8} {x!r:25} {x.hex()}" for name, x in row.worst.point.items()),
        *(f"  {side:11} {getattr(row.worst, side)!r}" for side in ("autograd", "sympy", "exact", "bound")),
    ]


def replay(row: PartialResult) -> str:
    """The line to copy."""
    return f"  Reproduce: {row.reproduce}"


def tally(check: CheckResult) -> str:
    """All 6 partials agree; or how many do what, and where to look first."""
    counts = {verdict: sum(row.verdict is verdict for row in check.partials) for verdict in Verdict}
    total = len(check.partials)
    by = len({row.engine for row in check.partials})
    if counts[Verdict.AGREES] == total > 1:
        return f"All {total // by} partials agree{f' by all {by} engines' if by > 1 else ''}"
    words = ", ".join(f"{n} {WORDS[v]}" for v, n in reversed(counts.items()) if n)
    return f"Of {total} partial(s): {words or 'nothing checked'}{f', {check.message}' if check.message else ''}"


def totals(check: CheckResult, report: Report) -> str:
    """The last line of a check: how many rows do what, and what the figures depend on."""
    refereed = max((row.points.refereed for row in check.partials), default=0)
    about = [
        f"{tally(check)}.",
        f"{check.points} points ({refereed} refereed{_skipped(check.partials)}), seed {check.seed},",
        f"{check.dtype} on {check.device},",
        ", ".join(f"{name} {report.environment[name]}" for name in ("torch", "sympy")) + ".",
    ]
    return " ".join(about)


def _skipped(rows: Sequence[PartialResult]) -> str:
    reasons = {reason for row in rows for reason in row.points.skipped}
    most = {reason: max(row.points.skipped.get(reason, 0) for row in rows) for reason in sorted(reasons)}
    return "".join(f", {count} {reason}" for reason, count in most.items())


def standing(check: CheckResult) -> str:
    """The outcome, and what its suite says of it: `known defect: https://...`."""
    outcome = check.outcome
    reasons = {
        Outcome.SKIPPED: check.skip,
        Outcome.XFAILED: check.xfail,
        Outcome.XPASSED: f"it should disagree: {check.xfail}",
        Outcome.KNOWN: check.known,
    }
    return f"{outcome.value}: {reasons[outcome]}" if outcome in reasons else outcome.value


def hindrance(report: Report) -> str:
    """Why the run as a whole has not come to its end; empty where it has."""
    if report.interrupted:
        return "interrupted: only what was finished before is here"
    return "" if report.checks else "no check was run"
