"""What depends on the terminal: its width, and the list of functions."""

import os
import subprocess
import sys

from typer.testing import CliRunner

from derivcheck.cli.command import app

REQUEST = ["x1**2*sin(x2)", "-n", "50", "--no-timing"]


def lines(columns, *arguments):
    return CliRunner(env={"COLUMNS": columns}).invoke(app, [*REQUEST, *arguments]).stdout.splitlines()


def test_columns_decides_the_width_unless_it_is_no_number_of_columns():
    unlimited = lines(None)
    assert max(map(len, unlimited)) > 80
    assert max(map(len, lines("60"))) <= 60
    for nothing in ("0", "00", "", "-5", "wide"):
        assert lines(nothing) == unlimited


def test_help_is_there_with_no_columns():
    run = subprocess.run(
        [sys.executable, "-c", "from derivcheck.cli import main; main()", "--help"],
        env={**os.environ, "COLUMNS": "0"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )
    assert "--list-functions" in run.stdout


def test_functions_are_listed_with_their_arguments_and_a_meaning():
    shown = CliRunner().invoke(app, ["--list-functions"]).stdout.splitlines()
    assert "log(x[, b])         natural logarithm, or to base b" in shown
    assert "besselj(n, x)       Bessel function of the first kind of whole order n" in shown
    assert "pi                  3.14159..." in shown
