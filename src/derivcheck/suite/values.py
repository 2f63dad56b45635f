"""From the values of TOML to those that a check takes, with one reader per kind of value.

A reader looks only at its own value and raises `WrongType` or `RequestError`; what depends on the expression is checked
when the problem is created.
"""

import datetime
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from derivcheck.errors import RequestError, printable, shortened
from derivcheck.expression.constants import constant
from derivcheck.expression.texts import assignment, split

Reader = Callable[[Any], Any]

MOST_VALUES = 5000  # in one list, the most rows of a check: looking names up in a list takes quadratic time
LARGEST_INTEGER = 2**63 - 1  # TOML's whole numbers have 64 bits
LONGEST_LINE = 1000  # characters of a name or a reason: a paragraph, which a report prints in full
LONGEST_SHOWN = 40  # characters of a value in a message: half a line of an 80-column terminal
FUNCTION = re.compile(r"(?:\S.*\.py|[A-Za-z_][\w.]*):[A-Za-z_][\w.]*")
KINDS: Sequence[tuple[type | tuple[type, ...], str]] = (
    (bool, "true or false"),
    (str, "a string"),
    (int, "a whole number"),
    (float, "a number"),
    (list, "a list"),
    (dict, "a table"),
    ((datetime.date, datetime.time), "a date or a time"),
)


class WrongType(Exception):
    """The key does not take values of this type."""


@dataclass(frozen=True)
class Key:
    """What a key of a suite file takes."""

    form: str
    """The end of the sentence "Give ..."."""
    reader: Reader

    def read(self, value: Any) -> Any:
        """What a TOML value means. Raises `RequestError`."""
        try:
            return self.reader(value)
        except WrongType:
            kind = next(word for types, word in KINDS if isinstance(value, types))
            raise RequestError(f"{shown(value)} is {kind}", f"Give {self.form}.") from None


def shown(value: Any) -> str:
    """A value in a message; of a list or table, only the brackets."""
    if isinstance(value, (list, dict)):
        return "[...]" if isinstance(value, list) else "{...}"
    if isinstance(value, int) and value.bit_length() > LARGEST_INTEGER.bit_length():
        return "a number of more than 64 bits"
    text = str(value).lower() if isinstance(value, bool) else repr(value) if isinstance(value, str) else str(value)
    return shortened(text, LONGEST_SHOWN)


def text(value: Any) -> str:
    """A string."""
    _require(isinstance(value, str))
    return str(value)


def flag(value: Any) -> bool:
    """True or false."""
    _require(isinstance(value, bool))
    return bool(value)


def not_negative(value: Any) -> float:
    """A finite number from 0 on."""
    _require(_is_number(value))
    if not (value >= 0 and math.isfinite(value)):
        raise RequestError(f"{value} is not a finite number from 0 on", "Give a number such as 10.")
    return float(value)


def whole(least: int, most: int) -> Reader:
    """A whole number in a range."""

    def read(value: Any) -> int:
        _require(type(value) is int)
        if not least <= value <= most:
            raise RequestError(f"{shown(value)} is out of range", f"Give a whole number from {least} to {most}.")
        return int(value)

    return read


def matching(pattern: str, cause: str, cure: str) -> Reader:
    """A string of a given form."""
    form = re.compile(pattern)

    def read(value: Any) -> str:
        if not form.fullmatch(text(value)):
            raise RequestError(f"{shown(value)} {cause}", cure)
        return str(value)

    return read


def accepted(reader: Reader, check: Callable[[Any], object]) -> Reader:
    """What `reader` reads, unless `check` raises."""

    def read(value: Any) -> Any:
        found = reader(value)
        check(found)
        return found

    return read


def several(read_one: Reader, *, commas: bool = True) -> Reader:
    """One value or a list of distinct ones; a string may hold several, separated by commas."""

    def read(value: Any) -> tuple[Any, ...]:
        parts = split(value) if isinstance(value, str) and commas else value
        parts = parts if isinstance(parts, list) else [parts]
        if not 0 < len(parts) <= MOST_VALUES:
            raise RequestError(f"{len(parts)} values", f"Give 1 to {MOST_VALUES}, or leave the key out.")
        found = tuple(map(read_one, parts))
        if len(set(found)) < len(found):
            twice = next(part for k, part in enumerate(found) if part in found[:k])
            raise RequestError(f"{shown(twice)} is given twice", "Name it once.")
        return found

    return read


def params(value: Any) -> Mapping[str, Any]:
    """{a = 2.5} or ["a=2.5"]."""
    if isinstance(value, list):
        _require(all(isinstance(item, str) for item in value))
        value = dict(map(assignment, value))
    _require(isinstance(value, dict) and bool(value))
    for name, number in value.items():
        _require(_is_number(number) or isinstance(number, str))
        try:
            constant(str(number))
        except RequestError as error:
            raise RequestError(f"{shown(name)[1:-1]}: {error.cause}", error.cure) from None
    return dict(value)


def domain(value: Any) -> Any:
    """ "0:1", [0, 1], {x = "0:1", y = [0, 2]} or ["x=0:1", "y=0:2"], as `problem.create` takes it."""
    value = [value] if isinstance(value, str) else value
    if isinstance(value, dict):
        _require(bool(value) and all(isinstance(ends, str) or _is_pair(ends) for ends in value.values()))
    else:
        is_texts = isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)
        _require(is_texts or _is_pair(value))
    return value


def shape(value: Any) -> Any:
    """8, [3, 4], a text, or a table of such values by argument."""
    sizes = list(value.values()) if isinstance(value, dict) else [value]
    _require(bool(sizes) and all(isinstance(size, int | str | list) and not isinstance(size, bool) for size in sizes))
    return value


def names_in(domain: Any) -> list[str]:
    """The variables that a domain names."""
    if isinstance(domain, dict):
        return list(domain)
    return [item.rpartition("=")[0].strip() for item in domain if isinstance(item, str)]


def line(value: Any) -> str:
    """One line: newlines and tabs become spaces, and anything else that acts on a terminal is refused."""
    found = " ".join(text(value).split())
    if not found:
        raise RequestError("it is empty", "Say something, or leave the key out.")
    if len(found) > LONGEST_LINE:
        raise RequestError(f"it has {len(found)} characters, the most is {LONGEST_LINE}", "Shorten it.")
    return _without_controls(found)


def function(value: Any) -> str:
    """`module:name` or `file.py:name`, which is not looked up, because that would import it."""
    if not FUNCTION.fullmatch(_without_controls(text(value))):
        raise RequestError(f"{shown(value)} is not a place and a name", "Write it like module:name or file.py:name.")
    return str(value)


def _without_controls(found: str) -> str:
    if printable(found) != found:
        raise RequestError(f"{shown(found)} contains a control character", "Remove it.")
    return found


def _require(ok: bool) -> None:
    if not ok:
        raise WrongType


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or (type(value) is int and -LARGEST_INTEGER - 1 <= value <= LARGEST_INTEGER)


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))
