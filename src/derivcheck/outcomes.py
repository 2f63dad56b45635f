"""The verdict on a partial, its cause, and what both mean for a run. Values of enums are texts that a person reads."""

from dataclasses import dataclass, fields
from enum import Enum, StrEnum
from typing import Any


class Verdict(StrEnum):
    """The verdict on one partial, from best to worst. It is its word: in print, in an f-string and in JSON."""

    AGREES = "agrees"
    IMPRECISE = "imprecise"
    UNSUPPORTED = "unsupported"
    UNDECIDED = "undecided"
    DISAGREES = "disagrees"

    @property
    def rank(self) -> int:
        return list(Verdict).index(self)

    @property
    def is_open(self) -> bool:
        """Whether nothing wrong was found and nothing was proved."""
        return self in (Verdict.UNDECIDED, Verdict.UNSUPPORTED)


class Outcome(StrEnum):
    """What a check means for the run: its verdict in the light of --strict and of what its suite says about it.

    Which checks fail a run, stop it, or are worth showing is decided here and nowhere else. `known_ok` is --known-ok.
    """

    PASSED = "passed"
    SKIPPED = "skipped"
    XFAILED = "failed as expected"
    KNOWN = "known defect"
    UNSUPPORTED = "unsupported"
    UNDECIDED = "undecided"
    ERROR = "error"
    XPASSED = "passed unexpectedly"
    FAILED = "failed"

    def counted(self, count: int) -> str:
        """3 failed, 1 error, 2 errors."""
        return f"{count} {self.value}{'s' if self is Outcome.ERROR and count != 1 else ''}"

    @property
    def is_wrong(self) -> bool:
        """Whether the check found a wrong derivative, whether expected, known or neither."""
        return self in (Outcome.FAILED, Outcome.KNOWN, Outcome.XFAILED)

    @property
    def is_open(self) -> bool:
        """Whether nothing is proved: exit status 3, unless something else fails."""
        return self in (Outcome.UNDECIDED, Outcome.UNSUPPORTED)

    def is_tolerated(self, *, known_ok: bool) -> bool:
        """Whether it is a known defect that --known-ok lets pass."""
        return self is Outcome.KNOWN and known_ok

    def is_excused(self, *, known_ok: bool) -> bool:
        """Whether the check found something wrong and yet does not fail the run."""
        return self is Outcome.XFAILED or self.is_tolerated(known_ok=known_ok)

    def fails(self, *, known_ok: bool) -> bool:
        """Whether this check alone makes the exit status 1."""
        return self is Outcome.XPASSED or (self.is_wrong and not self.is_excused(known_ok=known_ok))

    def needs_attention(self, *, known_ok: bool) -> bool:
        """Whether this check alone makes the exit status 1, 2 or 3."""
        return self.fails(known_ok=known_ok) or self.is_open or self is Outcome.ERROR

    def urgency(self, *, known_ok: bool) -> tuple[bool, int]:
        """A sort key: what fails the run first, then the worst."""
        return not self.fails(known_ok=known_ok), -list(Outcome).index(self)


@dataclass(frozen=True, kw_only=True)
class Listed:
    """Where a suite lists a check and what it says about it; all empty for a check outside of a suite."""

    source: str = ""
    """The suite file, as it was named."""
    line: int = 0
    """Of the entry in that file, from 1."""
    tags: tuple[str, ...] = ()
    skip: str = ""
    """Why it is not run: then there are no rows."""
    xfail: str = ""
    """Why it must disagree."""
    known: str = ""
    """The address of the issue of a known defect. The verdict is not affected."""
    error: str = ""
    """Why it cannot be run: its entry has mistakes, its function fails. Then there are no rows."""

    @property
    def listing(self) -> dict[str, Any]:
        """These fields by name, as a check passes them on to its result."""
        return {field.name: getattr(self, field.name) for field in fields(Listed)}


class Cause(Enum):
    """Why. The value is the sentence; details of the case are added to it."""

    VALUE = "the function's own value is wrong, before any derivative"
    FORMULA = "the derivative is wrong by more than rounding explains, and more precision would not fix it"
    NON_FINITE = "NaN or infinity where the derivative is finite"
    ASYMMETRIC = "the mixed partial depends on the order of differentiation"
    PROTOCOL = "the result depends on how the function and its backward are called"
    CUT = "autograd sees no path to the variable, but the derivative is not 0: a detach, or a tensor rebuilt"
    RANGE = "an intermediate result overflows or underflows this dtype"
    PRECISION = "wrong in this dtype only, right in float64"
    CONDITIONING = (
        "more than half of the digits are lost to rounding, beyond what the derivative's own conditioning explains"
    )
    UNSETTLED = "the exact value did not settle at the highest precision"
    KINK = "every point lies on a kink, where the derivative does not exist"
    EMPTY_DOMAIN = "no point of the domain is one where the derivative exists"
    TIMEOUT = "the time given by --timeout ran out first"
    OPERATION = "not computed"
    LOST = "the check did not finish"
    CONTROL = "an error that was planted as a control is not found, so that agreeing proves nothing"
    ISOLATED = "wrong at single points alone, right all around them"

    @property
    def slug(self) -> str:
        """Its name for other programs, such as `non-finite`."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True)
class Discrepancy:
    """Between the equation that code computes and the one that is meant."""

    kind: str
    """too much, missing, factor or sign."""
    terms: str
    hint: str = ""
    """What the difference is known to come from."""
    output: int = 0
    """Of which equation."""
