"""Markdown as another parser reads it: tables keep their cells whatever the names, and what fails comes first."""

import html
import re
from dataclasses import replace
from itertools import pairwise

import pytest
from markdown_it import MarkdownIt

from derivcheck import check
from derivcheck.outcomes import Outcome
from derivcheck.reports import gfm
from derivcheck.reports.characters import one_line
from derivcheck.reports.markdown import EXPLAINED, UNFOLDED, render
from derivcheck.results import Seconds, Worst
from tests.made_reports import (
    CHECK,
    FAILED,
    IMPRECISE,
    IN_SUITE,
    NASTY,
    NOTHING,
    OUTCOMES,
    ROW,
    UNDECIDED,
    VALUE,
    WRONG,
    random_report,
    renamed,
    report,
)  # fmt: skip

PARSER = MarkdownIt("commonmark").enable("table")


def tables(text):
    """The tables as lists of rows of cells, plain text, the head first."""
    found = []
    tokens = PARSER.parse(text)
    for token, after in pairwise(tokens):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in ("td_open", "th_open"):
            found[-1][-1].append(plain(after))
    return found


def plain(token):
    return "".join(part.content for part in token.children if part.type in ("text", "text_special", "code_inline"))


def headings(text):
    tokens = PARSER.parse(text)
    return [plain(after) for token, after in pairwise(tokens) if token.type == "heading_open"]


def fences(text):
    return [token.content for token in PARSER.parse(text) if token.type == "fence"]


def test_one_check_has_the_columns_and_figures_of_the_terminal():
    made = check("x**2", function=lambda x: x**2 + 0 * x, points=50, seed=1)
    shown, terminal = render(made), str(made)
    ((head, *rows),) = tables(shown)
    assert head == [
        "partial", "max error autograd", "max error sympy", "error / bound", "time autograd", "time sympy", "ratio",
        "verdict",
    ]  # fmt: skip
    lines = [line.split() for line in terminal.splitlines() if line.endswith("agrees")]
    assert [" ".join(cells).split() for cells in rows] == lines
    (heading,) = headings(shown)
    assert heading.startswith("derivcheck: All 2 partials agree; a relative error of")
    assert terminal.splitlines()[-1] in html.unescape(shown)


def test_engines_have_a_column_if_there_are_several():
    made = report(replace(CHECK, partials=(ROW, replace(ROW, engine="symbolic"))))
    ((head, *rows),) = tables(render(made))
    assert head[:2] == ["partial", "engine"]
    assert [row[1] for row in rows] == ["reverse", "symbolic"]


def test_a_failing_check_shows_its_worst_points_and_a_command():
    text = render(report(replace(FAILED, partials=(VALUE, IMPRECISE, WRONG))))
    rows, worst = tables(text)
    assert [row[-1] for row in rows[1:]] == ["disagrees", "agrees", "imprecise"]
    assert worst == [
        ["partial", "worst point", "autograd", "exact", "bound"],
        ["∂f/∂x", "x = -0.75", "-1.6875", "1.6875", "1e-15"],
    ]
    assert fences(text) == ["derivcheck 'x**3' --domain x=-0x1.8p-1:-0x1.8p-1 -n 1\n"]
    assert "- ∂f/∂x disagrees: NaN or infinity where the derivative is finite\n" in text
    assert headings(text) == ["derivcheck: 1 of 3 partials disagrees, 1 is imprecise, 1 agrees, first wrong at order 1"]


def test_several_checks_have_a_row_each_and_what_fails_comes_first():
    text = render(report(*OUTCOMES.values()))
    head, *rows = tables(text)[0]
    assert head == ["check", "dtype", "device", "outcome", "partials that agree", "worst lost bits", "seconds"]
    assert [row[3] for row in rows] == [
        "failed",
        "passed unexpectedly: it should disagree: the sign is wrong on purpose",
        "known defect: https://example.org/issues/7",
        "error: f.py:cube raises: ValueError: no",
        "undecided",
        "unsupported",
        "failed as expected: the sign is wrong on purpose",
        "skipped: needs a GPU",
        "passed",
    ]
    assert rows[0] == ["cube", "float64", "cpu", "failed", "1 of 2", "53.0", "0.5"]
    assert headings(text)[0].startswith("derivcheck: Of 9 checks: 1 failed, 1 passed unexpectedly, 1 known defect, ")
    assert len(headings(text)) == 7


def test_a_known_defect_that_is_let_pass_has_no_section():
    assert len(headings(render(report(OUTCOMES[Outcome.KNOWN], IN_SUITE, known_ok=True)))) == 1


def test_a_section_names_the_place_in_the_suite():
    assert "first wrong at order 1 (in suites/kernels.toml, line 12)." in render(report(FAILED, CHECK))
    assert "(in C:\\suites\\a.toml, line 12)" in html.unescape(
        render(report(replace(FAILED, source="C:\\suites\\a.toml"), CHECK))
    )


@pytest.mark.parametrize(
    ("made", "headline"),
    [
        (report(), "no check was run"),
        (report(interrupted=True), "interrupted: only the checks that finished before are here"),
        (
            report(CHECK, interrupted=True),
            "interrupted: only the checks that finished before are here. All 2 partials agree",
        ),
        (report(CHECK, CHECK), "All 2 checks passed"),
        (report(NOTHING), "Nothing was checked"),
        (report(OUTCOMES[Outcome.SKIPPED]), "skipped: needs a GPU"),
        (
            report(OUTCOMES[Outcome.XPASSED]),
            "passed unexpectedly: it should disagree: the sign is wrong on purpose. All 2 partials agree",
        ),
    ],
)
def test_the_heading_is_the_verdict(made, headline):
    assert headings(render(made)) == [f"derivcheck: {headline}"]


@pytest.mark.parametrize("text", NASTY, ids=ascii)
def test_no_text_of_a_user_breaks_a_table(text):
    made = renamed(IN_SUITE, text)
    for shown in (render(report(made)), render(report(made, CHECK))):
        found = tables(shown)
        assert [len(table) for table in found] == [4, 2] if len(found[0][0]) == 5 else [3, 2]
        assert all(len(cells) == len(table[0]) for table in found for cells in table)
        inline = [part.type for token in PARSER.parse(shown) for part in token.children or ()]
        assert not {"link_open", "image", "em_open", "strong_open"} & set(inline)
        assert not re.search("<(?!/?code>)", "".join(t.content for t in PARSER.parse(shown) if t.type == "html_block"))
        shown.encode()


@pytest.mark.parametrize("text", [text for text in NASTY if len(text) < 60], ids=ascii)
def test_a_name_in_a_cell_is_read_back_on_one_line(text):
    cells = tables(render(report(renamed(IN_SUITE, text), CHECK)))[0][1]
    assert cells[0] == one_line(text)
    assert one_line(text) in cells[3] + " "


@pytest.mark.parametrize("text", NASTY, ids=ascii)
def test_a_command_can_be_copied_whatever_is_in_it(text):
    (block,) = fences(render(report(renamed(CHECK, text))))
    assert block == re.sub("\r\n?", "\n", gfm.legible(text) + "\n")


def test_text_and_code_mean_what_they_say():
    assert gfm.code("x1**2*sin(x2)") == "`x1**2*sin(x2)`"
    assert gfm.text("x_1 in [0, 1]") == "x_1 in [0, 1]"
    assert gfm.text("__a__ [b](c)") == "&#95;&#95;a&#95;&#95; [b&#93;(c)"


def test_a_long_expression_is_shortened_in_cells_and_not_in_commands():
    long = "+".join(f"sin({k}*x)" for k in range(2000))
    named = replace(FAILED, name=long, expression=long, partials=(replace(WRONG, reproduce=f"derivcheck '{long}'"),))
    text = render(report(named, CHECK))
    cells = tables(text)[0][1]
    assert len(cells[0]) == gfm.LONGEST_CODE
    assert cells[0].endswith("…")
    assert f"derivcheck '{long}'\n" in fences(text)


def test_many_coordinates_are_counted():
    wide = replace(WRONG, worst=replace(WRONG.worst, point={f"x{k}": k / 2 for k in range(300)}))
    assert (
        tables(render(report(replace(CHECK, partials=(wide,)))))[1][1][1] == "x0 = 0.0, x1 = 0.5, x2 = 1.0, … 297 more"
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_nan_and_infinity_are_words(value):
    worst = Worst({"x": value}, value, value, value, value)
    made = replace(FAILED, partials=(replace(WRONG, worst=worst),), seconds=Seconds(), domain={"x": (-value, value)})
    assert tables(render(report(made, CHECK)))[1][1] == ["∂f/∂x", f"x = {value}", str(value), str(value), str(value)]
    assert tables(render(report(made, CHECK)))[0][1][-1] == "-"


@pytest.mark.parametrize("seed", range(100))
def test_tables_of_random_reports_are_whole(seed):
    made = random_report(seed)
    found = tables(render(made))
    assert all(len(cells) == len(table[0]) for table in found for cells in table)
    if len(made.checks) > 1:
        assert len(found[0]) == 1 + len(made.checks)
    assert ("disagrees:" in render(made)) <= any(row.verdict.rank == 4 for c in made.checks for row in c.partials)


def test_a_thousand_checks_stay_readable():
    passed = [replace(IN_SUITE, name=f"check {k}") for k in range(1000)]
    text = render(
        report(*passed[:500], FAILED, replace(CHECK, partials=(UNDECIDED,)), OUTCOMES[Outcome.SKIPPED], *passed[500:])
    )
    first, *others = tables(text)
    assert [row[3] for row in first[1:]] == ["failed", "undecided"]
    assert len(others[-1]) == 1002
    assert "<details><summary>1 skipped, 1000 passed</summary>" in text
    assert text.index("1 of 2 partials disagrees") < text.index("<details>")


def test_of_a_thousand_failures_the_first_are_explained():
    text = render(report(*(replace(FAILED, name=f"check {k}") for k in range(1000))))
    assert len(headings(text)) == 1 + EXPLAINED
    assert f"... and {1000 - EXPLAINED} more; --report json has them all." in text
    assert "<details>" not in text


def test_few_checks_are_not_folded():
    assert "<details>" not in render(report(*[CHECK] * UNFOLDED))


def test_of_many_failing_rows_the_first_are_shown():
    text = render(report(replace(CHECK, partials=tuple(replace(WRONG, label=f"row {k}") for k in range(100)))))
    assert len(tables(text)[1]) == 1 + EXPLAINED
    assert "... and 80 more; --report json has them all." in text
    assert text.count("disagrees: NaN or infinity") == 1
