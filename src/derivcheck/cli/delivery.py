"""Where reports go: the terminal, a log, or files, which are known to be writable before the work begins."""

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from derivcheck.cli.progress import bar
from derivcheck.cli.request import Request
from derivcheck.errors import RequestError, printable
from derivcheck.reports import FORMATS, encoding, renderer
from derivcheck.reports.characters import UNFIT
from derivcheck.results import Report
from derivcheck.run import files, streams

STDOUT = 1  # its file descriptor: a report to /dev/stdout is printed like one without a file
ESCAPES = {"json": {"hash": "\\u0023"}, "junit": {"colon": "&#58;", "hash": "&#35;"}}
"""How formats for programs write the characters that would make a command of a CI system."""


@dataclass(frozen=True)
class File:
    """A report for the file `path`, absolute: a function may change the working directory. `named` is its option."""

    format: str
    path: Path
    named: str


@dataclass(frozen=True)
class Deliveries:
    """What --report, --show, --formulas and --quiet ask for."""

    printed: tuple[str, ...]
    files: tuple[File, ...]
    show: str
    formulas: bool
    quiet: bool

    @classmethod
    def open(cls, request: Request, *, show: str) -> "Deliveries":
        """Check the formats and make sure that every file can be written, before any work is done.

        If only files are requested, the table is printed too. `show` is the default of --show.
        """
        named = [(text.partition("=")[0], file_of(text)) for text in request.report]
        for name, _ in named:
            if name not in FORMATS:
                raise RequestError(
                    f"--report {printable(name)}: unknown format",
                    f"Choose from {', '.join(FORMATS)}; add =FILE to write a file.",
                )
        found = tuple(file for _, file in named if file)
        printed = tuple(name for name, file in named if not file)
        require_distinct(found, request.report, request.suite)
        return cls(printed or ("table",), found, request.show or show, request.formulas, request.quiet)

    @contextlib.contextmanager
    def progress(self) -> Iterator[None]:
        """A bar on stderr, on a terminal only."""
        console = Console(stderr=True)
        with bar(console) if console.is_terminal and not self.quiet else contextlib.nullcontext():
            yield

    def write(self, report: Report) -> None:
        """Print what is requested and put every file in its place. A file that cannot be written costs a warning."""
        for file in self.files:
            text = renderer(file.format)(report)
            try:
                files.write(file.path, text.encode("utf-8", "backslashreplace"))
            except OSError as error:
                streams.say(f"{file.named}: cannot be written: {error.strerror}")
        for name in self.printed if not self.quiet else ():
            if name == "table":
                self._table(report)
            else:
                _print(name, encoding.rendered(name, report, sys.stdout))
        sys.stdout.flush()
        if "github" in {*(file.format for file in self.files), *(self.printed if not self.quiet else ())}:
            _summarise(report)

    def _table(self, report: Report) -> None:
        """In colour and as wide as the terminal; in a pipe or a log as wide as the content."""
        from derivcheck.reports.table import WIDE, show_on  # noqa: PLC0415 only the table needs it

        console = Console(width=_width() or WIDE, highlight=False, emoji=False)
        fitting = encoding.labelled(report) if encoding.needs_ascii(sys.stdout) else report
        show_on(console, fitting, show=self.show, formulas=self.formulas)


def _width() -> int:
    """Columns that COLUMNS or the terminal has, 0 in a pipe or a log. COLUMNS=0 says nothing."""
    given = os.environ.get("COLUMNS", "")
    if given.isdigit() and int(given) > 0:
        return int(given)
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0


def _print(name: str, text: str) -> None:
    """The annotations of GitHub are commands, and nothing else is."""
    if name == "github":
        with streams.commands(sys.stdout):
            sys.stdout.write(text)
            sys.stdout.flush()
    else:
        sys.stdout.write(_for_programs(text, name) if name in ESCAPES else text)


def _for_programs(text: str, name: str) -> str:
    """Text in a format for programs, with nothing that acts on a terminal or a CI system and the same meaning."""
    if name == "json":
        text = UNFIT.sub(lambda match: json.dumps(match[0])[1:-1], text)
    return streams.disarmed(text, **ESCAPES[name])


def _summarise(report: Report) -> None:
    """Append to the job summary if GitHub Actions names a file for it. A failure here does not fail the run."""
    from derivcheck.reports.github import summarise  # noqa: PLC0415 only this format needs it

    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            summarise(report, Path(path))
        except OSError as error:
            streams.say(f"GITHUB_STEP_SUMMARY={path}: cannot be written: {error.strerror}")


def file_of(text: str) -> File | None:
    """The file of a --report; None if it is printed."""
    name, _, given = text.partition("=")
    if not given or files.descriptor(Path(given)) == STDOUT:
        return None
    named = f"--report {printable(text)}"
    try:
        path = Path.cwd() / given
        files.require_writable(path)
    except OSError as error:
        raise RequestError(
            f"{named}: cannot be written: {error.strerror}",
            "Choose a file in a folder that exists and may be written.",
        ) from None
    return File(name, path, named)


def journal_of(reports: Sequence[str]) -> Path | None:
    """Next to the first report file, so that runs with different reports do not share one; None without such a file."""
    given = (Path(text.partition("=")[2]) for text in reports if text.partition("=")[2])
    return next((Path(f"{path}.jsonl") for path in given if not files.is_special(path)), None)


def require_distinct(found: Sequence[File], reports: Sequence[str], suites: Sequence[str]) -> None:
    """Refuse two reports for one file, and a report where the suite is or where the results of the run are kept."""
    taken = {_place(Path(suite)): "the suite" for suite in suites}
    if suites and (journal := journal_of(reports)):
        taken[_place(journal)] = "the results of this run, for --resume"
    for file in found:
        if not files.is_special(file.path):
            if other := taken.get(_place(file.path)):
                raise RequestError(f"{file.named}: the same file as {other}", "Choose another file.")
            taken[_place(file.path)] = f"that of {file.named}"


def _place(path: Path) -> tuple[str, str]:
    """Equal for two names of one file. Links to a file are different from it: a report would replace them."""
    return os.path.realpath(path.parent), path.name
