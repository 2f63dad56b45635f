import io
import re

import pytest
import torch
from rich.console import Console

from derivcheck import check
from derivcheck.outcomes import Cause, Verdict
from derivcheck.reports import table
from derivcheck.reports.columns import excess


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
    header = " ".join(shown(check("x**2", points=100), 100).split("─")[0].split())
    assert "max" in header
    for words in ("max error", "autograd", "sympy", "/bound", "time", "ratio", "verdict"):
        assert words in header


def test_without_timing_there_are_no_times():
    assert "time" not in shown(check("x**2", points=100, timing=False), 80)


def test_a_failure_shows_point_values_bound_and_replay_line_unbroken():
    text = shown(check("x**2", function=lambda x: x**3, order=0, timing=False), 80)
    assert re.search(r"at x +\S+ +0x1\.\S+\n  autograd +\S+\n  sympy +\S+\n  exact +\S+\n  bound +\S+", text)
    assert re.search(r"Reproduce: derivcheck.check\(.*, points=1, corners=False\)", text)


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


@pytest.mark.parametrize(("width", "words"), [(40, "/bound"), (60, "sympy"), (80, "ratio"), (200, "ratio")])
def test_a_narrow_terminal_drops_times_then_sympys_error_and_cuts_no_number(width, words):
    lines = shown(check("x1**2*sin(x2)", order=2, points=100), width).splitlines()
    start = next(k for k, line in enumerate(lines) if "─" in line)
    rows = [line.split() for line in lines if line.startswith(("f ", "∂"))]
    assert words in lines[start - 1]
    assert all(row[-1] == "agrees" for row in rows)
    assert "…" not in "".join(lines)
    assert max(map(len, lines)) <= width


def drawn(report, width):
    """The lines of the first table: group labels or "", headings, rows."""
    lines = shown(report, width).splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("─"))
    end = next(k for k, line in enumerate(lines) if re.match("(All|The) .*partial", line))
    labels = lines[start - 2] if lines[start - 2].startswith(" ") else ""
    return labels, lines[start - 1], lines[start + 1 : end]


@pytest.mark.parametrize("width", [80, 100, 119])
def test_labels_are_in_the_middle_of_their_groups(width):
    labels, headings, _ = drawn(check("x1**2*sin(x2)", points=50), width)
    errors, times = headings.index("autograd"), headings.rindex("autograd")
    assert labels.split("  ")[-1].strip() == "time"
    assert labels.index("max error") - errors == headings.index("sympy") + 5 - (labels.index("max error") + 9)
    assert abs(2 * (labels.index("time") + 2) - (times + headings.index("ratio") + 5)) <= 1


@pytest.mark.parametrize("width", [120, 200])
def test_a_wide_heading_is_one_line_with_complete_names(width):
    labels, headings, _ = drawn(check("x1**2*sin(x2)", order=2, points=50), width)
    assert labels == ""
    assert re.split("  +", headings) == [
        "partial", "max error autograd", "max error sympy", "error / bound", "time autograd", "time sympy", "ratio",
        "verdict",
    ]  # fmt: skip


LONG = "velocity_component_1**2*temperature_2"


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("engines", ["reverse", ("reverse", "forward-over-reverse", "symbolic")])
def test_long_names_are_folded_and_no_figure_or_verdict_is_cut(width, engines):
    _, _, rows = drawn(check(LONG, partials=["velocity_component_1,temperature_2"], points=50, engines=engines), width)
    text = "\n".join(rows)
    assert max(map(len, rows)) <= width
    assert text.count("agrees") == (1 if engines == "reverse" else 3)
    folded = "".join(row.split("  ")[0] for row in rows if row[0] not in " ─")
    assert "∂²f/∂temperature_2∂velocity_component_1" in folded
    assert "…" not in text
    if engines == "reverse":
        assert re.search(r"\d(e-\d\d)? +[\d.]+ .*agrees$|0 +0.* agrees$", rows[0])


def test_on_narrow_lines_no_number_is_broken():
    report = check("x**2", function=lambda x: x**3, order=0, timing=False, domain=(0.3, 0.7))
    (row,) = report.checks[0].partials
    lines = shown(report, 40).splitlines()
    for number in (row.worst.point["x"].hex(), repr(row.worst.point["x"]), repr(row.worst.autograd)):
        assert any(number in line.split() for line in lines)
    facts = [line for line in lines if line.endswith(" ·")]
    assert max(map(len, facts)) <= 40
    assert "torch 2" in " ".join(lines)


def test_a_remark_is_a_line_below_the_table_and_no_verdict():
    text = table.render(check("sqrt(x**2 + y**2)", domain=(0, 1), timing=False))
    assert re.search(r"Remark on ∂f/∂x: at x = 2.23e-308, .* autograd gives inf, exact is 0.707", text)
    assert "All 3 partials agree" in text


def test_where_sympys_side_is_off_a_line_says_so():
    report = check("sqrt(x**2 + y**2)", function=torch.hypot, domain=(1e-220, 1e-200), timing=False, points=50)
    assert "sympy gives 0.0, exact is" in table.render(report)


def test_the_last_lines_say_what_was_judged_and_what_would_have_been_found():
    text = table.render(check("Abs(x)*log(x)", domain=(-1, 1), timing=False))
    points = re.search(r"([\d,]+) points: ([\d,]+) judged, (.*?) · seed 0 · float64 on cpu · torch", text)
    parts = [int(part.split()[0].replace(",", "")) for part in points[3].split(", ")]
    assert int(points[1].replace(",", "")) == int(points[2].replace(",", "")) + sum(parts)
    assert re.search(r"All 2 partials agree; a relative error of \de-1\d would have been found \(\de-\d\d at the", text)


def test_the_points_that_are_not_judged_are_ones_that_were_asked_for():
    text = table.render(check("x1*exp(x2)", timing=False, points=200))
    count = int(re.search(r"(\d+) points: ", text)[1])
    assert 200 <= count < 300
    assert "not refereed" not in text


def test_what_disagrees_shows_the_error_of_the_call_that_is_wrong():
    def batch(x):
        return x**2 if len(x) != 1 else x**2 + 0 * x + 1e-3 * (x - x.detach())

    row = check("x**2", function=batch, timing=False).checks[0].partials[1]
    assert (row.verdict, row.cause) == (Verdict.DISAGREES, Cause.PROTOCOL)
    assert row.excess > 1e6
    assert row.autograd.max_abs_error == pytest.approx(1e-3)


def test_an_error_that_is_nan_is_shown_as_one():
    text = table.render(check("sin(x)", function=lambda x: torch.where(x > 0.5, torch.nan, x.sin()), timing=False))
    assert re.search(r"^f +nan +\S+ +inf +disagrees", text, re.MULTILINE)


@pytest.mark.parametrize(("value", "text"), [(1.000001, "1.01"), (0.9999, "1"), (3.14, "3.1"), (float("nan"), "-")])
def test_an_error_above_its_bound_is_not_shown_as_one(value, text):
    assert excess(value) == text


def test_sympys_value_is_shown_with_the_digits_that_differ():
    text = table.render(check("log(1 + x)", function=torch.log1p, order=0, domain=(1e-9, 1e-8), timing=False))
    given, exact = re.search(r"sympy gives (\S+), exact is (\S+)", text).groups()
    assert given != exact
