"""What --list-functions says is true: the number of arguments, and every meaning that is a formula."""

import re

import pytest
import sympy as sp

from derivcheck.errors import RequestError
from derivcheck.expression.parsing import parse
from derivcheck.expression.vocabulary import CONSTANTS, FUNCTIONS, listing


def formula_in(meaning, arguments):
    """The formula of the arguments that a meaning is or ends with, or None if it is a sentence."""
    text = re.split(",? (?:for|with|to) |, 1 at", meaning)[0]
    for start in (0, *(match.end() for match in re.finditer(" ", text))):
        try:
            parsed = parse(text[start:])
        except RequestError:
            continue
        named = parsed.names and set(parsed.names) <= set(arguments)
        return parsed.formula if named and not text[start:].isidentifier() else None
    return None


MEANT = {
    name: formula
    for name, entry in FUNCTIONS.items()
    if (formula := formula_in(entry.meaning, entry.arguments.split(", "))) is not None
}


def test_everything_that_an_expression_may_use_is_listed_once_with_a_meaning():
    names = [call.partition("(")[0] for call, _ in listing()]
    assert sorted(names) == sorted([*FUNCTIONS, *CONSTANTS, "Piecewise"])
    assert all(meaning and len(f"{call:18}  {meaning}") <= 80 for call, meaning in listing())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_arguments_that_are_shown_are_those_that_are_taken(name):
    entry = FUNCTIONS[name]
    shown = re.sub(r"\[.*\]|, y, \.\.\.", "", entry.arguments).split(", ")
    assert len(shown) == entry.least
    assert ("[" in entry.arguments or "..." in entry.arguments) == (entry.most > entry.least)


@pytest.mark.parametrize("name", MEANT)
def test_a_meaning_that_is_a_formula_has_the_values_of_the_function(name):
    arguments = FUNCTIONS[name].arguments.split(", ")
    first = "7/3" if name in ("acosh", "acoth", "acsc", "asec", "root") else "3/7"
    values = [first, "3"][: len(arguments)]
    symbols = dict(zip(arguments, map(sp.Rational, values), strict=True))
    wanted = MEANT[name].subs({s: symbols[s.name] for s in MEANT[name].free_symbols})
    found = parse(f"{name}({', '.join(values)})").formula
    assert abs(sp.N((found - wanted).doit(), 30)) < 1e-25


def test_most_functions_are_explained_by_a_formula():
    assert len(MEANT) > 30
