"""Whatever can be said without torch is said before it is imported."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from derivcheck.cli.command import app

# Mistakes that the text of the expression or of an option shows, then those that need sympy as well.
BY_TEXT = [
    ["x@2"],
    ["sin(x"],
    ["2x"],
    ["y = x**2"],
    ["x", "--order", "one"],
    ["x", "--show", "some"],
    ["x", "--report", "yaml"],
    ["x", "--jobs", "2"],
]
BY_SYMPY = [
    ["sinn(x)"],
    ["x/0"],
    ["x", "--order", "-1"],
    ["x", "--wrt", "y"],
    ["x", "--vars", "y"],
    ["x", "--partial", "xz"],
    ["x", "--param", "a=1"],
    ["x", "--domain", "1:0"],
    ["x", "--dtype", "bf16"],
    ["x", "--dtype", ","],
    ["x", "--device", "gpu"],
    ["x", "--engine", "revers"],
    ["x", "--layout", "rows"],
    ["x", "--sampler", "grid"],
    ["x", "--rtol", "1e-6"],
    ["x", "-n", "0"],
    ["x", "--function", "no_such_file.py:f"],
    ["x", "--function", "no_such_module:f"],
    ["x", "--function", "f"],
    ["x", "--function", "m:f", "--reference", "torch:sin"],
    ["--function", "no_such_file.py:f"],
    ["--function", "torch:sin", "--reference", "no_such_module:f"],
    ["--function", "torch:sin", "--reference", "f"],
    ["--function", "torch:sin", "--order", "-1"],
    ["--function", "torch:sin", "--domain", "x=1:0"],
    ["--function", "torch:sin", "--partial", "x,,"],
    ["--function", "torch:sin", "--param", "a=b"],
    ["--function", "torch:sin", "--shape", "x=0"],
    ["x", "--shape", "2"],
    ["--reference", "torch:sin"],
    ["--suite", "no_such_suite.toml"],
    ["--suite", "wrong.toml"],
    ["--suite", "right.toml", "--select", "nothing"],
    ["--suite", "right.toml", "--engine", "revers"],
]
CODE = """
import json, sys
from typer.testing import CliRunner
from derivcheck.cli.command import app
for arguments in json.load(sys.stdin):
    result = CliRunner().invoke(app, arguments)
    print(json.dumps([result.exit_code, result.stderr, "sympy" in sys.modules, "torch" in sys.modules]))
"""


def test_a_typo_is_answered_before_torch_is_imported(tmp_path):
    (tmp_path / "wrong.toml").write_text('ordr = 2\n[[check]]\nexpression = "x"')
    (tmp_path / "right.toml").write_text('[[check]]\nexpression = "x"')
    requests = [*BY_TEXT, *BY_SYMPY]
    command = [sys.executable, "-c", CODE]
    done = subprocess.run(command, input=json.dumps(requests), capture_output=True, text=True, cwd=tmp_path, timeout=60)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    for arguments, (status, message, sympy, torch) in zip(requests, answers, strict=True):
        assert (status, torch) == (2, False), (arguments, message)
        assert sympy <= (arguments in BY_SYMPY), arguments
        assert message.startswith("derivcheck: "), arguments


def run(*arguments):
    return CliRunner(env={"COLUMNS": "80"}).invoke(app, [*arguments, "--no-timing", "-n", "50", "--no-corners"])


def test_how_an_expression_is_read_is_said_once_on_stderr_and_is_the_title():
    result = run("√π·x₁²", "--partial", "x₁x₁")
    assert result.stderr == "derivcheck: read as sqrt(pi)*x1**2\n"
    assert result.stdout.startswith("sqrt(pi)*x1**2   x1 in [0, 1]\n")
    assert run("√π·x₁²", "--quiet").stderr == ""
    assert run(" x1**2 ").stderr == ""


EULER = {
    ("e**x",): True,
    ("e**2",): False,
    ("e**x", "--param", "e=2"): False,
    ("e**x", "--vars", "e,x"): False,
    ("E**x",): False,
}


@pytest.mark.parametrize("arguments", EULER, ids=" ".join)
def test_e_beside_another_variable_is_noted(arguments):
    noted = "derivcheck: e is a variable here; Euler's number is E, and e**x is exp(x)\n"
    assert run(*arguments).stderr == (noted if EULER[arguments] else "")


def test_ends_and_parameters_may_be_constants():
    result = run("sin(w*x)*y", "--domain", "x=-pi:pi", "--domain", "y=2", "--param", "w=pi/2")
    assert result.stderr == ""
    assert result.stdout.startswith("sin(w*x)*y   x in [-3.14159, 3.14159], y in [2, 2]\n")
