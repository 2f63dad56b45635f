import io
import re

import pytest
import torch
from rich.console import Console

from derivcheck import check
from derivcheck.reports import table


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
    for words in ("max error", "autograd", "sympy", "/bound", "time", "ratio", "verdict"):
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


@pytest.mark.parametrize(("width", "words"), [(40, "/bound"), (60, "sympy"), (80, "ratio"), (200, "ratio")])
def test_a_narrow_terminal_drops_times_then_sympys_error_and_cuts_no_number(width, words):
    lines = shown(check("x1**2*sin(x2)", order=2, points=100), width).splitlines()
    start = next(k for k, line in enumerate(lines) if "─" in line)
    rows = [line.split() for line in lines if line.startswith(("f ", "∂"))]
    assert words in lines[start - 1]
    assert all(row[-1] == "agrees" for row in rows)
    assert "…" not in "".join(lines)
    assert max(map(len, lines)) <= width


def test_a_remark_is_a_line_below_the_table_and_no_verdict():
    text = table.render(check("sqrt(x**2 + y**2)", domain=(0, 1), timing=False))
    assert re.search(r"Remark on ∂f/∂x: at x = 2.23e-308, .* autograd gives inf, exact is 0.707", text)
    assert "All 3 partials agree" in text


def test_where_sympys_side_is_off_a_line_says_so():
    report = check("sqrt(x**2 + y**2)", function=torch.hypot, domain=(1e-220, 1e-200), timing=False, points=50)
    assert "sympy gives 0, exact is" in table.render(report)


def test_the_last_lines_say_what_was_judged_and_what_would_have_been_found():
    text = table.render(check("Abs(x)*log(x)", domain=(-1, 1), timing=False))
    points = re.search(r"([\d,]+) points: ([\d,]+) judged, (.*?) · seed 0 · float64 on cpu · torch", text)
    parts = [int(part.split()[0].replace(",", "")) for part in points[3].split(", ")]
    assert int(points[1].replace(",", "")) == int(points[2].replace(",", "")) + sum(parts)
    assert re.search(r"All 2 partials agree; a relative error of \de-1\d would have been found \(\de-\d\d at the", text)
