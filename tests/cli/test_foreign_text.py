"""Text from elsewhere acts on no terminal and on no CI system, wherever it is shown."""

import io
import re
from dataclasses import replace

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from derivcheck.cli.command import app
from derivcheck.reports import FORMATS, renderer
from derivcheck.reports.table import show_on
from tests.made_reports import CHECK, FAILED, report

# escape sequences of seven and eight bits, bell, carriage return, backspace; direction, zero width; line separators
ACTIVE = "\x1b]0;t\x07\x9b2J\rx\by\x7f\u202eab\u2066c\u200bd\u200fe\ufefff\xadg\u2028h\u2029i\x85j\U000e0041"
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0041]")
NO_TEXT = ("--cluster", "--install-completion", "--show-completion")  # a scheduler is asked for; no value is taken
OPTIONS = [
    param.opts[-1]
    for param in typer.main.get_command(app).params
    if param.opts[0].startswith("-") and not getattr(param, "is_flag", False) and param.opts[-1] not in NO_TEXT
]
OF_SUITES = ("--shard", "--select", "--tag", "--jobs")


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("form", ["{}", "x={}", "{}:f", "f.py:{}", "{}.toml"])
def test_no_option_echoes_what_acts_on_a_terminal(tmp_path, monkeypatch, option, form):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.toml").write_text('[[check]]\nexpression = "x"\n')
    (tmp_path / "f.py").write_text("def f(x): return x\n")
    subject = ["--suite", "s.toml"] if option in OF_SUITES else [] if option == "--suite" else ["x"]
    result = CliRunner().invoke(app, [*subject, option, form.format(ACTIVE)])
    assert result.exit_code == 2
    assert not RAW.search(result.output)


def test_every_option_with_a_value_is_tried():
    assert {"--order", "--points", "--wrt", "--report", "--rtol", "--jobs", "--suite", "--seed"} <= {*OPTIONS}


def test_no_unknown_option_echoes_what_acts_on_a_terminal():
    for words in ([f"--{ACTIVE}"], [f"-{ACTIVE}"], ["x", ACTIVE]):
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 2
        assert not RAW.search(result.output)


def test_no_expression_echoes_what_acts_on_a_terminal():
    result = CliRunner().invoke(app, [f"x + {ACTIVE}"])
    assert result.exit_code == 2
    assert not RAW.search(result.output)


def test_no_message_of_a_function_acts_on_a_terminal(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f.py").write_text(f"def f(x):\n    raise ValueError({ACTIVE!r})\n")
    result = CliRunner().invoke(app, ["x", "--function", "f.py:f"])
    assert result.exit_code == 2
    assert "ValueError: \\x1b]0;t\\x07" in result.output
    assert not RAW.search(result.output)


def nasty(check):
    """The check with active characters in every text of it and of its rows."""
    texts = {"name": ACTIVE, "expression": ACTIVE, "function": ACTIVE, "source": ACTIVE, "known": ACTIVE}
    rows = tuple(
        replace(row, message=ACTIVE, label=ACTIVE, reproduce=ACTIVE, remarks=(ACTIVE,)) for row in check.partials
    )
    return replace(check, partials=rows, domain={ACTIVE: (0.0, 1.0)}, **texts)


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"json"}))
def test_no_report_holds_what_acts_on_a_terminal(name):
    assert not RAW.search(renderer(name)(report(nasty(FAILED), nasty(CHECK))))


def test_a_table_on_a_terminal_has_colours_and_nothing_else_that_acts_on_it():
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="standard")
    show_on(console, report(nasty(FAILED), nasty(CHECK)))
    shown = console.file.getvalue()
    assert "\x1b[" in shown
    assert not RAW.search(re.sub("\x1b\\[[0-9;]*m", "", shown))
    assert "\\u202eab\\u2066c\\u200bd" in shown
