"""The report as JUnit XML, the form in which Jenkins, GitLab, Azure and the like read tests.

One test suite per check, one test case per partial. What no single partial says (the check was skipped, passed
unexpectedly, cannot be computed) is a test case `check` of its own, and what concerns the whole run is a suite of its
own: so there is a failure or an error if and only if the exit status is not 0.
"""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from derivcheck.outcomes import Outcome, Verdict
from derivcheck.reports import wording
from derivcheck.reports.characters import legible, one_line, short
from derivcheck.reports.weight import Weight, complaint, kind, story, weighed
from derivcheck.results import CheckResult, PartialResult, Report

LONGEST_NAME = 200  # characters: Jenkins makes addresses of names
COUNTED = {"failure": "failures", "error": "errors", "skipped": "skipped"}


@dataclass(frozen=True)
class Case:
    """One test case. `tag` is failure, error or skipped, and empty if it passed; `text` is for people to read."""

    name: str
    tag: str = ""
    type: str = ""
    message: str = ""
    text: str = ""


def render(report: Report) -> str:
    """One XML 1.0 document, ended by a newline. Characters that XML forbids are escaped as in \\x00."""
    suites = [_of_check(check, name, report) for check, name in zip(report.checks, wording.names(report), strict=True)]
    if hindrance := wording.hindrance(report):
        type_ = "refused" if report.refusal else "interrupted" if report.interrupted else "empty"
        suites.append(_suite("derivcheck", [Case("run", "error", type_, hindrance, hindrance)], 0.0))
    totals = {key: str(sum(int(suite.get(key, 0)) for suite in suites)) for key in ("tests", "failures", "errors")}
    seconds = sum(_seconds(check) for check in report.checks)
    root = _element("testsuites", name="derivcheck", **totals, time=f"{seconds:.3f}")
    root.extend(suites)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _element(tag: str, text: str = "", **attributes: str) -> ET.Element:
    element = ET.Element(tag, {name: legible(value) for name, value in attributes.items()})
    element.text = legible(text) or None
    return element


def _of_check(check: CheckResult, name: str, report: Report) -> ET.Element:
    full = one_line(f"{check.source}::{name}" if check.source else name)
    suite = _suite(short(full, LONGEST_NAME) or "check", list(_cases(check, report)), _seconds(check))
    if check.source:
        suite.set("file", legible(check.source))
    properties = _element("properties")
    properties.extend(_element("property", name=key, value=value) for key, value in _facts(check, report) if value)
    suite.insert(0, properties)
    return suite


def _suite(name: str, cases: list[Case], seconds: float) -> ET.Element:
    tags = Counter(case.tag for case in cases)
    counts = {attribute: str(tags[tag]) for tag, attribute in COUNTED.items()}
    suite = _element("testsuite", name=name, tests=str(len(cases)), **counts, time=f"{seconds:.3f}")
    suite.extend(_test_case(case, name, seconds / len(cases)) for case in cases)
    return suite


def _test_case(case: Case, suite: str, seconds: float) -> ET.Element:
    element = _element("testcase", name=case.name, classname=suite, time=f"{seconds:.6f}")
    if case.tag:
        element.append(_element(case.tag, case.text, type=case.type, message=one_line(case.message)))
    elif case.text:
        element.append(_element("system-out", case.text))
    return element


def _cases(check: CheckResult, report: Report) -> Iterator[Case]:
    if check.outcome is not Outcome.SKIPPED:
        yield from (
            _case(row, weight, check) for row, weight in weighed(wording.distinct(check.partials), check, report)
        )
    yield from _of_whole_check(check)


def _case(row: PartialResult, weight: Weight, check: CheckResult) -> Case:
    why = wording.sentence(row) or row.verdict.value
    if weight is Weight.FAILURE:
        return Case(row.label, "failure", kind(row, check), complaint(row, check), "\n".join(story(row, check)))
    if weight is Weight.UNDECIDED:
        return Case(row.label, "error", kind(row, check), why, wording.replay(row))
    if weight is Weight.UNSUPPORTED:
        return Case(row.label, "skipped", kind(row, check), why)
    if weight is Weight.EXCUSED:
        return Case(row.label, "skipped", kind(row, check), wording.standing(check), "\n".join(wording.evidence(row)))
    return Case(row.label, text="" if weight is Weight.NONE else wording.remark(row))


def _of_whole_check(check: CheckResult) -> Iterator[Case]:
    """What decides the exit status though no row says it, or why there are no rows."""
    outcome, standing = check.outcome, wording.standing(check)
    if outcome is Outcome.SKIPPED:
        yield Case("check", "skipped", "skipped", check.skip)
    elif outcome is Outcome.ERROR:
        yield Case("check", "error", "error", " ".join(check.error.split()), check.error)
    elif outcome is Outcome.XPASSED:
        yield Case("check", "failure", "passed-unexpectedly", standing)
    elif outcome is Outcome.UNSUPPORTED:
        missing = sum(row.verdict is Verdict.UNSUPPORTED for row in check.partials)
        verb = "is" if missing == 1 else "are"
        yield Case("check", "error", "unsupported", f"{missing} of {len(check.partials)} partials {verb} unsupported")
    elif not check.partials:
        yield Case("check", "error", "undecided", wording.tally(check))


def _facts(check: CheckResult, report: Report) -> Iterator[tuple[str, str]]:
    """Names and values; empty values are left out."""
    for key in ("expression", "dtype", "device", "seed", "points", "source", "known", "xfail"):
        yield key, str(getattr(check, key))
    yield "function", check.function or ""
    yield "reference", check.reference or ""
    yield "computes", ", ".join(check.computes)
    yield "line", str(check.line or "")
    yield "domain", wording.domain(check)
    yield "tags", ", ".join(check.tags)
    yield "verdict", "" if check.skip else check.verdict.value
    yield "outcome", check.outcome.value
    yield "derivcheck", report.version
    yield from ((key, str(value)) for key, value in report.environment.items())


def _seconds(check: CheckResult) -> float:
    """NaN and infinity are not times. For suites, Jenkins reads at most three decimals and no exponent."""
    return check.seconds.total if math.isfinite(check.seconds.total) else 0.0
