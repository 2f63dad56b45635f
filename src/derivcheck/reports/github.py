"""The report as workflow commands of GitHub Actions, which become annotations of the change that is checked.

GitHub shows the first ten errors, warnings and notices of a step; so the first of every check come before the second
of any. See "Workflow commands for GitHub Actions" and "Adding a job summary" in its documentation.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import zip_longest
from pathlib import Path

from derivcheck.errors import counted
from derivcheck.outcomes import Outcome
from derivcheck.reports import markdown, wording
from derivcheck.reports.characters import legible, one_line, short
from derivcheck.reports.weight import Weight, story, weighed
from derivcheck.results import CheckResult, PartialResult, Report

SHOWN = 10  # annotations per level that GitHub shows for a step; no check makes more
LONGEST_TITLE = 200  # characters; GitHub allows 255
LONGEST_MESSAGE = 4000  # characters: a screenful; GitHub allows 64 KiB
SUMMARY_BYTES = 900_000  # of all summaries of a step; GitHub drops them beyond 1 MiB


class Level(Enum):
    """GitHub's names for annotations, the heaviest first."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


LEVELS = {  # of rows that do not disagree
    Weight.UNDECIDED: Level.ERROR,
    Weight.UNSUPPORTED: Level.WARNING,
    Weight.WARNING: Level.WARNING,
    Weight.REMARK: Level.NOTICE,
}


@dataclass(frozen=True)
class Annotation:
    """One workflow command. `file` and `line` are where the check is listed, empty and 0 outside of a suite."""

    level: Level
    title: str
    message: str
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        place = [f"file={_property(self.file.replace(chr(92), '/'))}"] if self.file else []
        place += [f"line={self.line}"] if self.file and self.line else []
        title = f"title={_property(short(one_line(self.title), LONGEST_TITLE))}"
        return f"::{self.level.value} {','.join([*place, title])}::{_data(short(self.message, LONGEST_MESSAGE))}"


def render(report: Report) -> str:
    """One line per annotation, the most important first; empty if there is nothing to say."""
    named = zip(report.checks, wording.names(report), strict=True)
    ordered = sorted(named, key=lambda pair: pair[0].outcome.urgency(known_ok=report.known_ok))
    each = [list(_of_check(check, name, report)) for check, name in ordered]
    return "".join(f"{annotation}\n" for annotation in [*_of_run(report), *_in_turn(each), *_summary(each)])


def _of_run(report: Report) -> Iterator[Annotation]:
    if hindrance := wording.hindrance(report):
        yield Annotation(Level.ERROR, "derivcheck", hindrance)


def _in_turn(each: Sequence[Sequence[Annotation]]) -> Iterator[Annotation]:
    """By level; in each the first of every check, then the second of every check, and so on."""
    for level in Level:
        columns = [[a for a in made if a.level is level][:SHOWN] for made in each]
        yield from (a for rank in zip_longest(*columns) for a in rank if a is not None)


def _summary(each: Sequence[Sequence[Annotation]]) -> Iterator[Annotation]:
    """If GitHub hides some: how many there are."""
    counts = Counter(a.level for made in each for a in made)
    if any(count > SHOWN for count in counts.values()):
        said = ", ".join(counted(counts[level], level.value) for level in Level if counts[level])
        advice = f"GitHub shows {SHOWN} of each; --report markdown and --report json have more."
        yield Annotation(Level.NOTICE, "derivcheck", f"{said} in all. {advice}")


def _of_check(check: CheckResult, name: str, report: Report) -> Iterator[Annotation]:
    """What no single row says, then the rows."""
    if check.outcome is Outcome.SKIPPED:
        return
    if (level := _level_of_whole(check, report)) is not None:
        said = wording.standing(check) if check.xfail or check.partials else wording.tally(check)
        yield Annotation(level, name, said, check.source, check.line)
    for row, level, message in _of_rows(check, report):
        yield Annotation(level, f"{name}: {wording.judgement(row)}", message, check.source, check.line)


def _of_rows(check: CheckResult, report: Report) -> Iterator[tuple[PartialResult, Level, str]]:
    """The heaviest first, among equal weights the lowest order; each sentence about rows that do not fail once."""
    pairs = sorted(
        weighed(wording.distinct(check.partials), check, report),
        key=lambda pair: (list(Weight).index(pair[1]), pair[0].order),
    )
    said: set[str] = set()
    for row, weight in pairs:
        if weight is Weight.FAILURE:
            yield row, Level.ERROR, "\n".join(story(row, check))
        elif weight in LEVELS and wording.sentence(row) not in said:
            said.add(wording.sentence(row))
            decides = weight is Weight.UNSUPPORTED and check.outcome is Outcome.UNSUPPORTED
            yield row, Level.ERROR if decides else LEVELS[weight], wording.remark(row)


def _level_of_whole(check: CheckResult, report: Report) -> Level | None:
    """The level of what no single row says; None if there is nothing of the kind."""
    if check.outcome in (Outcome.XPASSED, Outcome.ERROR) or not check.partials:
        return Level.ERROR
    return Level.WARNING if check.outcome.is_tolerated(known_ok=report.known_ok) else None


def _data(text: str) -> str:
    """The message of a command: a percent sign begins an escape, and a line break would end the command."""
    return legible(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Before the message, a colon or a comma would end the value too."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def summarise(report: Report, path: Path) -> None:
    """Append the Markdown report to the summary of a job. Raises OSError if it cannot be written."""
    before = path.stat().st_size if path.exists() else 0
    if before < SUMMARY_BYTES:
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write("\n" * bool(before) + markdown.fitted(report, SUMMARY_BYTES - before))
