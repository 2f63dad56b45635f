"""Where reports go: the terminal, a log, or files, which are opened before the work begins and replaced in one step."""

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from derivcheck.cli.progress import bar
from derivcheck.cli.request import Request
from derivcheck.errors import RequestError, printable
from derivcheck.reports import FORMATS, encoding, renderer
from derivcheck.results import Report


@dataclass(frozen=True)
class File:
    """A report that goes to `draft` first and then replaces `target`, in the same folder."""

    format: str
    target: Path
    draft: Path


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
        pairs = [text.partition("=")[::2] for text in request.report]
        for name, _ in pairs:
            if name not in FORMATS:
                raise RequestError(
                    f"--report {printable(name)}: unknown format",
                    f"Choose from {', '.join(FORMATS)}; add =FILE to write a file.",
                )
        files = tuple(_draft(name, path) for name, path in pairs if path)
        printed = tuple(name for name, path in pairs if not path)
        return cls(printed or ("table",), files, request.show or show, request.formulas, request.quiet)

    @contextlib.contextmanager
    def progress(self) -> Iterator[None]:
        """A bar on stderr, on a terminal only."""
        console = Console(stderr=True)
        with bar(console) if console.is_terminal and not self.quiet else contextlib.nullcontext():
            yield

    @contextlib.contextmanager
    def discarded_on_failure(self) -> Iterator[None]:
        """Remove the drafts if the work fails."""
        try:
            yield
        except BaseException:
            for file in self.files:
                file.draft.unlink(missing_ok=True)
            raise

    def write(self, report: Report) -> None:
        """Print what is requested and put every file in its place."""
        for file in self.files:
            file.draft.write_text(renderer(file.format)(report), encoding="utf-8")
            os.replace(file.draft, file.target)
        for name in self.printed if not self.quiet else ():
            if name == "table":
                self._table(report)
            else:
                sys.stdout.write(encoding.rendered(name, report, sys.stdout))
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


def _summarise(report: Report) -> None:
    """Append to the job summary if GitHub Actions names a file for it. A failure here does not fail the run."""
    from derivcheck.reports.github import summarise  # noqa: PLC0415 only this format needs it

    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            summarise(report, Path(path))
        except OSError as error:
            sys.stderr.write(f"derivcheck: GITHUB_STEP_SUMMARY={path}: cannot be written: {error.strerror}\n")


def _draft(name: str, path: str) -> File:
    target = Path(path)
    try:
        if target.is_dir():
            raise IsADirectoryError(21, "it is a folder")
        handle, draft = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent or Path())
        os.close(handle)
    except OSError as error:
        raise RequestError(
            f"--report {name}={path}: cannot be written: {error.strerror}",
            "Choose a file in a folder that exists and may be written.",
        ) from None
    return File(name, target, Path(draft))
