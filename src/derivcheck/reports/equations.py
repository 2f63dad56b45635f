"""Which equation code computes, which one is meant, and how they differ, side by side."""

from __future__ import annotations

from collections.abc import Iterator

from derivcheck.results import CheckResult

MEANT = "the formula is"
GAP = "   "  # between the columns


def lines(check: CheckResult) -> Iterator[str]:
    """For each output: what is computed, what is meant, the difference with a hint; then what else was seen."""
    if check.equations:
        yield from _compared(check)
    yield from (f"note: {note}" for note in check.notes)


def _compared(check: CheckResult) -> Iterator[str]:
    heads = [_name(check, k) for k in range(len(check.computes))]
    width = max(map(len, [*heads, MEANT, "too much"]))
    for k in range(max(len(check.equations), len(check.computes))):
        if k < len(check.computes):
            yield f"{heads[k]:{width}}{GAP}{check.computes[k]}"
        if k < len(check.equations):
            yield f"{MEANT:{width}}{GAP}{check.equations[k]}"
        for found in check.discrepancies:
            if found.output == k:
                yield f"{found.kind:{width}}{GAP}{found.terms}{GAP if found.hint else ''}{found.hint}"


def _name(check: CheckResult, k: int) -> str:
    """burgers.py:residual computes, or out[1] computes of several."""
    return f"{check.function} computes" if len(check.computes) == 1 else f"{check.function} out[{k}] computes"
