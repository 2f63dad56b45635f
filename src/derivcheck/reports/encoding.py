"""Reports on a stdout that cannot encode them, such as cp1252 of a redirected Windows console: ∂²f/∂x² is d2f/dx^2.

All characters that derivcheck prints are replaced as soon as the encoding lacks one of them, so that a report never
has two ways of writing the same thing. Report files are UTF-8 and need none of this.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, TextIO, cast

from derivcheck.reports import renderer

if TYPE_CHECKING:
    from derivcheck.results import Report

SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
DIGITS = str.maketrans(SUPERSCRIPTS, "0123456789")
EXPONENT = re.compile(f"(∂?)([{SUPERSCRIPTS}]+)")
OF_RICH = (  # lines of tables, boxes of --help, progress bars, and the spinner's braille patterns
    dict.fromkeys("─━╸╺", "-") | dict.fromkeys("│┃", "|") | dict.fromkeys("╭╮╰╯├┤┬┴┼", "+")
    | dict.fromkeys(map(chr, range(0x2800, 0x2900)), "*")
)  # fmt: skip
IN_ASCII = str.maketrans({"∂": "d", "·": "-", "µ": "u", "×": "x", "…": "...", "±": "+-", "−": "-", **OF_RICH})
OURS = f"∂·µ×…─{SUPERSCRIPTS}"
"""What an encoding must have for a report to be printed as it is."""

ESCAPED: dict[str, Callable[[str], str]] = {
    "json": lambda text: re.sub("[^\x00-\x7f]", lambda match: json.dumps(match[0])[1:-1], text),
    "junit": lambda text: text.encode("ascii", "xmlcharrefreplace").decode(),
}
"""Formats for programs keep every character, by escapes of their own: both are UTF-8, so ASCII is right for them."""


def in_ascii(text: str) -> str:
    """The text with the characters that derivcheck prints in ASCII. Only an exponent needs a mark: x2² is x2^2."""
    text = EXPONENT.sub(lambda match: (match[1] or "^") + match[2].translate(DIGITS), text)
    return text.translate(IN_ASCII)


def encodable(stream: TextIO) -> TextIO:
    """The stream itself if it can encode a report, else one that writes ASCII to it. Neither fails at a character."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return cast(TextIO, AsciiStream(stream)) if needs_ascii(stream) else stream


def needs_ascii(stream: TextIO | None) -> bool:
    """Whether its encoding lacks some of our characters; a stream that was closed at the start is None."""
    try:
        OURS.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return True
    return isinstance(stream, AsciiStream)


class AsciiStream:
    """A text stream that writes in ASCII what derivcheck prints.

    Its own `encoding` lets rich draw the lines that are then replaced, instead of wider ones made for ASCII.
    """

    encoding = "utf-8"

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        self.stream.write(in_ascii(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def labelled(report: Report) -> Report:
    """The report with labels in ASCII: tables are laid out by their length, and d2f/dx^2 is longer."""
    checks = [
        replace(check, partials=tuple(replace(row, label=in_ascii(row.label)) for row in check.partials))
        for check in report.checks
    ]
    return replace(report, checks=tuple(checks))


def rendered(name: str, report: Report, stream: TextIO) -> str:
    """The report in a format of `FORMATS`, as the stream can take it."""
    render = renderer(name)
    if not needs_ascii(stream):
        return render(report)
    return ESCAPED[name](render(report)) if name in ESCAPED else in_ascii(render(labelled(report)))
