"""Results as plain data for JSON: NaN and infinity as text, points as hexadecimal floats."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from derivcheck.results import CheckResult, PartialResult, Report, Seconds


SCHEMA = "derivcheck.report/1"
OF_ROW = (
    "output", "partial", "order", "label", "symbolic", "engine", "message", "excess", "remarks", "reproduce",
)  # fmt: skip


def of_report(report: Report) -> dict[str, Any]:
    """The whole document."""
    return {
        "schema": SCHEMA,
        "version": report.version,
        "environment": dict(report.environment),
        "verdict": report.verdict.value,
        "exit_status": int(report.exit_status),
        **({"error": report.refusal[1]} if report.refusal else {}),
        "checks": [of_check(check) for check in report.checks],
    }


def of_check(check: CheckResult) -> dict[str, Any]:
    """One check; if it comes from a suite, also where it is listed and what the suite says about it."""
    kept = ("name", "expression", "function", "reference", "computes", "variables", "points", "seed", "dtype", "device")
    of_suite = {**check.listing, "outcome": check.outcome.value} if check.source else {}
    return {
        **{key: plain(getattr(check, key)) for key in kept},
        **plain(of_suite),
        **(_of_equations(check) if check.equations or check.notes else {}),
        "domain": {name: [plain(end) for end in ends] for name, ends in check.domain.items()},
        "verdict": check.verdict.value,
        "seconds": _of_seconds(check.seconds),
        **_of_engines(check),
        "partials": [_of_partial(row) for row in check.partials],
    }


def _of_equations(check: CheckResult) -> dict[str, Any]:
    """Of code that computes residuals: what is meant, how what it computes differs, what else was seen."""
    differences = [plain(vars(found)) for found in check.discrepancies]
    return {"equations": plain(check.equations), "discrepancies": differences, "notes": plain(check.notes)}


def _of_engines(check: CheckResult) -> dict[str, Any]:
    """If there are several: the times of each, and with `all` why some are not among them."""
    if len(check.engines) + len(check.unable) < 2:
        return {}
    taken = {name: _of_seconds(seconds) for name, seconds in check.engines.items()}
    return {"engines": taken, "unable": dict(check.unable)}


def _of_seconds(seconds: Seconds) -> dict[str, Any]:
    return {key: plain(value) for key, value in vars(seconds).items()}


def _of_partial(row: PartialResult) -> dict[str, Any]:
    worst = row.worst
    return {
        **{key: plain(getattr(row, key)) for key in OF_ROW},
        "verdict": row.verdict.value,
        "cause": row.cause.slug if row.cause else None,
        "points": plain(vars(row.points)),
        "sensitivity": plain(vars(row.sensitivity)),
        "difference": plain(vars(row.difference)),
        "autograd": plain(vars(row.autograd)),
        "sympy": plain(vars(row.sympy)),
        "worst": worst and {**plain(vars(worst)), "point": {name: float(x).hex() for name, x in worst.point.items()}},
    }


def plain(value: Any) -> Any:
    """JSON has neither NaN nor infinity: they become "nan", "inf" and "-inf"."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, tuple):
        return [plain(inner) for inner in value]
    return value
