"""stdout and stderr whose failures change no verdict, and on which no text of a user becomes a command.

A reader that leaves early, a full disk or a stream that was closed before the start would otherwise raise in the middle
of a check. What cannot be written is dropped; the first error is kept for the exit status. CI systems read commands in
what a job prints (GitHub Actions: "Workflow commands"; Azure Pipelines: "Logging commands"; TeamCity: "Service
messages"), from stderr as well, so text that looks like one is escaped.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import select
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast

from derivcheck.errors import escaped

STANDARD = (0, 1, 2)  # file descriptors of stdin, stdout and stderr (POSIX)
# What ends a line for the readers of a log, .NET's among them, which also skip white space in front of a command.
LINE_BREAK = "[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]"
AT_LINE_START = re.compile(rf"({LINE_BREAK}\s*):(?=:|\Z)")
BRACKETED = re.compile(r"##(?=\w*\[)")  # ##[error], ##vso[...], ##teamcity[...], which may be anywhere in a line
# Control characters but those of colours, and those that change the direction of text.
CONTROL = re.compile("\x1b(?!\\[[0-9;]*m)|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Lasting(io.RawIOBase):
    """A raw stream that drops what cannot be written. `lost` is the first error."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self.lost: OSError | None = None

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return bool(self._raw.isatty())

    def fileno(self) -> int:
        return int(self._raw.fileno())

    def write(self, data: Any) -> int:
        while self.lost is None:
            try:
                written = self._raw.write(data)
            except OSError as error:
                self.lost = error
            else:
                if written is not None:
                    return int(written)
                select.select([], [self._raw], [])  # the other end made the pipe non-blocking, and it is full
        return len(data)


class Harmless(io.TextIOWrapper):
    """A text stream on a `Lasting` one. Nothing that is written to it is a command of a CI system, except inside of
    `commands`; if it is not a terminal, control characters are escaped too."""

    def __init__(self, raw: Lasting, encoding: str, errors: str, *, line_buffering: bool) -> None:
        super().__init__(io.BufferedWriter(raw), encoding, errors, line_buffering=line_buffering)
        self.raw = raw
        self._trusted = False
        self._is_log = not raw.isatty()
        self._line_is_blank = True

    def write(self, text: str) -> int:
        super().write(text if self._trusted else self._escaped(text))
        last = re.split(LINE_BREAK, text)[-1]
        self._line_is_blank = not last.strip() and (self._line_is_blank or last != text)
        return len(text)

    def _escaped(self, text: str) -> str:
        if self._is_log:
            text = CONTROL.sub(lambda match: ascii(match[0])[1:-1], text)
        return disarmed("\n" + text)[1:] if self._line_is_blank else disarmed(text)

    @contextlib.contextmanager
    def commands(self) -> Iterator[None]:
        """Let what is written inside the block be commands."""
        self._trusted = True
        try:
            yield
        finally:
            self._trusted = False


def disarmed(text: str, colon: str = "\\x3a", hash: str = "\\x23") -> str:
    """The text with an escaped colon or hash wherever a CI system would read a command."""
    text = AT_LINE_START.sub(lambda match: match[1] + colon, text)
    return BRACKETED.sub(lambda _: f"#{hash}", text)


def say(text: str) -> None:
    """A message on stderr. What users wrote may be in it."""
    print(f"derivcheck: {escaped(text)}", file=sys.stderr)


def guard() -> None:
    """Make stdout and stderr of this process last, also if they were closed before it started."""
    for number in STANDARD:
        try:
            os.fstat(number)
        except OSError:  # else the next file that is opened would be taken for the stream
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    sys.stdout = _guarded(sys.stdout, 1)
    sys.stderr = _guarded(sys.stderr, 2)


def _guarded(stream: TextIO | None, number: int) -> TextIO:
    if stream is None:
        raw = io.FileIO(number, "w", closefd=False)
        return Harmless(Lasting(raw), "utf-8", "backslashreplace", line_buffering=False)
    if not isinstance(stream, io.TextIOWrapper) or isinstance(stream, Harmless):
        return stream
    stream.flush()
    inner = getattr(stream.buffer, "raw", stream.buffer)  # with python -u there is no buffer
    errors = stream.errors or "strict"
    return Harmless(Lasting(inner), stream.encoding, errors, line_buffering=stream.line_buffering or number == 2)


def commands(stream: TextIO) -> contextlib.AbstractContextManager[None]:
    """`Harmless.commands` of a stream, or of one that wraps it; nothing for any other."""
    make = getattr(stream, "commands", contextlib.nullcontext)
    return cast("contextlib.AbstractContextManager[None]", make())


def lost(stream: TextIO) -> OSError | None:
    """Flush it, and return why something could not be written."""
    stream.flush()
    error: OSError | None = getattr(getattr(stream, "raw", None), "lost", None)
    return error


def is_reader_gone(error: OSError) -> bool:
    """Whether the other end of a pipe was closed, as `| head -1` does."""
    return error.errno == errno.EPIPE
