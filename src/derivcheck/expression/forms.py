"""What people write around or instead of an expression: an equation, |x|, x!, a decimal comma."""

import re

from derivcheck.errors import ExpressionError, shortened
from derivcheck.expression.tokens import TOKEN

LONGEST_SHOWN = 40  # characters of a part of the expression in a cure: half a line of an 80-column terminal
EQUALS = re.compile(r"(?<![<>=!])=(?!=)")
FACTORIAL = re.compile(r"!(?!=)")
OPERATORS = ("+", "-", "*", "/", "**", "%", "(", ",", "&", "|", "~", "<", ">", "<=", ">=", "==", "!=")


def refuse(text: str) -> None:
    """Raise `ExpressionError` for a form that the grammar would call malformed without a reason."""
    _equation(text)
    _factorial(text)
    _bars(text)
    _comma(text)


def _equation(text: str) -> None:
    """`y = ...` and `f(x) = ...`: not within parentheses, where it is a keyword argument."""
    found = EQUALS.search(text)
    if found and _depth(text, found.start()) == 0:
        right = shortened(text[found.end() :].strip(), LONGEST_SHOWN)
        cure = f"Give the right-hand side alone: {right}" if right else "Give what is to be differentiated alone."
        raise ExpressionError(text, found.start(), 1, "an equation is not an expression", cure)


def _factorial(text: str) -> None:
    found = FACTORIAL.search(text)
    if found:
        raise ExpressionError(text, found.start(), 1, "there is no factorial", "Write gamma(x + 1) for x!.")


def _bars(text: str) -> None:
    """A bar where an operand is due. (Between two conditions it means "or".)"""
    before = "("
    for token in TOKEN.finditer(text):
        if token.lastgroup == "space":
            continue
        is_last = token.end() == len(text.rstrip())
        if token[0] == "|" and (before in OPERATORS or is_last):
            raise ExpressionError(text, token.start(), 1, "a bar is not an absolute value", "Write Abs(x) for |x|.")
        before = token[0]


def _comma(text: str) -> None:
    """`1,5`: no comma may be outside of parentheses."""
    for found in re.finditer(",", text):
        place = found.start()
        if _depth(text, place) == 0:
            number = re.search(r"\d{1,9}$", text[max(0, place - 9) : place]), re.match(r"\d+", text[place + 1 :])
            is_decimal = all(number)
            left, right = (part[0][:9] if part else "" for part in number)
            cure = f"Write {left}.{right} for the number." if is_decimal else "Give one expression, not a list."
            raise ExpressionError(text, place, 1, "a comma separates only the arguments of a function", cure)


def _depth(text: str, place: int) -> int:
    """How many parentheses are open at a place."""
    return text.count("(", 0, place) - text.count(")", 0, place)
