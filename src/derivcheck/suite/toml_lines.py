"""Which line of a TOML file each of its keys stands in, which `tomllib` does not say.

Nothing is checked here: the text is one that `tomllib` accepts. What this scan does not follow, such as the keys of a
table in braces, has the line of what it stands in.
"""

import re
import tomllib
from bisect import bisect_left
from collections.abc import Mapping

Path = tuple[str | int, ...]
"""Keys and, behind an array of tables, positions in it: ("check", 2, "domain")."""

DEEPEST = 8  # parts of a path that are kept: a suite in pyproject.toml has six, ("tool", "derivcheck", "check", 2, ...)

# Every loop is unrolled, so that there is one way to match and nothing to go back to. Possessive groups would say the
# same, but match wrongly before Python 3.11.5 (https://github.com/python/cpython/issues/100061 and 106052).
KEY = re.compile(r"""[A-Za-z0-9_-]++|"[^"\\\n]*(?:\\.[^"\\\n]*)*"|'[^'\n]*+'""")
BLANK = re.compile(r"[ \t\n]*(?:\#[^\n]*[ \t\n]*)*")
DOT = re.compile(r"[ \t]*+\.[ \t]*+")
VALUE = re.compile(
    r'''
      """ [^"\\]* (?: (?: \\. | "(?!"") ) [^"\\]* )* "{3,5}
    | \'\'\' [^']* (?: '(?!\'\') [^']* )* '{3,5}
    | " [^"\\\n]* (?: \\. [^"\\\n]* )* "
    | ' [^'\n]*+ '
    | \# [^\n]*+
    | (?P<open> [\[{] )
    | (?P<close> [\]}] )
    | (?P<end> \n )
    | [^"'\#\[\]{}\n]++
    ''',
    re.VERBOSE | re.DOTALL,
)


def key_lines(text: str) -> dict[Path, int]:
    """The first line, from 1, of every table and key."""
    scan = _Scan(text.replace("\r\n", "\n"))
    while scan.statement():
        pass
    return scan.lines


def nearest_line(lines: Mapping[Path, int], path: Path) -> int:
    """The line of a key, or of the innermost thing around it that has one."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


class _Scan:
    """Walks the text once. `table` is the path of the header that holds here, `counts` has every array of tables."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.newlines = [found.start() for found in re.finditer("\n", text)]
        self.place = 0
        self.table: Path = ()
        self.counts: dict[Path, int] = {}
        self.lines: dict[Path, int] = {}

    def statement(self) -> bool:
        """Pass one header, or one key and its value; False at the end of the text."""
        self.skip(BLANK)
        if self.place == len(self.text):
            return False
        start = self.place
        if self.text.startswith("[", start):
            self.header(is_array=self.text.startswith("[[", start))
        else:
            self.note(self.table, self.table + self.parts(), start)
        self.value()
        return True

    def header(self, is_array: bool) -> None:
        start = self.place
        self.place += 2 if is_array else 1
        self.skip(BLANK)
        *outer, last = self.parts() or ("",)
        path = (*self.inside(outer), last)
        if is_array:
            self.counts[path] = self.counts.get(path, 0) + 1
            path = (*path, self.counts[path] - 1)
        self.table = path
        self.note((), path, start)

    def inside(self, parts: list[str | int]) -> Path:
        """A path through arrays of tables goes through the last table of each."""
        path: Path = ()
        for part in parts:
            path = (*path, part)
            path = (*path, self.counts[path] - 1) if path in self.counts else path
        return path

    def parts(self) -> Path:
        """The dotted key at this place; the parts beyond the deepest are passed over."""
        found: list[str] = []
        while part := KEY.match(self.text, self.place):
            self.place = part.end()
            if len(found) < DEEPEST:
                found.append(_plain(part.group()))
            if not self.skip(DOT):
                break
        return tuple(found)

    def value(self) -> None:
        """Pass the rest of the statement: up to the newline that no bracket and no string holds."""
        depth = 0
        while self.place < len(self.text):
            token = VALUE.match(self.text, self.place)
            self.place = token.end() if token else self.place + 1
            kind = token.lastgroup if token else None
            depth += (kind == "open") - (kind == "close")
            if kind == "end" and depth <= 0:
                return

    def note(self, outer: Path, path: Path, start: int) -> None:
        """The line of a key, and of the tables that a dotted key makes on its way."""
        for length in range(len(outer) + 1, len(path) + 1):
            self.lines.setdefault(path[:length], self.line(start))

    def skip(self, pattern: re.Pattern[str]) -> bool:
        found = pattern.match(self.text, self.place)
        self.place = found.end() if found else self.place
        return bool(found)

    def line(self, place: int) -> int:
        return bisect_left(self.newlines, place) + 1


def _plain(part: str) -> str:
    """One part of a key without its quotes and escapes."""
    if part[0] not in "\"'":
        return part
    try:
        return next(iter(tomllib.loads(f"{part} = 0")))
    except tomllib.TOMLDecodeError:
        return part
