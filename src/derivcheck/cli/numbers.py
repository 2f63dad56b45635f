"""Numbers as options: 1e4 and 10_000 are whole numbers too."""

from collections.abc import Callable
from fractions import Fraction

from derivcheck.errors import RequestError, printable, shortened
from derivcheck.expression.texts import parse_number

LONGEST_SHOWN = 40  # characters of a value in a message: half a line of an 80-column terminal


def whole(option: str, example: str, *, least: int | None = None) -> Callable[[str | int], int]:
    """The reader of a whole number, such as 10000 or 1e4. Raises `RequestError`."""

    def read(text: str | int) -> int:
        number = _number(option, text, "a whole number", example)
        if number.denominator != 1:
            raise _wrong(option, str(text), "a whole number", example)
        if least is not None and number < least:
            raise RequestError(f"{option} {number}: the least is {least}", f"Write {option} {example}.")
        return number.numerator

    return read


def real(option: str, example: str) -> Callable[[str | float], float]:
    """The reader of a number of any kind. Raises `RequestError`."""

    def read(text: str | float) -> float:
        try:
            return float(_number(option, text, "a number", example))
        except OverflowError:
            raise _wrong(option, str(text), "a number", example) from None

    return read


def _number(option: str, text: str | float, kind: str, example: str) -> Fraction:
    if not isinstance(text, str):  # a default
        return Fraction(text)
    try:
        return parse_number(text.strip().removeprefix("="))  # -n=5
    except RequestError:
        raise _wrong(option, text, kind, example) from None


def _wrong(option: str, text: str, kind: str, example: str) -> RequestError:
    shown = printable(shortened(text, LONGEST_SHOWN))
    return RequestError(f"{option} {shown}: not {kind}", f"Write it like {option} {example}.")
