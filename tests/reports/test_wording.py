"""One sentence about a check, with the verb in the right number."""

from dataclasses import replace

import pytest

from derivcheck.reports.wording import tally
from derivcheck.results import Sensitivity
from tests.made_reports import CHECK, IMPRECISE, ROW, UNDECIDED, UNSUPPORTED, VALUE, WRONG


def by(engine, *rows):
    return tuple(replace(row, engine=engine) for row in rows)


TALLIES = {
    "Nothing was checked": (),
    "The partial agrees": (ROW,),
    "All 2 partials agree": (VALUE, ROW),
    "All 2 partials agree by all 2 engines": (VALUE, ROW, *by("jet", VALUE, ROW)),
    "The partial is unsupported by all 2 engines": (UNSUPPORTED, *by("jet", UNSUPPORTED)),
    "All 2 partials are undecided": (UNDECIDED, UNDECIDED),
    "The partial disagrees, first wrong at order 1": (WRONG,),
    "1 of 2 partials disagrees, 1 agrees, first wrong at order 1": (ROW, WRONG),
    "2 of 6 partials disagree, 1 is undecided, 2 are imprecise, 1 agrees, first wrong at order 1": (
        IMPRECISE, WRONG, ROW, WRONG, UNDECIDED, IMPRECISE,
    ),
}  # fmt: skip


@pytest.mark.parametrize("sentence", TALLIES)
def test_the_rows_of_a_check_are_counted_in_a_sentence(sentence):
    assert tally(replace(CHECK, partials=TALLIES[sentence])) == sentence


def test_rows_of_several_engines_are_not_called_partials():
    rows = (VALUE, ROW, *by("jet", VALUE, WRONG))
    assert tally(replace(CHECK, partials=rows)) == "1 of 4 rows disagrees, 3 agree, first wrong at order 1"


def test_a_pass_says_what_it_would_have_found():
    sensitive = replace(ROW, sensitivity=Sensitivity(1e-14, 2e-13))
    said = "The partial agrees; a relative error of 1e-14 would have been found (2e-13 at the worst point)"
    assert tally(replace(CHECK, partials=(sensitive,))) == said
