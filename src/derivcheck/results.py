"""The record between computing and showing: one row per partial, one result per check, one report per run.

`Report.to_dict` is the JSON that other programs read.
"""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from derivcheck.errors import ExitStatus
from derivcheck.outcomes import Cause, Discrepancy, Listed, Outcome, Verdict


@dataclass(frozen=True)
class Side:
    """One of the two computations against the exact value: the largest errors over the refereed points."""

    max_abs_error: float = math.nan
    max_rel_error: float = math.nan
    lost_bits: float = math.nan
    """log2 of the largest error in units of u·|exact|."""
    seconds: float = math.nan
    """Median time of this partial alone at all points."""
    seconds_min: float = math.nan
    """The shortest: what tables show, because a pause of the machine does not change it."""
    seconds_iqr: float = math.nan


@dataclass(frozen=True)
class Difference:
    """autograd against sympy: the largest differences over all points."""

    max_abs: float = math.nan
    max_rel: float = math.nan
    max_ulp: float = math.nan


@dataclass(frozen=True)
class Worst:
    """The point that decides: where the error is the largest multiple of its bound."""

    point: Mapping[str, float]
    autograd: float
    sympy: float
    exact: float
    bound: float


@dataclass(frozen=True)
class PointCounts:
    """How many points were computed and refereed, and how many were skipped for each reason."""

    checked: int = 0
    refereed: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    unrefereed: int = 0
    """Random points that the referee had no time for. The steps of the search that led nowhere are not counted."""


@dataclass(frozen=True)
class Limits:
    """What a check counts as a failure besides a wrong derivative."""

    strict: bool = False
    """Whether warnings fail: rows that are imprecise, and errors at a single point that was not asked for."""
    max_lost_bits: float | None = None
    """log2 of the largest error that passes, in units of u·|exact|; None allows any."""


@dataclass(frozen=True)
class Sensitivity:
    """What a pass would have seen: the relative error of autograd that exceeds the bound, over some judged points."""

    median: float = math.nan
    worst: float = math.nan


@dataclass(frozen=True)
class PartialResult:
    """The row of one partial."""

    partial: Mapping[str, int]
    order: int
    label: str
    symbolic: str
    engine: str
    verdict: Verdict
    cause: Cause | None = None
    message: str = ""
    points: PointCounts = PointCounts()
    difference: Difference = Difference()
    autograd: Side = Side()
    sympy: Side = Side()
    excess: float = math.nan
    """error / bound of autograd at the worst judged point: what decides. Above 1 is wrong; inf for NaN."""
    sensitivity: Sensitivity = Sensitivity()
    worst: Worst | None = None
    remarks: tuple[str, ...] = ()
    """Failures that the verdict leaves out, a sentence each."""
    reproduce: str = ""
    output: str = ""
    """Which number of a function that returns several per point, such as out[3]; empty if it returns one."""

    def fails(self, limits: Limits) -> bool:
        """Whether this row is a failure for CI."""
        warned = limits.strict and self.verdict is Verdict.IMPRECISE
        return self.verdict is Verdict.DISAGREES or self.loses_too_much(limits) or warned

    def loses_too_much(self, limits: Limits) -> bool:
        """Whether it loses more bits than --max-lost-bits allows."""
        return limits.max_lost_bits is not None and self.autograd.lost_bits > limits.max_lost_bits


@dataclass(frozen=True)
class Seconds:
    """Times of one check in seconds: the preparation, and the median and the shortest evaluation of all partials at all
    points."""

    prepare: float = math.nan
    autograd: float = math.nan
    autograd_min: float = math.nan
    sympy: float = math.nan
    sympy_min: float = math.nan
    referee: float = math.nan
    total: float = math.nan


@dataclass(frozen=True)
class CheckResult(Listed):
    """One expression on one dtype and device."""

    name: str
    expression: str
    """As given; empty if torch code is the formula."""
    function: str | None
    variables: tuple[str, ...]
    domain: Mapping[str, tuple[float, float]]
    points: int
    seed: int
    dtype: str
    device: str
    seconds: Seconds
    partials: tuple[PartialResult, ...]
    reference: str | None = None
    """The plain torch function that is the truth, if there is one."""
    computes: tuple[str, ...] = ()
    """The formulas that torch code was found to compute, if it is the truth and they are short: one per output."""
    equations: tuple[str, ...] = ()
    """The equations that are meant, if fields are involved: one per output."""
    discrepancies: tuple[Discrepancy, ...] = ()
    notes: tuple[str, ...] = ()
    """What else was seen of the code, a sentence each."""
    limits: Limits = Limits()
    engines: Mapping[str, Seconds] = field(default_factory=dict)
    """The times of each engine; `seconds` has those of the first."""
    unable: Mapping[str, str] = field(default_factory=dict)
    """With `all`: the engines that cannot compute some partial, with the reason."""

    @property
    def fails(self) -> bool:
        """Whether some row is a failure for CI."""
        return any(row.fails(self.limits) for row in self.partials)

    @property
    def verdict(self) -> Verdict:
        """The worst of the rows."""
        return worst_verdict([row.verdict for row in self.partials])

    @property
    def outcome(self) -> Outcome:
        """What the check means for the run."""
        if self.error:
            return Outcome.ERROR
        if self.skip:
            return Outcome.SKIPPED
        if self.xfail:
            return Outcome.XFAILED if self.verdict is Verdict.DISAGREES else Outcome.XPASSED
        if self.fails:
            return Outcome.KNOWN if self.known else Outcome.FAILED
        return Outcome(self.verdict.value) if self.verdict.is_open else Outcome.PASSED

    @property
    def is_imprecise(self) -> bool:
        """Whether it passes with a warning."""
        return self.outcome is Outcome.PASSED and self.verdict is Verdict.IMPRECISE

    @property
    def message(self) -> str:
        """Where to look first: the lowest order that is wrong."""
        wrong = [row for row in self.partials if row.verdict is Verdict.DISAGREES]
        return f"first wrong at order {min(row.order for row in wrong)}" if wrong else ""


@dataclass(frozen=True)
class Report:
    """Everything that a run found. `ok` is what a CI job asks for."""

    checks: tuple[CheckResult, ...]
    environment: Mapping[str, Any]
    version: str
    interrupted: bool = False
    known_ok: bool = False
    """Whether known defects pass, so that only new ones fail."""
    terminated: bool = False
    """Whether SIGTERM interrupted it."""
    refusal: tuple[ExitStatus, str] | None = None
    """Why nothing was checked, as text, if the request is wrong or something broke; then there are no checks."""

    @property
    def verdict(self) -> Verdict:
        """The worst of the checks that ran."""
        return worst_verdict([check.verdict for check in self.checks if not check.skip])

    @property
    def exit_status(self) -> ExitStatus:
        if self.refusal:
            return self.refusal[0]
        if self.interrupted:
            return ExitStatus.TERMINATED if self.terminated else ExitStatus.INTERRUPTED
        outcomes = {check.outcome for check in self.checks}
        if any(outcome.fails(known_ok=self.known_ok) for outcome in outcomes):
            return ExitStatus.DISAGREES
        if Outcome.ERROR in outcomes:
            return ExitStatus.USAGE
        is_open = not outcomes or any(outcome.is_open for outcome in outcomes)
        return ExitStatus.UNDECIDED if is_open else ExitStatus.AGREES

    @property
    def ok(self) -> bool:
        return self.exit_status is ExitStatus.AGREES

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: NaN and infinity as text, points as hexadecimal floats."""
        from derivcheck.reports import record  # noqa: PLC0415 it imports this module

        return record.of_report(self)

    def __str__(self) -> str:
        from derivcheck.reports import encoding  # noqa: PLC0415 print(report) shows the table

        return encoding.rendered("table", self, sys.stdout)


def worst_verdict(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict that decides; `undecided` if there is none."""
    return max(verdicts, key=lambda v: v.rank, default=Verdict.UNDECIDED)
