"""The line of every key of a TOML file, which `tomllib` does not report.

Nothing is checked here: `tomllib` has accepted the text. A key that this scan does not follow, such as one of a table
in braces, has the line of the key around it.
"""

import re
import tomllib
from bisect import bisect_left
from collections.abc import Mapping

KeyPath = tuple[str | int, ...]
"""Keys and, after an array of tables, positions in it: ("check", 2, "domain")."""

DEEPEST = 8  # keys of a path that are kept: a suite has five in pyproject.toml, tool.derivcheck.check.domain.x1

# Every loop is unrolled, so that there is one way to match and no backtracking. Possessive groups would say the
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


def key_lines(text: str) -> dict[KeyPath, int]:
    """The first line, from 1, of every table and key."""
    scan = _Scan(text.replace("\r\n", "\n"))
    while scan.statement():
        pass
    return scan.lines


def nearest_line(lines: Mapping[KeyPath, int], path: KeyPath) -> int:
    """The line of a key, or of the innermost key around it that has one."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


class _Scan:
    """Walks the text once. `table` is the path of the current header, `counts` the length of every array of tables."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.newlines = [found.start() for found in re.finditer("\n", text)]
        self.place = 0
        self.table: KeyPath = ()
        self.counts: dict[KeyPath, int] = {}
        self.lines: dict[KeyPath, int] = {}

    def statement(self) -> bool:
        """Skip one header, or one key and its value; False at the end of the text."""
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

    def inside(self, parts: list[str | int]) -> KeyPath:
        """The path of a header's tables; of an array of tables it takes the last."""
        path: KeyPath = ()
        for part in parts:
            path = (*path, part)
            path = (*path, self.counts[path] - 1) if path in self.counts else path
        return path

    def parts(self) -> KeyPath:
        """The dotted key at this place; parts beyond the deepest are skipped."""
        found: list[str] = []
        while part := KEY.match(self.text, self.place):
            self.place = part.end()
            if len(found) < DEEPEST:
                found.append(_plain(part.group()))
            if not self.skip(DOT):
                break
        return tuple(found)

    def value(self) -> None:
        """Skip the rest of the statement, up to a newline outside of all brackets and strings."""
        depth = 0
        while self.place < len(self.text):
            token = VALUE.match(self.text, self.place)
            self.place = token.end() if token else self.place + 1
            kind = token.lastgroup if token else None
            depth += (kind == "open") - (kind == "close")
            if kind == "end" and depth <= 0:
                return

    def note(self, outer: KeyPath, path: KeyPath, start: int) -> None:
        """Record the line of a key, and of the tables that a dotted key creates."""
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
