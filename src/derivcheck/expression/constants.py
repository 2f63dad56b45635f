"""Texts that are numbers: 0.5, 1/3, 0x1.8p-1, and what an expression without variables can say, such as 2*pi."""

import math
from fractions import Fraction

import sympy as sp

from derivcheck.errors import ExpressionError, RequestError, printable, shortened
from derivcheck.expression.parsing import parse
from derivcheck.expression.texts import parse_number

DIGITS = 40  # of a constant that is rounded to float64: far more than its 17, so that the second rounding moves nothing
LONGEST_SHOWN = 40  # characters of a value in a message: half a line of an 80-column terminal
CURE = "Write it like 0.5, -2, 1/3, 1e-3, 0x1.8p-1, pi/2 or sqrt(2)."


def constant(text: str) -> Fraction | sp.Expr:
    """The exact value of a number or of an expression of numbers. Raises `RequestError`."""
    try:
        return parse_number(text)
    except RequestError:
        shown = printable(shortened(text, LONGEST_SHOWN))
        if not text.strip():
            raise RequestError("there is no number", CURE) from None
        try:
            parsed = parse(text)
        except ExpressionError as why:
            raise RequestError(f"'{shown}' is not a number: {why.cause}", CURE) from None
    if parsed.names:
        raise RequestError(f"'{shown}' is not a number: there is no constant {parsed.names[0]}", CURE)
    return parsed.formula


def nearest(text: str) -> float:
    """The float64 nearest to a constant. Raises `RequestError`, or `OverflowError` beyond the range of float64."""
    value = constant(text)
    number = float(value) if isinstance(value, Fraction) else _evaluated(value, text)
    if math.isinf(number):
        raise OverflowError
    return number


def _evaluated(value: sp.Expr, text: str) -> float:
    """sympy may raise anything for what has no real value, and may return what cannot be a float."""
    try:
        return float(sp.N(value, DIGITS))
    except Exception:
        cause = f"'{printable(shortened(text, LONGEST_SHOWN))}' is not a real number"
        raise RequestError(cause, CURE) from None
