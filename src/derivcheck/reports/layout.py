"""A table of partials on lines of a given width: narrow ones lose columns, wide ones gain air, no number is cut."""

from collections.abc import Sequence
from itertools import groupby

from rich.text import Text

from derivcheck.outcomes import Verdict
from derivcheck.reports.characters import short
from derivcheck.reports.columns import DROPPED, PARTIAL, Column, columns
from derivcheck.results import PartialResult

GAPS = (3, 2, 1)  # blanks between columns, the most that fits
FEWEST = 5  # characters of a label that is too long for the narrowest table


def lines(rows: Sequence[PartialResult], width: int, styles: dict[Verdict, str]) -> Text:
    """Two lines of headings, a rule, and one line per row, all of at most `width` characters."""
    shown, gap = _fitting(rows, width)
    widths = [_width(column, rows) for column in shown]
    over = sum(widths) + gap * (len(shown) - 1) - width
    widths[0] -= min(max(over, 0), max(widths[0] - FEWEST, 0))
    headings = [_groups(shown, widths, gap), _line([column.heading for column in shown], shown, widths, gap)]
    text = Text("\n".join([*headings, "─" * (sum(widths) + gap * (len(shown) - 1))]), no_wrap=True)
    for row in rows:
        line = _line([column.cell(row) for column in shown], shown, widths, gap)
        verdict = row.verdict.value
        text.append("\n" + line.removesuffix(verdict)).append(verdict, styles[row.verdict])
    return text


def _fitting(rows: Sequence[PartialResult], width: int) -> tuple[list[Column], int]:
    """The columns that fit, and the blanks between them."""
    shown = columns(rows)
    for dropped in ((), *DROPPED):
        shown = [column for column in shown if column not in dropped]
        total = sum(_width(column, rows) for column in shown)
        for gap in GAPS:
            if total + gap * (len(shown) - 1) <= width:
                return shown, gap
    return shown, GAPS[-1]


def _width(column: Column, rows: Sequence[PartialResult]) -> int:
    return max(len(column.heading), *(len(column.cell(row)) for row in rows))


def _line(cells: Sequence[str], shown: Sequence[Column], widths: Sequence[int], gap: int) -> str:
    """The cells side by side; a label that is too long ends in an ellipsis."""
    fitted = [
        short(cell, n) if column is PARTIAL else cell for cell, column, n in zip(cells, shown, widths, strict=True)
    ]
    aligned = (
        cell.rjust(n) if column.right else cell.ljust(n) for cell, column, n in zip(fitted, shown, widths, strict=True)
    )
    return (" " * gap).join(aligned).rstrip()


def _groups(shown: Sequence[Column], widths: Sequence[int], gap: int) -> str:
    """The names of the groups, each centred over its columns."""
    parts = []
    for group, members in groupby(zip(shown, widths, strict=True), key=lambda pair: pair[0].group):
        inside = [n for _, n in members]
        parts.append(group.center(sum(inside) + gap * (len(inside) - 1)))
    return (" " * gap).join(parts).rstrip()
