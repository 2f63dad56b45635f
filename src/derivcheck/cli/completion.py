"""What a shell offers to complete. Nothing here imports torch: a person waits for it."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import typer

from derivcheck.choices import ALL
from derivcheck.errors import DerivcheckError

BUILT_IN = "builtin:torch"

Complete = Callable[[str], Iterable[str]]
CompleteWithContext = Callable[[typer.Context, str], Iterable[str]]


def one_of(choices: Sequence[str]) -> Complete:
    """An option with one value."""

    def complete(incomplete: str) -> Iterable[str]:
        return [choice for choice in choices if choice.startswith(incomplete)]

    return complete


def several_of(choices: Sequence[str]) -> Complete:
    """An option with a list of values: after a comma, the next one."""

    def complete(incomplete: str) -> Iterable[str]:
        return _next(choices, incomplete)

    return complete


def engines(incomplete: str) -> Iterable[str]:
    """The engines, those of plugins included."""
    from derivcheck.engines.registry import names  # noqa: PLC0415 reads the metadata of all distributions

    return _next([*names(), ALL], incomplete)


def formats(incomplete: str) -> Iterable[str]:
    """The formats of a report."""
    from derivcheck.reports import FORMATS  # noqa: PLC0415 reports import what they report

    return [name for name in FORMATS if name.startswith(incomplete)]


def suites(incomplete: str) -> Iterable[str]:
    """The suite that comes with derivcheck, and the TOML files of the folder that is being typed."""
    folder = Path(incomplete).parent if "/" in incomplete else Path()
    with contextlib.suppress(OSError):
        yield from (str(p) for p in sorted(folder.glob("*.toml")) if str(p).startswith(incomplete))
    if BUILT_IN.startswith(incomplete):
        yield BUILT_IN


def tags(context: typer.Context, incomplete: str) -> Iterable[str]:
    """The tags in the suites that the command line names so far."""
    found = {tag for table in _tables(context) for tag in table.get("tags", ()) if isinstance(tag, str)}
    return sorted(tag for tag in found if tag.startswith(incomplete))


def checks(context: typer.Context, incomplete: str) -> Iterable[str]:
    """The checks that have a name in the suites that the command line names so far."""
    found = [table.get("name", table.get("function")) for table in _tables(context)]
    return [name for name in dict.fromkeys(found) if isinstance(name, str) and name.startswith(incomplete)]


def _next(choices: Sequence[str], incomplete: str) -> list[str]:
    before, comma, last = incomplete.rpartition(",")
    named = before.split(",")
    return [f"{before}{comma}{choice}" for choice in choices if choice.startswith(last) and choice not in named]


def _tables(context: typer.Context) -> Iterator[dict[str, Any]]:
    """The defaults and the checks of the suites, as they are written. A file that cannot be read has none."""
    from derivcheck.suite import file  # noqa: PLC0415 sympy

    for source in context.params.get("suite") or ():
        with contextlib.suppress(DerivcheckError):
            suite, _ = file.suite_table(file.parse(file.read(source), source), source)
            tables = [suite.get("defaults"), *(suite["check"] if isinstance(suite.get("check"), list) else ())]
            yield from (table for table in tables if isinstance(table, dict))
