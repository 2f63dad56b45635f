"""How messages show what a user wrote, and what they suggest instead."""

import pytest

from derivcheck.errors import counted, did_you_mean, printable, shortened


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x1**2", "x1**2"),
        ("Größe ∂", "Größe ∂"),
        ("a\x1b[31m", r"a\x1b[31m"),
        ("a\nb\x00", r"a\nb\x00"),
        ("\u202egpj", r"\u202egpj"),  # right to left
        ("\udcff", r"\udcff"),  # a byte that is no UTF-8, as Python passes it on from the command line
    ],
)
def test_nothing_that_is_printed_acts_on_a_terminal(text, shown):
    assert printable(text) == shown
    assert printable(text).isprintable()


def test_a_long_text_is_cut_to_the_length():
    assert shortened("x" * 10, 10) == "x" * 10
    assert shortened("x" * 11, 10) == "x" * 7 + "..."


def test_only_close_names_are_suggested():
    assert did_you_mean("sinn", ["cos", "sin", "sinc"]) == "Did you mean sin or sinc?"
    assert did_you_mean("sin", ["tag", "order"]) == did_you_mean("sin", []) == ""


def test_one_is_singular():
    assert [counted(n, "partial") for n in (0, 1, 2)] == ["0 partials", "1 partial", "2 partials"]
