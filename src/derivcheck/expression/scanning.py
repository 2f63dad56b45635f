"""The first look at an expression's text: what can be refused by its characters and tokens alone.

This runs before `ast.parse`, which would otherwise meet quotes, brackets, look-alike letters and megabytes of text.
Most of the messages that users see come from here, because `2x`, `sin x` and `x^2` are what people type.
"""

import keyword
import re
import unicodedata

from derivcheck.errors import ExpressionError
from derivcheck.expression import forms
from derivcheck.expression.tokens import TOKEN

LONGEST = 10_000  # characters: 20 times the longest formula of the AI Feynman set; bounds every later stage
DEEPEST = 100  # open parentheses: ast.parse itself gives up near 200, sympy's recursion soon after
MOST_SIGNS = 20  # + - ~ in a row: each is a level of recursion

ALLOWED = re.compile(r"[A-Za-z0-9_+\-*/%().,<>=!&|~ \t]")
CURES = {
    "'": "Strings and primes mean nothing in an expression; --order and --partial name derivatives.",
    '"': "Strings mean nothing in an expression.",
    "\\": "This is not LaTeX: write sin(x1), sqrt(x1), pi.",
    "$": "This is not LaTeX: write x1**2 without $.",
    "[": "Group with round parentheses.",
    "{": "Group with round parentheses.",
    "\n": "Give one expression on one line.",
    "@": "Write * for a product.",
    ":": "Nothing in an expression needs a colon.",
    "–": "Write - for a minus.",
    "—": "Write - for a minus.",
    "’": "Primes mean nothing in an expression; --order and --partial name derivatives.",
    "′": "Primes mean nothing in an expression; --order and --partial name derivatives.",
    "\N{NO-BREAK SPACE}": "Replace it by a space.",
    "∞": "A real, finite expression is needed.",
    "∂": "Give the function itself; --order and --partial name derivatives.",
    "∫": "Give the function itself, without an integral.",
    "∑": "Write the terms of a sum.",
    "½": "Write 1/2.",
    "¼": "Write 1/4.",
    "¾": "Write 3/4.",
    "°": "Write an angle in radians, such as pi/6*x.",
    "‖": "Write sqrt(x**2 + y**2) for a norm.",
}
LOOK_ALIKE = "Type it again with the keyboard: it only looks like an ordinary character, or is invisible."
KEYWORDS = {
    "and": "Join conditions with &, each in parentheses: (x1 > 0) & (x1 < 1).",
    "or": "Join conditions with |, each in parentheses: (x1 < 0) | (x1 > 1).",
    "not": "Negate a condition with ~: ~(x1 > 0).",
    "if": "Write Piecewise((value, condition), ..., (value, True)).",
    "else": "Write Piecewise((value, condition), ..., (value, True)).",
    "lambda": "Call the variable lamda, as sympy does, or lam.",
}
LONGEST_NAME = 40  # characters looked at before a parenthesis, to find a name and its power
FUNCTION_POWER = re.compile(r"([A-Za-z_]\w*)(\*\*-?\d+)$")
VALUES = ("True", "False", "None")  # words of Python that the parser looks at in their context
VOCABULARY = "Allowed are numbers, names, + - * / ** %, parentheses and functions; --list-functions shows them."


def require_short(text: str) -> None:
    """Refuse an expression of which every later stage would be too slow."""
    if len(text) > LONGEST:
        raise ExpressionError(text, LONGEST, 1, f"the expression has more than {LONGEST} characters", "Shorten it.")


def scan(text: str) -> None:
    """Raise `ExpressionError` at the first character or token that no expression can contain."""
    if not text.strip():
        raise ExpressionError(text, 0, 1, "the expression is empty", 'Give one, such as "x1**2*sin(x2)".')
    require_short(text)
    _characters(text)
    forms.refuse(text)
    _nesting(text)
    _signs(text)
    _neighbours(text)


def _characters(text: str) -> None:
    for column, character in enumerate(text):
        if not ALLOWED.match(character):
            cause = f"{character_name(character)} cannot be part of an expression"
            cure = CURES.get(character, VOCABULARY if character.isascii() else LOOK_ALIKE)
            raise ExpressionError(text, column, 1, cause, cure)


def character_name(character: str) -> str:
    """`character '$'`, or for what may not show or looks like another its code: U+0445 CYRILLIC SMALL LETTER HA."""
    if character.isascii() and character.isprintable():
        return f"character {character!r}"
    code, name = f"U+{ord(character):04X}", unicodedata.name(character, "")
    return f"{code} {name}" if name else f"{'control ' * (unicodedata.category(character) == 'Cc')}character {code}"


def _nesting(text: str) -> None:
    opened: list[int] = []
    for column, character in enumerate(text):
        if character == "(":
            opened.append(column)
            if len(opened) > DEEPEST:
                raise ExpressionError(
                    text, column, 1, f"parentheses are nested deeper than {DEEPEST}", "Simplify the expression."
                )
        elif character == ")":
            if not opened:
                raise ExpressionError(text, column, 1, "this ) closes nothing", "Remove it, or add a ( before.")
            opened.pop()
    if opened:
        raise ExpressionError(text, opened[-1], 1, "this ( is never closed", "Add a ).")


def _signs(text: str) -> None:
    signs = re.search(rf"(?:[-+~][ \t]*){{{MOST_SIGNS + 1}}}", text)
    if signs:
        cause = f"more than {MOST_SIGNS} signs in a row"
        raise ExpressionError(text, signs.start(), len(signs.group()), cause, "Keep one.")


def _neighbours(text: str) -> None:
    """Two operands side by side: an operator or parentheses were forgotten."""
    before: re.Match[str] | None = None
    for token in TOKEN.finditer(text):
        if token.lastgroup == "space":
            continue
        if token.group() in KEYWORDS or (keyword.iskeyword(token.group()) and token.group() not in VALUES):
            cause = f"{token.group()!r} is a word of Python"
            cure = KEYWORDS.get(token.group(), "Give the variable another name.")
            raise ExpressionError(text, token.start(), len(token.group()), cause, cure)
        if before is not None and _ends_operand(before) and _starts_operand(token, before):
            cause, cure = "an operator is missing here", _cure(text, before, token)
            raise ExpressionError(text, token.start(), len(token.group()), cause, cure)
        before = token


def _ends_operand(token: re.Match[str]) -> bool:
    return token.lastgroup in ("number", "name") or token.group() == ")"


def _starts_operand(token: re.Match[str], before: re.Match[str]) -> bool:
    if token.group() == "(":
        return before.lastgroup != "name"
    return token.lastgroup in ("number", "name")


def _cure(text: str, before: re.Match[str], token: re.Match[str]) -> str:
    if before.group() == "0" and token.group().lower()[:1] in ("x", "b", "o"):
        return "Write numbers in decimal."
    left, right = before.group(), token.group()
    product = f"{'...)' if left == ')' else left}*{'(...' if right == '(' else right}"
    function = FUNCTION_POWER.search(text[: before.end()][-LONGEST_NAME:])
    if right == "(" and function:
        return f"Write {function[1]}(...){function[2]} for the power of a function, {product} for a product."
    if before.lastgroup == "name" and token.start() > before.end():
        return f"Write {left}({right}) for a function, {product} for a product."
    return f"Write {product} for a product."
