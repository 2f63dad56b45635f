"""What a person sees while derivcheck works: a bar for the points of a check, or a line for the checks of a run."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from derivcheck.errors import printable
from derivcheck.outcomes import Verdict
from derivcheck.reports.wording import judgement, sentence
from derivcheck.sampling.progress import listening

if TYPE_CHECKING:
    from derivcheck.results import CheckResult
    from derivcheck.run.many import Listener


@contextlib.contextmanager
def live(total: int, *, quiet: bool, known_ok: bool) -> Iterator[Listener | None]:
    """On stderr: the progress line on a terminal only, failures always."""
    if quiet:
        yield None
        return
    console, counts = Console(stderr=True, highlight=False, emoji=False), Counter[str]()
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=total)

        def listener(result: CheckResult) -> None:
            counts[result.outcome.value] += 1
            progress.update(task, advance=1, description=", ".join(f"{n} {what}" for what, n in counts.items()))
            if result.outcome.needs_attention(known_ok=known_ok):
                progress.console.print(
                    f"[bold]{result.outcome.value}[/bold] {escape(printable(headline(result)))}", soft_wrap=True
                )

        yield listener


def headline(result: CheckResult) -> str:
    """One line: the check, and why it has no rows or the first row that decides its verdict."""
    if result.error:
        return f"{result.name}: {' '.join(result.error.split())}"
    rows = [row for row in result.partials if row.verdict is result.verdict and row.verdict is not Verdict.AGREES]
    why = f": {judgement(rows[0])}: {sentence(rows[0])}" if rows else ""
    return f"{result.name}{why}"


class Rate(ProgressColumn):
    """Millions of points per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed / 1e6:.1f} Mpoint/s" if speed else "")


@contextlib.contextmanager
def bar(console: Console) -> Iterator[None]:
    """Show the bar while the block runs, then remove it."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), Rate(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("checking", total=None)
        with listening(lambda done, total: progress.update(task, completed=done, total=total)):
            yield
