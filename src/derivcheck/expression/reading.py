"""Signs of mathematics as what they mean: `x₁² + √π·x` is read as `x1**2 + sqrt(pi)*x`.

Each sign is listed here. Nothing is normalised: a letter that merely looks like another, an invisible character or
a full-width one is not in the list, and is refused. What comes out is checked like any other text, so that this file
decides what is convenient and not what is safe. Where a sign could mean two things, it is refused too.
"""

import re
from contextlib import suppress

from derivcheck.errors import ExpressionError, RequestError
from derivcheck.expression.scanning import LOOK_ALIKE, character_name
from derivcheck.expression.tokens import TOKEN, closing

SIGNS = {"×": "*", "·": "*", "⋅": "*", "∗": "*", "÷": "/", "−": "-", "^": "**", "≤": "<=", "≥": ">=", "≠": "!="}
# Greek letters that no Latin letter looks like. `lamda` is sympy's spelling, because lambda is a word of Python.
GREEK = dict(
    zip(
        "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩµ",  # the last one is the micro sign of keyboards
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lamda mu nu xi pi rho sigma tau upsilon phi chi psi "
        "omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega mu".split(),
        strict=True,
    )
)
ROOTS = {"√": "sqrt", "∛": "cbrt"}
RAISED, LOWERED = "⁰¹²³⁴⁵⁶⁷⁸⁹", "₀₁₂₃₄₅₆₇₈₉"
DIGITS = str.maketrans(RAISED + LOWERED + "⁺⁻", "0123456789" * 2 + "+-")

MOST_ROOTS = 200  # twice as many as may be nested; each is a pass through the text

READ = re.compile(
    rf"(?P<sign>[{re.escape(''.join(SIGNS))}])|(?P<greek>[{''.join(GREEK)}])"
    rf"|(?P<power>[⁺⁻]?[{RAISED}]+)|(?P<index>[{LOWERED}]+)"
)
PRODUCT = re.compile(r"[*^×·⋅∗]")
GOES_ON = re.compile(
    rf"[A-Za-z0-9_.{''.join(GREEK)}{''.join(ROOTS)}]"
)  # would continue the digits of an index or a power


def read(text: str) -> str:
    """The text in ASCII, as far as its signs are known. Raises `ExpressionError` where one could mean two things."""
    out, place, before = [], 0, ""
    for found in READ.finditer(text):
        between = text[place : found.start()]
        out += [between, _READERS[str(found.lastgroup)](text, found, (between or before)[-1:])]
        place, before = found.end(), out[-1]
    return _with_roots("".join([*out, text[place:]]))


def variable(text: str) -> str:
    """The name of a variable as an expression would have it: `x₁` is x1. Raises `RequestError` for what only looks like
    a letter, or is invisible; what else cannot be a name is left as it is."""
    with suppress(ExpressionError):
        text = read(text)
    odd = next((character for character in text if not character.isascii()), "")
    if odd:
        raise RequestError(f"{character_name(odd)} cannot be part of a name", LOOK_ALIKE)
    return text.strip()


def _sign(text: str, found: re.Match[str], before: str) -> str:
    """`x·*y` must not become a power."""
    sign = SIGNS[found[0]]
    if sign != "*":
        return sign
    return f"{' ' * (before == '*')}*{' ' * bool(PRODUCT.match(text, found.end()))}"


def _greek(text: str, found: re.Match[str], before: str) -> str:
    """`αx` is two names side by side, which will be refused, and not the name alphax."""
    after = text[found.end() : found.end() + 1]
    apart = before.isalnum() and before.isascii()
    return f"{' ' * apart}{GREEK[found[0]]}{' ' * (after.isascii() and after.isalpha())}"


def _power(text: str, found: re.Match[str], before: str) -> str:
    """`x²` is x**2. It binds tighter than `**`, so that `x²**3` is not x**(2**3)."""
    digits, after = found[0].translate(DIGITS), text[found.end() :].lstrip(" \t")
    if not (before.isalnum() or before in ("_", ")", ".")):
        raise _refused(text, found, "there is nothing before this power", f"Write x**{digits}.")
    if after.startswith(("**", "^")):
        cure = f"Write (x**{digits})**3 or x**({digits}**3)."
        raise _refused(text, found, "a power of a power needs parentheses", cure)
    if after.startswith("(") and before not in (")", "."):
        inverse = ", its inverse by name, such as asin(x)" if found[0] == "⁻¹" else ""
        cure = f"For the power of a function write sin(x)**{digits}{inverse}; for a product x**{digits}*(...)."
        raise _refused(text, found, "this power comes before a parenthesis", cure)
    return f"**{digits}{' ' * bool(GOES_ON.match(text, found.end()))}"


def _index(text: str, found: re.Match[str], before: str) -> str:
    """`x₁` is the name x1."""
    if not (before.isalpha() or before == "_"):
        raise _refused(text, found, "an index belongs to a name", "Write it directly after a letter, such as x1.")
    return f"{found[0].translate(DIGITS)}{' ' * bool(GOES_ON.match(text, found.end()))}"


_READERS = {"sign": _sign, "greek": _greek, "power": _power, "index": _index}


def _with_roots(text: str) -> str:
    """`√2`, `√x` and `√sin(x)` get the parentheses of a function, the last root first: it may be within others."""
    if sum(map(text.count, ROOTS)) > MOST_ROOTS:
        raise ExpressionError(text, 0, 1, f"there are more than {MOST_ROOTS} signs of roots", "Write sqrt(...).")
    while (place := max(map(text.rfind, ROOTS))) >= 0:
        start, end = _operand(text, place)
        before = text[max(place - 1, 0) : place]
        apart = " " if before.isalnum() or before == "_" else ""
        inner = text[start:end] if text[start] == "(" else f"({text[start:end]})"
        text = f"{text[:place]}{apart}{ROOTS[text[place]]}{inner}{text[end:]}"
    return text


def _operand(text: str, place: int) -> tuple[int, int]:
    """Where what is under a root begins and ends: a number, a name, a call or parentheses."""
    start = len(text) - len(text[place + 1 :].lstrip(" \t"))
    first = TOKEN.match(text, start)
    if not first or (first.lastgroup not in ("number", "name") and first[0] != "("):
        cause = "there is nothing under this root"
        raise ExpressionError(text, place, 1, cause, "Write sqrt(...) with what is under it in parentheses.")
    if first[0] == "(":
        return start, closing(text, start)
    is_call = first.lastgroup == "name" and text[first.end() : first.end() + 1] == "("
    end = closing(text, first.end()) if is_call else first.end()
    if text[end:].lstrip(" \t").startswith("**"):
        cause = "the power may be meant inside or outside of this root"
        raise ExpressionError(text, place, 1, cause, "Write sqrt(x**2) or sqrt(x)**2.")
    return start, end


def _refused(text: str, found: re.Match[str], cause: str, cure: str) -> ExpressionError:
    return ExpressionError(text, found.start(), found.end() - found.start(), cause, cure)
