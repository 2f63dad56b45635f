"""What is said of a partial, why, and what that means for a run. An enum's value is the sentence a person reads."""

from enum import Enum


class Verdict(Enum):
    """What is said of one partial, from best to worst."""

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
        """Whether nothing wrong was found and nothing proved."""
        return self in (Verdict.UNDECIDED, Verdict.UNSUPPORTED)


class Outcome(Enum):
    """What a check means for the run: the verdict, seen through --strict and what a suite says of it."""

    PASSED = "passed"
    SKIPPED = "skipped"
    XFAILED = "failed as expected"
    KNOWN = "known defect"
    UNSUPPORTED = "unsupported"
    UNDECIDED = "undecided"
    XPASSED = "passed unexpectedly"
    FAILED = "failed"

    def fails(self, *, known_ok: bool) -> bool:
        """Whether a check alone makes the exit status 1. With `known_ok` a known defect does not."""
        return self in (Outcome.FAILED, Outcome.XPASSED) or (self is Outcome.KNOWN and not known_ok)

    def is_excused(self, *, known_ok: bool) -> bool:
        """Whether the check disagrees and the run does not fail for it."""
        return self is Outcome.XFAILED or (self is Outcome.KNOWN and known_ok)

    @property
    def is_open(self) -> bool:
        """Whether nothing is proved: exit status 3, unless something else fails."""
        return self in (Outcome.UNDECIDED, Outcome.UNSUPPORTED)

    def urgency(self, *, known_ok: bool) -> tuple[bool, int]:
        """A key to sort by: what fails the run first, then the worst."""
        return not self.fails(known_ok=known_ok), -list(Outcome).index(self)


class Cause(Enum):
    """Why. The value is the sentence; what is known of the case is added to it."""

    VALUE = "the function's own value is wrong, before any derivative"
    FORMULA = "the derivative is wrong by more than rounding explains, and more precision would not mend it"
    NON_FINITE = "NaN or infinity where the derivative is finite"
    ASYMMETRIC = "the mixed partial depends on the order of differentiation"
    COTANGENT = "right for a constant cotangent only: the backward ignores grad_output, or mixes points"
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
    LOST = "the check did not come to its end"
    ISOLATED = "wrong at a single point that was not asked for, right all around it"

    @property
    def slug(self) -> str:
        """Its name for other programs, such as `non-finite`."""
        return self.name.lower().replace("_", "-")
