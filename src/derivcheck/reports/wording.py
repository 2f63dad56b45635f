"""The sentences that reports share: what is said of a row, of a check and of a run, whatever the format."""

import math
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
REMARKS = 3  # shown of a check; --report json has them all
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
    if row.verdict is Verdict.AGREES and row.remarks:
        return f"{row.label}: {row.remarks[0]}"
    why = sentence(row)
    return f"{judgement(row)}{': ' if why else ''}{why}{_lost(row)}{_where(row)}"


def _lost(row: PartialResult) -> str:
    known = row.verdict is Verdict.IMPRECISE and math.isfinite(row.autograd.lost_bits) and row.autograd.lost_bits >= 1
    return f"; up to {row.autograd.lost_bits:.0f} bits are lost" if known else ""


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
    """All 6 partials agree, and what a pass would have seen; or how many do what, and where to look first."""
    counts = {verdict: sum(row.verdict is verdict for row in check.partials) for verdict in Verdict}
    total, by = len(check.partials), len({row.engine for row in check.partials})
    if not total:
        return "Nothing was checked"
    if counts[Verdict.AGREES] == total:
        partials = "The partial agrees" if total == by else f"All {total // by} partials agree"
        return f"{partials}{f' by all {by} engines' if by > 1 else ''}{_sensitivity(check.partials)}"
    phrases = [f"{n} {_do(v, n)}" for v, n in reversed(counts.items()) if n]
    first = phrases[0].replace(" ", f" of {total} {'rows' if by > 1 else 'partials'} ", 1)
    return ", ".join([first, *phrases[1:], *([check.message] if check.message else [])])


def _do(verdict: Verdict, count: int) -> str:
    """disagrees, disagree, is imprecise, are imprecise."""
    if verdict in GOOD_OR_BAD:
        return GOOD_OR_BAD[verdict] if count == 1 else WORDS[verdict]
    return f"{'is' if count == 1 else 'are'} {verdict.value}"


def _sensitivity(rows: Sequence[PartialResult]) -> str:
    """The relative error that would have been found, in the median and at the worst of some points."""
    known = [row.sensitivity for row in rows if not math.isnan(row.sensitivity.median)]
    if not known:
        return ""
    median, worst = max(s.median for s in known), max(s.worst for s in known)
    return f"; a relative error of {median:.0e} would have been found ({worst:.0e} at the worst point)"


def facts(check: CheckResult, report: Report) -> str:
    """The last line of a check: what share of the points was judged, why not the rest, and what figures depend on."""
    parts = [_judged(check.partials), f"seed {check.seed}", f"{check.dtype} on {check.device}"]
    return " · ".join([part for part in parts if part] + [f"{n} {report.environment[n]}" for n in ("torch", "sympy")])


def _judged(rows: Sequence[PartialResult]) -> str:
    """10,816 points: 3,921 judged, 6,890 not refereed, 5 extreme. Of the row with the fewest that were judged."""
    computed = [row.points for row in rows if row.points.checked]
    if not computed:
        return "no points"
    points = min(computed, key=lambda points: points.refereed)
    others = {"not refereed": points.checked - points.refereed - sum(points.skipped.values()), **points.skipped}
    reasons = "".join(f", {count:,} {reason}" for reason, count in others.items() if count)
    return f"{points.checked:,} points: {f'{points.refereed:,}' if reasons else 'all'} judged{reasons}"


def remarks(check: CheckResult) -> list[str]:
    """A line for each remark, the same sentence of several rows once."""
    lines: dict[str, str] = {}
    for row in distinct(check).partials:
        for said in row.remarks:
            lines.setdefault(said, f"Remark on {row.label}: {said}")
    shown = list(lines.values())
    return [*shown[:REMARKS], *([f"... and {len(shown) - REMARKS} more remarks"] if len(shown) > REMARKS else [])]


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
