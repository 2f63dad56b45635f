"""What a run of many checks shows while it goes: one line with counts and time left, and failures as they come."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from derivcheck.outcomes import OPEN, Outcome, Verdict
from derivcheck.reports.wording import judgement, sentence

if TYPE_CHECKING:
    from derivcheck.results import CheckResult
    from derivcheck.running import Listener

URGENT = {Outcome.FAILED, Outcome.XPASSED, *OPEN.values()}  # told at once; the others are counted


@contextlib.contextmanager
def live(total: int, *, quiet: bool) -> Iterator[Listener | None]:
    """On stderr: the line on a terminal only, the failures in any case."""
    if quiet:
        yield None
        return
    console, counts = Console(stderr=True, highlight=False), Counter[str]()
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=total)

        def listener(result: CheckResult) -> None:
            counts[result.outcome.value] += 1
            progress.update(task, advance=1, description=", ".join(f"{n} {what}" for what, n in counts.items()))
            if result.outcome in URGENT:
                progress.console.print(
                    f"[bold]{result.outcome.value}[/bold] {escape(headline(result))}", soft_wrap=True
                )

        yield listener


def headline(result: CheckResult) -> str:
    """One line: the check, and the first row that says why."""
    rows = [row for row in result.partials if row.verdict is result.verdict and row.verdict is not Verdict.AGREES]
    why = f": {judgement(rows[0])}: {sentence(rows[0])}" if rows else ""
    return f"{result.name}{why}"
