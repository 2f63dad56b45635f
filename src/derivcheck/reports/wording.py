"""The sentences that reports share: what is said of a row, of a check and of a run, whatever the format."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from derivcheck.outcomes import Outcome, Verdict
from derivcheck.results import CheckResult, PartialResult, Report

VERBS = {
    Verdict.AGREES: ("agrees", "agree"),
    Verdict.IMPRECISE: ("is imprecise", "are imprecise"),
    Verdict.UNSUPPORTED: ("is unsupported", "are unsupported"),
    Verdict.UNDECIDED: ("is undecided", "are undecided"),
    Verdict.DISAGREES: ("disagrees", "disagree"),
}
SKIPPED = {"undefined": "undefined", "kink": "on a kink", "unsettled": "unsettled"}
"""Why a point that was asked for is not judged. Points of extreme magnitude were not; JSON counts them."""
SYMPY_IS_OFF = 32  # times the bound of autograd, whose factor over the noise this is: below, it may be rounding
REMARKS = 5  # of one check; --report json has them all


def title(check: CheckResult) -> str:
    """What is checked, and where."""
    what = f"{check.function} against {check.expression}" if check.function else check.expression
    return f"{what}   {domain(check)}"


def domain(check: CheckResult) -> str:
    """x1 in [0, 1], x2 in [-1, 1]."""
    return ", ".join(f"{name} in [{low:g}, {high:g}]" for name, (low, high) in check.domain.items())


def names(report: Report) -> list[str]:
    """One per check; with dtype and device where several checks of a file have the same name."""
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
    return f"{row.label} {VERBS[row.verdict][0]}"


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
    lost = f", {row.worst.lost_bits:.1f} bits lost" if row.worst.lost_bits > 0 else ""
    return f"; at {point} autograd gives {row.worst.autograd!r}, exact is {row.worst.exact!r}{lost}"


def remarks(rows: Iterable[PartialResult], most: int = REMARKS) -> list[str]:
    """What the verdict leaves out of rows that are not wrong anyway, each sentence once; at most `most` and a count."""
    said: dict[str, str] = {}
    for row in (row for row in rows if row.verdict is not Verdict.DISAGREES):
        for remark in row.remarks:
            said.setdefault(remark, f"Remark on {row.label}: {remark}.")
    more = [f"... and {len(said) - most} more remarks; --report json has them all."] if len(said) > most else []
    return [*said.values()][:most] + more


def footnotes(rows: Iterable[PartialResult]) -> list[str]:
    """Where sympy's side is the one that is off: in how many partials, and the worst point."""
    off = [row for row in rows if row.sympy_worst and row.sympy_excess > SYMPY_IS_OFF and row.excess <= 1]
    if not off:
        return []
    row = max(off, key=lambda row: row.sympy_excess)
    assert row.sympy_worst is not None
    point = ", ".join(f"{name} = {x!r}" for name, x in row.sympy_worst.point.items())
    others = f" (and in {len(off) - 1} more)" if len(off) > 1 else ""
    values = f"gives {row.sympy_worst.sympy!r}, exact is {row.sympy_worst.exact!r}"
    return [f"sympy's side is off in {row.label}{others}, autograd's is not: at {point} sympy {values}."]


def each_sentence_once(rows: Iterable[PartialResult]) -> Iterator[PartialResult]:
    """The rows without those whose sentence an earlier row has said."""
    said: set[str] = set()
    for row in rows:
        if sentence(row) not in said:
            said.add(sentence(row))
            yield row


def evidence(row: PartialResult) -> list[str]:
    """The worst point in decimal and hexadecimal, the three values there and the bound, one line each."""
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
    counts = Counter(row.verdict for row in check.partials)
    total, by = len(check.partials), len({row.engine for row in check.partials})
    if not total:
        return "Nothing was checked"
    if total == 1:
        return f"The only partial {VERBS[check.verdict][0]}"
    if counts[Verdict.AGREES] == total:
        return f"All {total // by} partials agree{f' by all {by} engines' if by > 1 else ''}"
    (worst, n), *others = sorted(counts.items(), key=lambda pair: -pair[0].rank)
    words = [f"{n} of {total} partials {VERBS[worst][n > 1]}", *(f"{m} {VERBS[v][m > 1]}" for v, m in others)]
    return ", ".join(words) + (f"; {check.message}" if check.message else "")


def conclusion(check: CheckResult) -> str:
    """How many rows do what, and if none is wrong, which error would have been found."""
    found = [row.sensitivity for row in check.partials if not math.isnan(row.sensitivity.median)]
    if not found or any(row.verdict not in (Verdict.AGREES, Verdict.IMPRECISE) for row in check.partials):
        return f"{tally(check)}."
    median, worst = max(s.median for s in found), max(s.worst for s in found)
    return f"{tally(check)}; an error of {median:.1g} would have been found ({worst:.1g} at the worst point)."


def facts(check: CheckResult, report: Report) -> str:
    """What was judged, and what the figures depend on."""
    versions = (f"{name} {report.environment[name].partition('+')[0]}" for name in ("torch", "sympy"))
    parts = [judged(check), f"seed {check.seed}", f"{check.dtype} on {check.device}", *versions]
    return " · ".join(parts)


def judged(check: CheckResult) -> str:
    """How many points there are, how many of them were refereed, and why not the others."""
    counts = [row.points for row in check.partials if row.points.checked]
    points = f"{check.points:,} point{'s' * (check.points > 1)}"
    if not counts:
        return f"{points}, none refereed"
    most = {reason: max(count.skipped.get(reason, 0) for count in counts) for reason in SKIPPED}
    skipped = [f"{n:,} {SKIPPED[reason]}" for reason, n in most.items() if n]
    if not max(count.unrefereed for count in counts):
        added = max(count.refereed + sum(count.skipped.values()) for count in counts) - check.points
        corners = f" and {added:,} corner{'s' * (added > 1)}" if added > 0 else ""
        return f"{points}{corners}, all refereed but {', '.join(skipped)}" if skipped else f"{points}, all refereed"
    refereed = min(count.refereed for count in counts)
    return ", ".join([points, f"{refereed:,} refereed (the most suspicious first)", *skipped])


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
    """Why the run as a whole did not finish; empty if it did."""
    if report.interrupted:
        return "interrupted: only what was finished before is here"
    return "" if report.checks else "no check was run"
