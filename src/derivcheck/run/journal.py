"""Results as they come in: a file of JSON lines, one per finished check, from which a killed run can be continued.

The first line names the version that wrote it. Each line is written at once; only the last can be cut short by a kill,
and it is left out. Floats are written so that they come back bit by bit.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from derivcheck.errors import RequestError
from derivcheck.outcomes import Cause, Verdict
from derivcheck.results import (
    CheckResult,
    Difference,
    Limits,
    PartialResult,
    PointCounts,
    Seconds,
    Sensitivity,
    Side,
    Worst,
)
from derivcheck.version import VERSION

if TYPE_CHECKING:
    from derivcheck.problem import Check

FORMAT = f"derivcheck.journal/1 {VERSION}"


class Journal:
    """An open journal, to which results are appended."""

    def __init__(self, path: Path, *, keep: bool) -> None:
        self.path = path
        self.finished = read(path) if keep else {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: TextIO = path.open("a" if self.finished else "w", encoding="utf-8")
        except OSError as error:
            cause = f"{path}: cannot be written: {error.strerror}"
            raise RequestError(cause, "Choose a --report in a folder that may be written.") from None
        if self.finished:
            self._file.write("\n")  # ends a line that a kill cut short
        else:
            self._write({"format": FORMAT})

    def add(self, check: Check, result: CheckResult) -> None:
        """Write a result."""
        self._write({"key": key_of(check), "result": encoded(result)})

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def key_of(check: Check) -> str:
    """A hash of everything that decides the result of a check, 128 bits of SHA-256."""
    problem = replace(check.problem, function=None, deadline=None)
    return hashlib.sha256(repr((check.name, problem, check.engines)).encode()).hexdigest()[:32]


def read(path: Path) -> dict[str, CheckResult]:
    """The results of a journal by their keys; empty if there is no journal of this version."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    if not lines or FORMAT not in lines[0]:
        return {}
    found = {}
    for line in lines[1:]:
        with contextlib.suppress(ValueError, KeyError, TypeError):  # the line that a kill cut short
            entry = json.loads(line)
            found[entry["key"]] = decoded(entry["result"])
    return found


def encoded(value: Any) -> Any:
    """Dataclasses become objects, enums their names; NaN and infinities stay, which Python's JSON writes and reads."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: encoded(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, dict):
        return {k: encoded(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [encoded(v) for v in value]
    return value


def decoded(data: dict[str, Any]) -> CheckResult:
    """The result that was encoded."""
    return CheckResult(
        **{
            **data,
            "variables": tuple(data["variables"]),
            "tags": tuple(data["tags"]),
            "domain": {name: tuple(ends) for name, ends in data["domain"].items()},
            "limits": Limits(**data["limits"]),
            "seconds": Seconds(**data["seconds"]),
            "engines": {name: Seconds(**seconds) for name, seconds in data["engines"].items()},
            "partials": tuple(map(_partial, data["partials"])),
        }
    )


def _partial(data: dict[str, Any]) -> PartialResult:
    return PartialResult(
        **{
            **data,
            "verdict": Verdict[data["verdict"]],
            "cause": Cause[data["cause"]] if data["cause"] else None,
            "points": PointCounts(**data["points"]),
            "difference": Difference(**data["difference"]),
            "autograd": Side(**data["autograd"]),
            "sympy": Side(**data["sympy"]),
            "sensitivity": Sensitivity(**data["sensitivity"]),
            "remarks": tuple(data["remarks"]),
            "worst": Worst(**data["worst"]) if data["worst"] else None,
        }
    )
