"""A table on lines of a given width, with labels over groups of columns. No figure and no verdict is ever cut.

rich's Table has no label over several columns, and it cuts the cells of a line that is too narrow.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.text import Text

GAP = "  "
NARROWEST = 8  # characters that a folded label needs: ∂²f/∂x1²


@dataclass(frozen=True)
class Heading:
    """The name of a column; neighbours with the same `group` share it as a label above their names."""

    name: str
    group: str = ""
    right: bool = True


@dataclass(frozen=True)
class Layout:
    """A table: headings, and rows of as many cells; the cells of the first column are labels."""

    headings: Sequence[Heading]
    rows: Sequence[Sequence[Text]]

    def fits(self, width: int) -> bool:
        """Whether lines of `width` characters hold it as it is."""
        return self._room(width) >= self._widths[0]

    def folds(self, width: int) -> bool:
        """Whether they hold it with its labels on several lines."""
        return self._room(width) >= NARROWEST

    def lines(self, width: int) -> Iterator[Text]:
        """The table, line by line; if it does not fit, long labels continue on lines of their own."""
        widths = self._widths
        widths[0] = min(widths[0], max(NARROWEST, self._room(width)))
        if any(heading.group for heading in self.headings):
            yield _line([Text(self._groups(widths))])
        yield self._aligned([Text(heading.name) for heading in self.headings], widths)
        yield _line([Text("─" * _span(widths))])
        for label, *cells in self.rows:
            first, *more = _folded(label.plain, widths[0])
            yield self._aligned([Text(first), *cells], widths)
            yield from (_line([Text(rest)]) for rest in more)

    def _room(self, width: int) -> int:
        """Characters that are left for the labels."""
        return width - sum(len(GAP) + each for each in self._widths[1:])

    @property
    def _widths(self) -> list[int]:
        """Characters of each column; the last one of a group is widened if its label needs it."""
        columns = zip([Text(heading.name) for heading in self.headings], *self.rows, strict=True)
        widths = [max(cell.cell_len for cell in column) for column in columns]
        for label, place in self._spans():
            widths[place.stop - 1] += max(0, len(label) - _span(widths[place]))
        return widths

    def _spans(self) -> Iterator[tuple[str, slice]]:
        """Each group with the place of its columns."""
        start = 0
        for label, each in groupby(heading.group for heading in self.headings):
            count = len(list(each))
            yield label, slice(start, start + count)
            start += count

    def _groups(self, widths: Sequence[int]) -> str:
        """The line of labels, each in the middle of its columns."""
        return GAP.join(label.center(_span(widths[place])) for label, place in self._spans())

    def _aligned(self, cells: Sequence[Text], widths: Sequence[int]) -> Text:
        blanks = [Text(" " * (width - cell.cell_len)) for cell, width in zip(cells, widths, strict=True)]
        sides = [h.right for h in self.headings]
        return _line([b + c if right else c + b for c, b, right in zip(cells, blanks, sides, strict=True)])


def _span(widths: Sequence[int]) -> int:
    """Characters of neighbouring columns with the gaps between them."""
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _line(cells: Sequence[Text]) -> Text:
    """One line, which is printed as it is."""
    line = Text(GAP).join(cells)
    line.rstrip()
    line.no_wrap, line.overflow = True, "ignore"
    return line


def _folded(label: str, width: int) -> list[str]:
    """The label in pieces of at most `width` characters, cut before a ∂ if possible."""
    pieces = [""]
    for part in re.split("(?<=[^/])(?=∂)", label):
        if pieces[-1] and len(pieces[-1] + part) > width:
            pieces.append("")
        whole = pieces.pop() + part
        pieces += [whole[k : k + width] for k in range(0, len(whole), width)]
    return pieces


def joined(parts: Sequence[str], separator: str, width: int) -> str:
    """The parts with the separator between them, on as many lines as they need: none is broken if it fits a line."""
    rows = [""]
    for part, end in zip(parts, [*[separator] * (len(parts) - 1), ""], strict=True):
        if rows[-1] and len(f"{rows[-1]}{part}{end}".rstrip()) > width:
            rows.append("")
        rows[-1] += part + end
    return "\n".join(row.rstrip() for row in rows)
