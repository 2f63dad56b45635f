"""What can go wrong, and the exit status that says so.

What a check finds is a value (`outcomes.Verdict`); an exception is for a wrong request, for what an engine
cannot do, and for time that ran out.
"""

import difflib
from collections.abc import Iterable, Sequence
from enum import IntEnum

MOST_SUGGESTED = 3  # names in a "Did you mean": difflib's own default
WINDOW = 60  # characters of a long expression shown around the place of an error: one line of an 80-column terminal


def printable(text: str) -> str:
    """The text on one line, without anything that acts on a terminal: such characters become escapes like \\x1b."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def escaped(text: str) -> str:
    """`printable`, line by line: the line breaks are ours, and nothing else in a message acts on a terminal."""
    return "\n".join(map(printable, text.expandtabs().split("\n")))


def message(error: BaseException) -> str:
    """`str(error)`, or its class alone if that raises: errors of users may do anything when they are shown."""
    try:
        return str(error)
    except BaseException:
        return type(error).__name__


def first_line(error: BaseException) -> str:
    """That of its message; empty if it has none."""
    return next(iter(message(error).strip().splitlines()), "")


def shortened(text: str, most: int) -> str:
    """At most `most` characters; dots show that there were more."""
    return text if len(text) <= most else text[: most - 3] + "..."


def did_you_mean(wrong: str, choices: Iterable[str]) -> str:
    """The sentence that names the closest choices, regardless of case; empty if none is close."""
    found: dict[str, list[str]] = {}
    for choice in choices:
        found.setdefault(choice.lower(), []).append(choice)
    same = [wrong.lower()] if wrong.lower() in found else []
    near = [
        name for key in same or difflib.get_close_matches(wrong.lower(), found, n=MOST_SUGGESTED) for name in found[key]
    ]
    return f"Did you mean {' or '.join(near[:MOST_SUGGESTED])}?" if near else ""


def counted(number: int, noun: str) -> str:
    """1 partial, 2 partials."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


class ExitStatus(IntEnum):
    """Each status has one meaning."""

    AGREES = 0
    DISAGREES = 1
    USAGE = 2
    UNDECIDED = 3
    BUG = 4
    INTERRUPTED = 130
    READER_GONE = 141  # 128 + SIGPIPE, as shells report `| head -1`
    TERMINATED = 143


class DerivcheckError(Exception):
    """Any error that derivcheck raises on purpose."""


class RequestError(DerivcheckError):
    """The request is wrong. `cause` says what is wrong and where, `cure` what to do about it."""

    def __init__(self, cause: str, cure: str = "") -> None:
        super().__init__(cause, cure)
        self.cause, self.cure = cause, cure

    def __str__(self) -> str:
        return f"{self.cause}\n{self.cure}" if self.cure else self.cause


class ExpressionError(RequestError):
    """The expression is refused. `column` and `width` give the place in `text`, counted in characters from 0."""

    def __init__(self, text: str, column: int, width: int, cause: str, cure: str = "") -> None:
        super().__init__(cause, cure)
        self.text, self.column, self.width = text, column, width

    def __reduce__(self) -> tuple[type, tuple[str, int, int, str, str]]:
        return type(self), (self.text, self.column, self.width, self.cause, self.cure)

    def __str__(self) -> str:
        start = max(0, min(self.column - WINDOW // 2, len(self.text) - WINDOW))
        cut = self.text[start : start + WINDOW]
        shown = "".join(c if c.isascii() and c.isprintable() else "?" for c in cut)  # one column each, for the carets
        before, after = "..." if start else "", "..." if start + WINDOW < len(self.text) else ""
        carets = "^" * max(1, min(self.width, len(shown) - (self.column - start)))
        indent = " " * (len(before) + self.column - start)
        return f"{self.cause}\n  {before}{shown}{after}\n  {indent}{carets}" + (f"\n{self.cure}" if self.cure else "")


class SuiteError(RequestError):
    """A suite file is refused. `mistakes` lists everything wrong with it, each text beginning with FILE:LINE."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n\n".join(mistakes))
        self.mistakes = tuple(mistakes)

    def __reduce__(self) -> tuple[type, tuple[tuple[str, ...]]]:
        return type(self), (self.mistakes,)


class FunctionError(RequestError):
    """The user's function cannot be found, called or used."""


class Unsupported(DerivcheckError):
    """Torch, the engine or the symbolic side cannot compute this. `str()` is the reason, naming the operation."""


class TimedOut(DerivcheckError):
    """The time given by `--timeout` ran out; the rows that were not finished are `undecided`."""
