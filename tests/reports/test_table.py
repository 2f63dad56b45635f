import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from derivcheck import check
from derivcheck.outcomes import Verdict
from derivcheck.reports import table, wording
from derivcheck.results import PointCounts, Sensitivity, Side, Worst
from tests.made_reports import CHECK, IMPRECISE, REMARKED, ROW, VALUE, WRONG, report


def shown(report, width, **options):
    console = Console(width=width, record=True, file=io.StringIO())
    table.show_on(console, report, **options)
    return console.export_text()


def test_the_widest_rows_fit_80_columns():
    report = check(
        "besselj(0, x1)*sin(x2)", partials=["x1,x1,x1,x2,x2,x2", "x2,x2,x2,x2,x2,x2,x2,x2,x2,x2"], points=100
    )
    lines = shown(report, 80).splitlines()
    rows = [line for line in lines if line.startswith("∂")]
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)
    assert rows[0].split()[-1] == "unsupported"
    assert rows[1].split()[-1] == "agrees"


def test_each_column_says_what_it_holds():
    header = " ".join(shown(check("x**2", points=100), 200).split("─")[0].split())
    assert "max" in header
    for words in ("max error", "autograd sympy /bound", "time", "ratio verdict"):
        assert words in header


def test_without_timing_there_are_no_times():
    assert "time" not in shown(check("x**2", points=100, timing=False), 80)


def test_a_failure_shows_point_values_bound_and_replay_line_unbroken():
    text = shown(check("x**2", function=lambda x: x**3, order=0, timing=False), 80)
    assert re.search(r"at x +\S+ +0x1\.\S+\n  autograd +\S+\n  sympy +\S+\n  exact +\S+\n  bound +\S+", text)
    assert re.search(r"Reproduce: derivcheck .* -n 1 --no-corners", text)


def test_only_so_many_failures_are_explained():
    report = check("exp(x)", function=lambda x: x.sin(), order=7, timing=False, points=50)
    assert shown(report, 80).count("Reproduce:") == table.EXPLAINED
    assert "... and 3 more" in shown(report, 80)


def test_a_warning_names_its_point():
    text = table.render(check("1/(1+exp(-x))", function=lambda x: x.sigmoid(), domain=(35, 60), timing=False))
    assert re.search(r"∂f/∂x is imprecise: .* at x = \d+\.\d+ autograd gives \S+, exact is \S+", text)


def test_markup_in_names_is_text():
    assert "x_[" not in table.render(check("x_", timing=False, points=10))
    report = check("x", function=lambda x: x + 1, timing=False, points=10)
    assert "<lambda>" in table.render(report)


def lines_of(made, width):
    """The two lines of headings, the rule and the first row of the table."""
    lines = shown(made, width).splitlines()
    rule = next(k for k, line in enumerate(lines) if line.startswith("──"))
    return lines[rule - 2 : rule + 2]


FULL = replace(ROW, autograd=Side(1.2e-300, seconds=1.23e-4), sympy=Side(2.3e-16, seconds=4.5e-6), excess=0.25)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("label", ["f", "∂¹⁰f/∂x1⁵∂x2⁵", "∂³f/∂temperature∂pressure∂density"])
@pytest.mark.parametrize("verdict", list(Verdict))
def test_no_number_is_cut_and_the_verdict_is_whole_at_any_width(width, label, verdict):
    row = replace(FULL, label=label, verdict=verdict, excess=float("inf"))
    heading, names, rule, line = lines_of(report(replace(CHECK, partials=(row,))), width)
    assert max(map(len, (heading, names, rule, line))) <= width
    *figures, last = line[len(label) if "…" not in line else line.index("…") + 1 :].split()
    assert last == verdict.value
    assert set(figures) <= {"1.2e-300", "2.3e-16", "inf", "123", "4.5", "µs", "27.3x"}
    assert "inf" in figures


def test_a_narrow_table_drops_times_first_then_the_error_of_sympy():
    made = report(replace(CHECK, partials=(FULL,)))
    names = {width: lines_of(made, width)[1].split() for width in (79, 50, 38)}
    assert names[79] == "partial autograd sympy /bound autograd sympy ratio verdict".split()
    assert names[50] == "partial autograd sympy /bound verdict".split()
    assert names[38] == "partial autograd sympy /bound verdict".split()
    assert lines_of(made, 36)[1].split() == "partial autograd /bound verdict".split()


def test_groups_are_named_above_their_columns():
    heading, names, *_ = lines_of(report(replace(CHECK, partials=(FULL,))), 80)
    for group, first, last in (("max error", "autograd", "sympy"), ("time", " autograd", "ratio")):
        start = names.index(first) if group == "max error" else names.rindex(first)
        assert start <= heading.index(group) < heading.index(group) + len(group) <= names.index(last, start) + len(last)


def test_an_error_above_its_bound_is_never_shown_as_one():
    assert "1.01" in table.render(report(replace(CHECK, partials=(replace(WRONG, excess=1.000001),))))


def test_the_last_lines_say_what_would_have_been_found_and_what_was_judged():
    rows = [replace(row, sensitivity=Sensitivity(9e-16, 2e-15), points=PointCounts(134, 130)) for row in (VALUE, ROW)]
    *_, found, facts = table.render(report(replace(CHECK, partials=tuple(rows)))).splitlines()
    assert found == "All 2 partials agree; an error of 9e-16 would have been found (2e-15 at the worst point)."
    assert facts == "100 points, all refereed · seed 0 · float64 on cpu · torch 2.13.0 · sympy 1.14.0"


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        (PointCounts(9, 6, {"kink": 98}), " and 4 corners, all refereed but 98 on a kink"),
        (PointCounts(134, 60, {"undefined": 3}, 71), ", 60 refereed (the most suspicious first), 3 undefined"),
        (PointCounts(), ", none refereed"),
    ],
)  # fmt: skip
def test_the_share_that_was_judged_is_given_and_why_not_the_rest(counts, text):
    assert wording.judged(replace(CHECK, partials=(replace(ROW, points=counts),))) == f"100 points{text}"


def test_what_was_not_wrong_but_not_proved_either_says_nothing_of_sensitivity():
    rows = (replace(ROW, sensitivity=Sensitivity(1e-15, 1e-14)), replace(WRONG, sensitivity=Sensitivity(1e-15, 1e-14)))
    assert wording.conclusion(replace(CHECK, partials=rows)) == (
        "1 of 2 partials disagrees, 1 agrees; first wrong at order 1."
    )


def test_remarks_are_lines_of_their_own_said_once():
    text = table.render(report(replace(CHECK, partials=(REMARKED, REMARKED))))
    assert text.count("Remark on ∂f/∂x: at x = 2e-308 autograd gives 0, exact is 4e-308.") == 1
    many = tuple(replace(ROW, remarks=(f"number {k}",)) for k in range(9))
    assert "... and 4 more remarks" in table.render(report(replace(CHECK, partials=many)))


def test_lost_bits_are_said_where_they_matter():
    row = replace(IMPRECISE, worst=replace(IMPRECISE.worst, lost_bits=31.24))
    text = table.render(report(replace(CHECK, partials=(row,))))
    assert "31.2 bits lost" in text
    assert "lost" not in table.render(report(replace(CHECK, partials=(ROW,))))


def test_a_footnote_says_where_sympy_is_off():
    worst = Worst({"x": 0.5}, 1.0, 1.5, 1.0, 1e-16)
    text = table.render(report(replace(CHECK, partials=(replace(FULL, sympy_excess=5e15, sympy_worst=worst),))))
    assert "sympy's side is off in ∂f/∂x, autograd's is not: at x = 0.5 sympy gives 1.5, exact is 1.0." in text


def test_sympys_side_is_found_off_where_the_function_is_the_better_one():
    made = check("log(1 + x)", function=lambda x: x.log1p(), order=0, domain=(1e-9, 1e-8), timing=False, points=100)
    (row,) = made.checks[0].partials
    assert row.verdict is Verdict.AGREES
    assert row.sympy_excess > 1e5
    assert "sympy's side is off in f" in table.render(made)
