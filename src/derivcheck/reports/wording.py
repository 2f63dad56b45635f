"""The sentences that reports share: about a row, a check and a run, whatever the format."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from derivcheck.choices import OWN_FORWARD
from derivcheck.outcomes import Outcome, Verdict
from derivcheck.results import CheckResult, PartialResult, Report

REMARKS = 3  # shown per check; --report json has all of them


def subject(check: CheckResult) -> str:
    """What is checked."""
    return f"{check.function} against {truth(check)}" if check.function else check.expression


def truth(check: CheckResult) -> str:
    """What decides: the expression, the reference, or the function's own forward."""
    return check.expression or check.reference or OWN_FORWARD


def recovered(check: CheckResult) -> str:
    """The formula that torch code computes: plain.py:silu is x/(1 + exp(-x)). Empty if there is none to print."""
    known = len(check.computes) == 1 and not check.equations
    return f"{check.reference or check.function} is {check.computes[0]}" if known else ""


def domain(check: CheckResult) -> str:
    """x1 in [0, 1], x2 in [-1, 1]."""
    return ", ".join(intervals(check))


def intervals(check: CheckResult) -> list[str]:
    """`x1 in [0, 1]` for each variable."""
    return [f"{name} in [{low:g}, {high:g}]" for name, (low, high) in check.domain.items()]


def names(report: Report) -> list[str]:
    """One per check; with dtype and device if several checks of a file have the same name."""
    counts = Counter((check.source, check.name) for check in report.checks)
    return [
        f"{check.name} ({check.dtype} on {check.device})" if counts[check.source, check.name] > 1 else check.name
        for check in report.checks
    ]


def distinct(rows: Sequence[PartialResult]) -> Sequence[PartialResult]:
    """The rows with labels that also name the engine, if there are several."""
    several = len({row.engine for row in rows}) > 1
    return [replace(row, label=f"{row.label} [{row.engine}]") for row in rows] if several else rows


def judgement(row: PartialResult) -> str:
    """∂f/∂x disagrees, ∂f/∂x is imprecise."""
    return f"{row.label} {_predicate(row.verdict)}"


def _predicate(verdict: Verdict, number: int = 1) -> str:
    """Agrees, agree, is imprecise, are imprecise."""
    word: str = verdict.value
    if verdict in (Verdict.AGREES, Verdict.DISAGREES):
        return word if number == 1 else word.removesuffix("s")
    return f"{'is' if number == 1 else 'are'} {word}"


def sentence(row: PartialResult) -> str:
    """Why: the sentence of the cause, with the details of the case."""
    cause = row.cause.value if row.cause else ""
    return f"{cause} ({row.message})" if cause and row.message else cause or row.message


def remark(row: PartialResult) -> str:
    """One line about a row that does not disagree."""
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
    """The rows without those whose sentence an earlier row has had."""
    said: set[str] = set()
    for row in rows:
        if sentence(row) not in said:
            said.add(sentence(row))
            yield row


def evidence(row: PartialResult) -> list[str]:
    """The worst point in decimal and hexadecimal, the three values there and the bound, one per line."""
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
    """All 6 partials agree, and what a pass would have found; or how many have which verdict, and the lowest wrong."""
    counts = Counter(row.verdict for row in check.partials)
    if not counts:
        return standing(check) if check.error else "Nothing was checked"
    if len(counts) == 1:
        agree = Verdict.AGREES in counts
        parts = [f"{_unanimous(check)}{_sensitivity(check.partials) if agree else ''}"]
    else:
        noun = "rows" if len({row.engine for row in check.partials}) > 1 else "partials"
        worst_first = sorted(counts, key=lambda verdict: -verdict.rank)
        parts = [f"{counts[verdict]} {_predicate(verdict, counts[verdict])}" for verdict in worst_first]
        parts[0] = parts[0].replace(" ", f" of {len(check.partials)} {noun} ", 1)
    return ", ".join([*parts, check.message] if check.message else parts)


def _unanimous(check: CheckResult) -> str:
    """All 6 partials agree by all 2 engines; the partial agrees."""
    engines = len({row.engine for row in check.partials})
    partials = len(check.partials) // engines
    subject = "The partial" if partials == 1 else f"All {partials} partials"
    return f"{subject} {_predicate(check.verdict, partials)}{f' by all {engines} engines' if engines > 1 else ''}"


def _sensitivity(rows: Sequence[PartialResult]) -> str:
    """The relative error that would have been found, in the median and at the worst of some points."""
    known = [row.sensitivity for row in rows if not math.isnan(row.sensitivity.median)]
    if not known:
        return ""
    median, worst = max(s.median for s in known), max(s.worst for s in known)
    return f"; a relative error of {median:.0e} would have been found ({worst:.0e} at the worst point)"


def facts(check: CheckResult, report: Report) -> list[str]:
    """The last line of a check: what share of the points was judged, why not the rest, and what figures depend on."""
    versions = [f"{name} {report.environment[name]}" for name in ("torch", "sympy")]
    return [_judged(check.partials), f"seed {check.seed}", f"{check.dtype} on {check.device}", *versions]


def _judged(rows: Sequence[PartialResult]) -> str:
    """10,048 points: 3,921 judged, 6,122 not refereed, 5 extreme. Of the row with the fewest that were judged; corners
    are among them, the steps of the search that led nowhere are not."""
    computed = [row.points for row in rows if row.points.checked]
    if not computed:
        return "no points"
    points = min(computed, key=lambda points: points.refereed)
    others = {"not refereed": points.unrefereed, **points.skipped}
    total = points.refereed + sum(others.values())
    reasons = "".join(f", {count:,} {reason}" for reason, count in others.items() if count)
    return f"{total:,} points: {f'{points.refereed:,}' if reasons else 'all'} judged{reasons}"


def remarks(check: CheckResult) -> list[str]:
    """A line for each remark, the same sentence of several rows once."""
    lines: dict[str, str] = {}
    for row in distinct(check.partials):
        for said in row.remarks:
            lines.setdefault(said, f"Remark on {row.label}: {said}")
    shown = list(lines.values())
    return [*shown[:REMARKS], *([f"... and {len(shown) - REMARKS} more remarks"] if len(shown) > REMARKS else [])]


def standing(check: CheckResult) -> str:
    """The outcome and its reason: `known defect: https://...`."""
    outcome = check.outcome
    reasons = {
        Outcome.SKIPPED: check.skip,
        Outcome.XFAILED: check.xfail,
        Outcome.XPASSED: f"it should disagree: {check.xfail}",
        Outcome.KNOWN: check.known,
        Outcome.ERROR: " ".join(check.error.split()),
    }
    return f"{outcome.value}: {reasons[outcome]}" if outcome in reasons else outcome.value


def hindrance(report: Report) -> str:
    """Why the run as a whole did not begin or did not finish; empty if it did."""
    if report.refusal:
        return report.refusal[1]
    if report.interrupted:
        return "interrupted: only the checks that finished before are here"
    return "" if report.checks else "no check was run"
