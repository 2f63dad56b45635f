"""Signs of mathematics are read as what they mean, and nothing else is."""

import unicodedata

import pytest

from derivcheck.errors import ExpressionError
from derivcheck.expression.parsing import parse
from derivcheck.expression.reading import GREEK, LOWERED, RAISED, ROOTS, SIGNS, read

MEANINGS = {
    "x^2": "x**2",
    "2^-x": "2**-x",
    "x²": "x**2",
    "x¹⁰": "x**10",
    "(x + 1)⁻²": "(x + 1)**-2",
    "sin(x)²": "sin(x)**2",
    "-x²": "-x**2",
    "2^x²": "2**x**2",
    "π*x": "pi*x",
    "α₁*x_β": "alpha1*x_beta",
    "λ*x": "lamda*x",
    "µ*x": "mu*x",
    "x₁₂ + x₁": "x12 + x1",
    "log₂(x) + log₁₀(x)": "log2(x) + log10(x)",
    "2×x·y⋅z": "2*x*y*z",
    "x ÷ y": "x / y",
    "x − 1e−3": "x - 1e-3",
    "√2*x": "sqrt(2)*x",
    "√x₁": "sqrt(x1)",
    "√√x": "sqrt(sqrt(x))",
    "√(x + 1)": "sqrt(x + 1)",
    "√ sin(x)*y": "sqrt(sin(x))*y",
    "∛π·√x": "cbrt(pi)*sqrt(x)",
    "Piecewise((x, x ≤ 1), (2, (x ≥ 2) & (x ≠ 3)), (0, True))": (
        "Piecewise((x, x <= 1), (2, (x >= 2) & (x != 3)), (0, True))"
    ),
}


@pytest.mark.parametrize("text", MEANINGS)
def test_a_sign_is_read_as_what_it_means(text):
    assert read(text) == MEANINGS[text]
    assert parse(text) == parse(MEANINGS[text])


@pytest.mark.parametrize("text", ["x1**2*sin(x2)", "", "a_1 + 2.5e-3/b", "x\u0445", "x\u200b"])
def test_everything_else_is_left_as_it_is(text):
    assert read(text) == text


# What would silently mean something else if signs were replaced one by one.
REFUSED = {
    "πx": "operator is missing",
    "αβ": "operator is missing",
    "x2π": "operator is missing",
    "x²y": "operator is missing",
    "x²1": "operator is missing",
    "x².5": "operator is missing",
    "x₁y": "operator is missing",
    "x₁1": "operator is missing",
    "x√y": "operator is missing",
    "√2x": "operator is missing",
    "x₁√2": "operator is missing",
    "2₁": "index belongs to a name",
    "x1₁": "index belongs to a name",
    "x··y": "malformed",
    "x·*y": "malformed",
    "x*×y": "malformed",
    "x·^y": "malformed",
    "x²**3": "power of a power",
    "x² ^3": "power of a power",
    "² + x": "nothing before this power",
    "x ²": "nothing before this power",
    "sin²(x)": r"before a parenthesis(?s:.*)sin\(x\)\*\*2",
    "sin⁻¹(x)": r"before a parenthesis(?s:.*)asin\(x\)",
    "√x²": "inside or outside of this root",
    "√sin(x)^2": "inside or outside of this root",
    "√": "nothing under this root",
    "√-x": "nothing under this root",
    "√(x": "never closed",
    "√" * 201 + "x": "more than 200",
}


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: ascii(text)[:30])
def test_what_could_mean_two_things_is_refused(text):
    with pytest.raises(ExpressionError, match=REFUSED[text]) as caught:
        parse(text)
    assert str(caught.value).isascii()


LOOK_ALIKES = {
    "\u0445**2": "U+0445 CYRILLIC SMALL LETTER HA",
    "x\u200b1": "U+200B ZERO WIDTH SPACE",
    "x\u202e1": "U+202E RIGHT-TO-LEFT OVERRIDE",
    "\uff53in(x)": "U+FF53 FULLWIDTH LATIN SMALL LETTER S",
    "\u0391*x": "U+0391 GREEK CAPITAL LETTER ALPHA",
    "\u03bf*x": "U+03BF GREEK SMALL LETTER OMICRON",
    "\U0001d465**2": "U+1D465 MATHEMATICAL ITALIC SMALL X",
    "x\u2044y": "U+2044 FRACTION SLASH",
    "x\u0301": "U+0301 COMBINING ACUTE ACCENT",
    "x\u1d56": "U+1D56 MODIFIER LETTER SMALL P",
    "x\x1b[2J": "control character U+001B",
    "x\ud800": "character U+D800",
}


@pytest.mark.parametrize("text", LOOK_ALIKES, ids=ascii)
def test_what_only_looks_like_a_sign_is_refused_by_its_name_at_its_place(text):
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert caught.value.cause == f"{LOOK_ALIKES[text]} cannot be part of an expression"
    assert not text[caught.value.column].isascii() or not text[caught.value.column].isprintable()
    assert "\\u" not in str(caught.value)
    assert str(caught.value).isascii()


def test_every_character_outside_the_table_is_refused():
    known = {*SIGNS, *GREEK, *ROOTS, *RAISED, *LOWERED, "⁺", "⁻"}
    for code in range(128, 0x3100):
        character = chr(code)
        if character in known or unicodedata.category(character) == "Cn":
            continue
        with pytest.raises(ExpressionError, match="cannot be part of an expression"):
            parse(f"x + {character}")


@pytest.mark.parametrize("text", ["x²(" * 3000, "√(" * 3000, "√" * 9000 + "x", "αx" * 4000, "·" * 9000, "√sin(" * 199])
def test_a_long_text_of_signs_is_refused(text):
    with pytest.raises(ExpressionError):
        parse(text)
