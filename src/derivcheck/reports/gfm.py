"""The pieces of GitHub-flavoured Markdown. No text of a user can break out of them.

Characters with a meaning become character references (&#124;), which unlike backslashes are read in the same way by
every parser, inside and outside of tables. See the GitHub Flavored Markdown Spec, sections 2.4, 4.10 and 6.2.
"""

import re
from collections.abc import Iterable, Sequence

from derivcheck.reports.characters import legible, one_line, short

MEANINGFUL = re.compile(r"[&<>|`\\*~$]|](?=\()|(?<![^\W_])_|_(?![^\W_])")
"""Not an underscore between letters or a bracket without a link after it: they stand for themselves."""
LONGEST_CODE = 60  # characters of an expression in a cell: the table still fits the width of a GitHub page
LONGEST_TEXT = 600  # characters of a sentence: ten lines of it


def text(value: str, most: int = LONGEST_TEXT) -> str:
    """One line of plain text."""
    return _referenced(short(one_line(value), most))


def code(value: str, most: int = LONGEST_CODE) -> str:
    """One line of code, as it is wherever that is safe, also in a table."""
    line = short(one_line(value), most)
    if re.search(r"[`|\\]", line):
        return f"<code>{_referenced(line)}</code>"
    return f"`{line}`" if line else ""


def _referenced(line: str) -> str:
    return MEANINGFUL.sub(lambda match: f"&#{ord(match[0])};", line)


def table_row(cells: Iterable[str]) -> str:
    """A row of a table; the cells are Markdown from `text` or `code`."""
    return f"| {' | '.join(cells)} |"


def table_header(columns: Sequence[tuple[str, bool]]) -> str:
    """The first two lines of a table: names, and whether they are aligned to the right."""
    lines = table_row(text(name) for name, _ in columns), table_row("--:" if right else ":--" for _, right in columns)
    return "\n".join(lines)


def fence(lines: Iterable[str], language: str = "sh") -> str:
    """A block of code to copy, with longer fences than any inside it."""
    inside = legible("\n".join(lines))
    marks = "`" * max(3, 1 + max(map(len, re.findall("`+", inside)), default=0))
    return f"{marks}{language}\n{inside}\n{marks}"
