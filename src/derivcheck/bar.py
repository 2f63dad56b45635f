"""A progress bar over the points of a check: how many, how fast, how long still."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from derivcheck.progress import listening


class Rate(ProgressColumn):
    """Million points a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed / 1e6:.1f} Mpoint/s" if speed else "")


@contextmanager
def bar(console: Console) -> Iterator[None]:
    """Show it while the block runs; it leaves nothing behind."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), Rate(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("checking", total=None)
        with listening(lambda done, total: progress.update(task, completed=done, total=total)):
            yield
