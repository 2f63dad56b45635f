"""The reports of a run that never began or did not finish: a CI system must see why the job fails, in every format."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from derivcheck import __version__
from derivcheck.errors import ExitStatus, RequestError

if TYPE_CHECKING:
    from derivcheck.cli.delivery import File


def deliver(reports: Sequence[str], suites: Sequence[str], status: ExitStatus, reason: str) -> None:
    """Write and print the reports that --report asks for, the table in files alone: stderr has the reason. If the
    options of the reports are themselves a mistake, no file is touched."""
    from derivcheck.cli import delivery  # noqa: PLC0415 rich
    from derivcheck.reports import FORMATS  # noqa: PLC0415
    from derivcheck.results import Report  # noqa: PLC0415

    known = [text for text in reports if text.partition("=")[0] in FORMATS]
    files: tuple[File, ...] = ()
    with contextlib.suppress(RequestError):
        found = tuple(file for text in known if (file := delivery.file_of(text)))
        delivery.require_distinct(found, known, suites)
        files = found if len(known) == len(reports) else ()
    printed = tuple(text for text in known if "=" not in text and text != "table")
    report = Report((), {}, __version__, refusal=(status, reason))
    delivery.Deliveries(printed, files, "all", formulas=False, quiet=False).write(report)


def of_command_line(arguments: Sequence[str], status: ExitStatus, reason: str) -> None:
    """The same for a command line that could not be read as a whole."""
    deliver(list(_values("--report", arguments)), list(_values("--suite", arguments)), status, reason)


def _values(option: str, arguments: Sequence[str]) -> Iterator[str]:
    for place, argument in enumerate(arguments):
        if argument.startswith(f"{option}="):
            yield argument.partition("=")[2]
        elif argument == option:
            yield from arguments[place + 1 : place + 2]
