"""What is typed: formulas with a minus, options that do not exist, numbers, and errors of one style."""

import pytest
import typer
from typer.testing import CliRunner

from derivcheck.cli.command import app
from derivcheck.cli.request import Request


def run(*arguments):
    return CliRunner(env={"COLUMNS": "80"}).invoke(app, [*arguments])


def request(*arguments):
    """What the command line is read as."""
    return Request.of(typer.main.get_command(app).make_context("derivcheck", [*arguments]))


FORMULAS = [
    "-x1**2",
    "-sin(x)",
    "-(x1)",
    "-5*x1 + x2",
    "- x1",
    "-x1",
    "-x*y",
    "-n*2",
    "-n**2",
    "-q/2",
    "-.5*x",
    "-x-y",
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_may_begin_with_a_minus_before_and_after_options(formula):
    assert request(formula, "-n", "5").expression == formula
    assert request("-n5", "--strict", formula).expression == formula
    assert request("--", formula).expression == formula


@pytest.mark.parametrize("option", ["-z", "-x", "-xyz", "-order", "-no-corners", "-qz", "-z=3", "--ordre", "--x1"])
def test_an_option_that_does_not_exist_is_never_a_formula(option):
    result = run(option, "x")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"derivcheck: {option.partition('=')[0]}: there is no such option\n")


def test_an_unknown_option_is_answered_with_what_was_probably_meant():
    assert "Did you mean --order" in run("x", "--ordre", "2").stderr
    assert "Did you mean --order" in run("x", "-order", "2").stderr
    assert "A formula goes after --: derivcheck -- -z" in run("-z").stderr
    assert "derivcheck -- -z" not in run("--zzz").stderr


USAGE = {
    ("x", "--order"): "derivcheck: --order needs a value\n",
    ("x", "--strict=1"): "derivcheck: --strict takes no value\n",
    ("x", "-p2"): "derivcheck: there is more than one expression: -p2\n",
    ("x1", "+", "x2"): "derivcheck: there is more than one expression: + x2\n",
    ("x", "-n", "1.5"): "derivcheck: --points 1.5: not a whole number\nWrite it like --points 1e4.\n",
    ("x", "--jobs", "0"): "derivcheck: --jobs 0: the least is 1\n",
    ("x", "--timeout", "soon"): "derivcheck: --timeout soon: not a number\nWrite it like --timeout 60.\n",
    ("x", "--atol", "1e400"): "derivcheck: --atol 1e400: not a number\n",
    ("x\x1b[2J", "y\x1b[2J"): "derivcheck: there is more than one expression: y\\x1b[2J\n",
}


@pytest.mark.parametrize("arguments", USAGE, ids=" ".join)
def test_an_error_of_usage_looks_like_any_other(arguments):
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(USAGE[arguments])
    assert "╭" not in result.stderr
    assert len(result.stderr.splitlines()) == 2


def test_numbers_may_have_an_exponent():
    assert request("x", "-n", "1e3").points == 1000
    assert request("x", "-n1e3", "--seed", "2e1", "--jobs=4").points == 1000
    assert request("x", "--timeout", "1e1").timeout == 10.0
    assert request("x", "-n=50").points == 50
    assert request("x").points == 10_000
