import io
import re

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
    for words in ("|autograd", "- sympy|", "lost bits", "time", "ratio", "verdict"):
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
