"""Suites as pytest tests: every check of a `*.derivcheck.toml` file is a test of its own.

Every pytest of an environment that has derivcheck loads this, so nothing heavy is imported before there is a suite.
"""

from __future__ import annotations

import os
import shlex
import warnings
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from derivcheck import __version__
from derivcheck.errors import DerivcheckError, escaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from derivcheck.problem import Check
    from derivcheck.results import CheckResult, Report

SUFFIX = ".derivcheck.toml"
MARKER = "derivcheck: checks a derivative. Checks of suites have it; your own test functions may have it too."


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the plugin."""
    group = parser.getgroup("derivcheck")
    known_ok = "known defects are expected failures: only new ones fail"
    group.addoption("--derivcheck-known-ok", action="store_true", help=known_ok)
    group.addoption(
        "--derivcheck-no-functions",
        action="store_true",
        help="refuse suites that name functions, which would be imported and run: for suites from strangers",
    )
    parser.addini("derivcheck_known_ok", known_ok, type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, so that --strict-markers knows it."""
    config.addinivalue_line("markers", MARKER)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> SuiteFile | None:
    """A file with that suffix, or any TOML file that the command line names."""
    if file_path.name.endswith(SUFFIX) or (file_path.suffix == ".toml" and parent.session.isinitpath(file_path)):
        return SuiteFile.from_parent(parent, path=file_path)
    return None


class SuiteFile(pytest.File):
    """A suite. If it has mistakes, all are reported at once and none of its checks runs."""

    def collect(self) -> Iterator[CheckItem]:
        from derivcheck.suite import loader  # noqa: PLC0415 sympy

        allowed = not self.config.getoption("derivcheck_no_functions")
        try:
            checks = loader.load(_from_here(self.path), functions=allowed)
        except DerivcheckError as error:
            raise self.CollectError(_harmless(str(error))) from None
        names = _node_names([_harmless(check.name) for check in checks])
        return (CheckItem.from_parent(self, name=n, check=check) for n, check in zip(names, checks, strict=True))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any, **more: Any) -> Any:
        """Everything that is wrong with the file; the first mistake is the reason in the short summary."""
        if not isinstance(excinfo.value, self.CollectError):
            return super().repr_failure(excinfo, *args, **more)
        text = str(excinfo.value)
        return _shown(excinfo, text, text.partition("\n")[0], self.path)


class ImpreciseWarning(pytest.PytestWarning):
    """A derivative is right and has lost more than half of its digits, or it is wrong at a single point."""


class NotAgreed(Exception):
    """A check that does not pass; `str()` is what the user reads, `reason` its line in the short summary."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(text)
        self.reason = reason


class Disagrees(NotAgreed):
    """A derivative is wrong, which a suite may expect."""


class NotProved(NotAgreed):
    """Nothing wrong was found and nothing was proved: no suite can expect that, and it must not pass."""


class CheckItem(pytest.Item):
    """One check of a suite."""

    def __init__(self, *, check: Check, **more: Any) -> None:
        super().__init__(**more)
        # a test run shows no times, and measuring them takes as long as the check
        self.check = replace(check, problem=replace(check.problem, timing=False))
        self.extra_keyword_matches.update({check.name, *check.tags})
        self.add_marker("derivcheck")
        for mark in self._foreseen():
            self.add_marker(mark)

    def _foreseen(self) -> Iterator[pytest.MarkDecorator]:
        """What the suite says about the check, as markers of pytest."""
        check = self.check
        if check.skip:
            yield pytest.mark.skip(reason=check.skip)
        if check.xfail:
            yield pytest.mark.xfail(reason=check.xfail, raises=Disagrees, strict=True)
        if check.known and _known_ok(self.config):
            yield pytest.mark.xfail(reason=check.known, raises=Disagrees, strict=False)

    def runtest(self) -> None:
        report = _run(self.check, known_ok=_known_ok(self.config))
        (result,) = report.checks
        from derivcheck.reports import failure  # noqa: PLC0415 rich

        if error := _reason_not_to_pass(result):
            raise error(failure.render(report) + self._how_to_run_alone(), failure.reason(report))
        if not result.fails:
            self._warn_of(failure.warnings(report))

    def _how_to_run_alone(self) -> str:
        """The command, if the name of the test cannot be pasted into a shell as pytest prints it."""
        name = f"{_from_here(self.path)}::{self.name}"
        return f"\nRun this test alone: pytest {shlex.quote(name)}" if shlex.quote(name) != name else ""

    def _warn_of(self, lines: Iterable[str]) -> None:
        """A warning decides nothing, not even under `-W error`."""
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            for line in lines:
                self.warn(ImpreciseWarning(line))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any, **more: Any) -> Any:
        """What is wrong with the derivative; a traceback only for a bug in derivcheck."""
        error = excinfo.value
        if not isinstance(error, (NotAgreed, DerivcheckError)):
            return super().repr_failure(excinfo, *args, **more)
        reason = error.reason if isinstance(error, NotAgreed) else str(error).partition("\n")[0]
        return _shown(excinfo, str(error), reason, self.path, self.check.line)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.check.line - 1, self.name


def _harmless(text: str) -> str:
    """What pytest prints from the start of a line on, without commands of a CI system: names come from the suite."""
    from derivcheck.run.streams import disarmed  # noqa: PLC0415 only a failure needs it

    return disarmed(f"\n{escaped(text)}")[1:]


def _node_names(names: Sequence[str]) -> list[str]:
    """Names that pytest finds again: without the :: that separates them from the file, without white space, which a
    shell splits, and each once."""
    found: dict[str, None] = {}
    for name in names:
        plain = "-".join(name.replace("::", ":").split()) or "check"
        others = (f"{plain}#{k}" for k in count(2))
        found[plain if plain not in found else next(other for other in others if other not in found)] = None
    return list(found)


def _shown(excinfo: pytest.ExceptionInfo[BaseException], text: str, reason: str, path: Path, line: int = 1) -> Any:
    """What pytest prints of a failure, by itself or for pytest-xdist: the text, and in the short summary the reason."""
    shown: Any = excinfo.getrepr(style="value")
    shown.reprtraceback.reprentries[0].lines = _harmless(text).split("\n")
    shown.reprcrash.path, shown.reprcrash.lineno, shown.reprcrash.message = str(path), line, _harmless(reason)
    return shown


def _known_ok(config: pytest.Config) -> bool:
    return bool(config.getoption("derivcheck_known_ok") or config.getini("derivcheck_known_ok"))


def _from_here(path: Path) -> str:
    """Functions in files beside the suite are named, and replayed, from the folder where pytest was started."""
    try:
        return os.path.relpath(path)
    except ValueError:  # another drive
        return str(path)


def _run(check: Check, *, known_ok: bool) -> Report:
    """A warning says nothing about a derivative: it is shown, and fails nothing, even under `-W error`."""
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.filterwarnings("ignore", message="Failed to initialize NumPy")
        from derivcheck.results import Report  # noqa: PLC0415 torch
        from derivcheck.run.one import run_check  # noqa: PLC0415 torch
        from derivcheck.run.report import environment  # noqa: PLC0415 torch

        result = run_check(check)
        return Report((result,), environment({result.device}), __version__, known_ok=known_ok)


def _reason_not_to_pass(result: CheckResult) -> type[NotAgreed] | None:
    """None also for a check that should disagree and agrees: pytest itself reports that it passed."""
    if result.outcome.is_wrong:
        return Disagrees
    return NotProved if result.verdict.is_open else None  # of the verdict: under xfail the outcome is XPASSED
