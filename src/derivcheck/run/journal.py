"""Results as they come in: a file of JSON lines, one per finished check, from which a killed run can be continued.

The first line has the versions and the time of the run; the last says that it finished. Each line is written at once
and has a hash of its own, so that one that a kill cut short, or that was damaged in another way, is left out. Floats
are written so that they come back bit by bit.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derivcheck.outcomes import Cause
from derivcheck.results import CheckResult
from derivcheck.run import files
from derivcheck.run.plain_data import decoded, encoded
from derivcheck.run.sources import Sources
from derivcheck.run.versions import versions

if TYPE_CHECKING:
    from derivcheck.problem import Check

FOLDER = Path(".derivcheck")
STATE = FOLDER / "last-run.jsonl"  # the journal's place if no report file is requested
NAME = "derivcheck.journal/"
FORMAT = f"{NAME}2"
BEGINNING = f'{{"format": "{NAME}'.encode()  # of the first line, whatever the version
FINISHED = {"finished": True}  # the last line
FOLLOWING = ("formula", "function", "reference", "deadline", "symbolic")  # of a problem: from its other fields

Say = Callable[[str], None]


@dataclass(frozen=True)
class LastRun:
    """What a journal says of the run that wrote it."""

    results: Mapping[str, CheckResult] = field(default_factory=dict)
    """By their keys."""
    started: str = ""
    """Local time, as in 2026-11-25 09:12:33."""
    finished: bool = False
    damaged: int = 0
    """Lines that cannot be read, except for a last one that was cut short."""
    unusable: str = ""
    """Why there are no results."""


class Journal:
    """An open journal, to which the results of a run are appended.

    With `resume`, those that an unfinished run left there are recalled. `say` gets a sentence about that, and one if
    the journal cannot be written, which stops no run. `threads` is the number of threads that --threads asks for.
    """

    def __init__(
        self, path: Path, checks: Sequence[Check], *, resume: bool, say: Say, threads: int | None = None
    ) -> None:
        self.path, self._say = path, say
        sources = Sources()
        self._keys = {id(check): key_of(check, sources, threads) for check in checks}
        self._known: dict[str, CheckResult] = {}
        self._file: int | None = None
        if not _is_ours(path):
            say(f"{path}: not a journal of derivcheck, so it is left alone; --resume and --last-failed will not work")
            return
        self._known = self._recall(checks) if resume else {}
        self._file = self._opened()
        if self._file is not None:
            self._write({} if self._known else {"format": FORMAT, "versions": versions(), "started": _now()})

    def recalled(self, check: Check) -> CheckResult | None:
        """The result of an earlier run, at the place where the suite has the check now."""
        found = self._known.get(self._keys[id(check)])
        return None if found is None else replace(found, **check.listing)

    def add(self, check: Check, result: CheckResult) -> None:
        """Write a result."""
        entry = {"key": self._keys[id(check)], "result": encoded(result)}
        self._write({**entry, "sum": _sum(entry)})

    def finish(self) -> None:
        """Say that every check was run, so that nothing is left to be continued."""
        self._write(FINISHED)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _recall(self, checks: Sequence[Check]) -> dict[str, CheckResult]:
        """What can be used of an earlier run."""
        last = read(self.path)
        if reason := last.unusable or (f"the run of {last.started} finished" if last.finished else ""):
            self._say(f"--resume: {reason}; all checks are run")
            return {}
        found = {self._keys[id(check)]: check for check in checks}
        known = {
            key: result
            for key, result in last.results.items()
            if key in found and is_of(found[key], result) and not _is_lost(result)
        }
        damage = f"; damaged lines that were ignored: {last.damaged}" if last.damaged else ""
        self._say(f"--resume: {len(known)} of {len(checks)} checks are recalled from the run of {last.started}{damage}")
        return known

    def _opened(self) -> int | None:
        """A descriptor to append to; None, and a sentence, where nothing can be written."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            beginning = 0 if self._known else os.O_TRUNC
            return files.open_own(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | beginning)
        except OSError as error:
            self._give_up(error)
            return None

    def _write(self, line: dict[str, Any]) -> None:
        """One line. An empty one ends a line that a kill cut short."""
        if self._file is None:
            return
        data = (json.dumps(line) if line else "").encode() + b"\n"
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError as error:
            self._give_up(error)
            self.close()

    def _give_up(self, error: OSError) -> None:
        self._say(f"{self.path}: cannot be written: {error.strerror}; --resume and --last-failed will not work")


def key_of(check: Check, sources: Sources, threads: int | None = None) -> str:
    """A hash of everything that decides the result of a check but the versions: 128 bits of SHA-256."""
    problem = check.problem
    asked = [(f.name, getattr(problem, f.name)) for f in fields(problem) if f.name not in FOLLOWING]
    said = (check.skip, check.xfail, check.known, check.error)
    code = tuple(map(sources.of, (problem.function_name, problem.reference_name)))
    parts = (check.name, asked, check.engines, said, code, threads)
    return hashlib.sha256(repr(parts).encode(errors="backslashreplace")).hexdigest()[:32]


def is_of(check: Check, result: CheckResult) -> bool:
    """Whether a result is one of this check, whatever its key."""
    problem = check.problem
    of_result = (result.name, result.expression, result.variables, tuple(result.domain.items()))
    return of_result == (
        check.name,
        problem.expression,
        problem.variables,
        tuple(zip(problem.variables, problem.domain, strict=True)),
    )


def _is_lost(result: CheckResult) -> bool:
    """Whether the check did not finish, as when its worker was killed: nothing is known of it, so it is tried again."""
    return any(row.cause is Cause.LOST for row in result.partials)


def _is_ours(path: Path) -> bool:
    """Whether derivcheck may write there: in its own folder, or over nothing, an empty file or any journal. Raises
    `RequestError` if there is a link or a device."""
    if path.parent == FOLDER:
        files.require_own_folder(FOLDER)
        return True
    try:
        handle = files.open_own(path, os.O_RDONLY)
    except OSError:  # there is nothing, or what is there cannot be written either
        return True
    with os.fdopen(handle, "rb") as file:
        start = file.read(len(BEGINNING))
    return BEGINNING.startswith(start)


def _now() -> str:
    return datetime.now().isoformat(" ", "seconds")


def read(path: Path) -> LastRun:
    """What a journal holds. Raises `RequestError` if there is a link or a device."""
    if path.parent == FOLDER:
        files.require_own_folder(FOLDER)
    try:
        with os.fdopen(files.open_own(path, os.O_RDONLY), "rb") as file:
            first, *lines = [_parsed(line) for line in file]
    except FileNotFoundError:
        return LastRun(unusable=f"there is no earlier run in {path}")
    except OSError as error:
        return LastRun(unusable=f"{path} cannot be read: {error.strerror}")
    except ValueError:
        return LastRun(unusable=f"{path} is empty")
    return _last_run(path, first, lines)


def _last_run(path: Path, first: Any, lines: Sequence[Any]) -> LastRun:
    if not isinstance(first, dict) or first.get("format") != FORMAT or not isinstance(first.get("started"), str):
        return LastRun(unusable=f"{path} is not a journal of this version of derivcheck")
    if (before := first.get("versions")) != versions():
        return LastRun(unusable=f"{path} was written with {_difference(before)}")
    entries = [_entry(line) for line in lines]
    cut_short = bool(lines) and lines[-1] is None
    damaged = sum(e is None and line not in ({}, FINISHED) for e, line in zip(entries, lines, strict=True)) - cut_short
    return LastRun(dict(filter(None, entries)), first["started"], FINISHED in lines, damaged)


def _difference(before: Any) -> str:
    """torch 2.12.0 instead of 2.13.0."""
    old = before if isinstance(before, dict) else {}
    changed = [
        f"{name} {old.get(name, 'unknown')} instead of {now}"
        for name, now in versions().items()
        if old.get(name) != now
    ]
    return ", ".join(changed) or "other packages"


def _parsed(line: bytes) -> Any:
    """The JSON of a line; {} for an empty one, None for one that is damaged."""
    try:
        return json.loads(line) if line.strip() else {}
    except (ValueError, RecursionError):
        return None


def _entry(line: Any) -> tuple[str, CheckResult] | None:
    """The key and the result in a line; None if it is damaged or has none."""
    try:
        entry = {"key": line["key"], "result": line["result"]}
        return (str(entry["key"]), decoded(CheckResult, entry["result"])) if line["sum"] == _sum(entry) else None
    except (ValueError, KeyError, TypeError, OverflowError):
        return None


def _sum(entry: Mapping[str, Any]) -> str:
    """64 bits of SHA-256, against damage, not against forgery."""
    return hashlib.sha256(json.dumps(entry).encode()).hexdigest()[:16]
