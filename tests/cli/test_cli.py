"""The command as a person and as a CI job meets it."""

import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

import derivcheck.api
from derivcheck.cli.command import app

FAST = ["--no-timing", "-n", "200"]


def run(*arguments, text=None):
    return CliRunner(env={"COLUMNS": "80"}).invoke(app, [*arguments], input=text)


def process(*arguments, **options):
    command = [sys.executable, "-m", "derivcheck", *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120, **options)


def test_the_command_of_the_readme_agrees_in_six_rows():
    result = run("x1**2*sin(x2)", "--order", "2", "--wrt", "x1,x2")
    assert result.exit_code == 0
    assert len(re.findall(r"agrees", result.stdout)) == 6
    assert "All 6 partials agree; a relative error of" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_order_six_has_28_rows_that_agree():
    result = run("exp(sin(x1*x2))", "--order", "6", "--engine", "jet", *FAST)
    assert result.exit_code == 0
    assert "All 28 partials agree" in result.stdout


def test_a_partial_of_order_six_agrees_by_repeated_backward_passes():
    result = run("exp(sin(x1*x2))", "--partial", "x1,x1,x1,x2,x2,x2", *FAST)
    assert result.exit_code == 0
    assert "The partial agrees" in result.stdout


def test_one_partial_is_one_row():
    result = run("exp(sin(x1*x2))", "--partial", "x1,x1,x2", *FAST)
    assert "∂³f/∂x1²∂x2" in result.stdout
    assert "The partial agrees; a relative error of" in result.stdout


@pytest.mark.parametrize("expression", ["-x1**2", "-(x1)", "-5*x1 + x2", "- x1"])
def test_an_expression_may_begin_with_a_minus(expression):
    assert run(expression, "--order", "1", *FAST).exit_code == 0
    assert run(*FAST, expression).exit_code == 0


def test_an_option_value_may_begin_with_a_minus():
    assert run("x1", "--domain", "-2:-1", *FAST).exit_code == 0


def test_a_dash_reads_the_expression_from_stdin():
    assert run("-", *FAST, text="x1**2\n").exit_code == 0


STATUSES = {
    1: ["x**2", "--function", "torch:sin"],
    2: ["x@2"],
    3: ["log(x)", "--domain", "-2:-1"],
}


@pytest.mark.parametrize("status", STATUSES)
def test_the_exit_status_says_how_it_ended(status):
    assert run(*STATUSES[status], *FAST).exit_code == status


MISTAKES = {  # the command line's own, and one each of those that come from the expression, the run and the function
    "no expression": ([], "there is no expression\nGive one"),
    "no dtype": (["x", "--dtype", ""], "--dtype: nothing is named"),
    "no engine": (["x", "--engine", ","], "--engine: nothing is named"),
    "report format": (["x", "--report", "yaml"], "Choose from table, json"),
    "report file": (["x", "--report", "json=/no/such/folder/x.json"], "cannot be written"),
    "show": (["x", "--show", "some"], "Choose from all, failures."),
    "syntax": (["sin(x1"], "this ( is never closed\n  sin(x1\n     ^\nAdd a )."),
    "engine": (["x", "--engine", "backward"], "Choose from reverse, symbolic, forward,"),
    "function": (["x", "--function", "torch:sinn"], "Did you mean sin"),
    "reference": (
        ["--function", "torch:sin", "--reference", "torch:sinn"],
        "--reference torch:sinn: torch has no sinn",
    ),
    "reference alone": (["--reference", "torch:sin"], "--reference goes with --function\nGive one"),
    "two truths": (["x", "--function", "torch:sin", "--reference", "torch:sin"], "exclude each other: each says"),
    "no names": (["--function", "torch:sin"], "--vars is missing: without an expression, nothing else names"),
    "parameter": (["--function", "torch:sin", "--vars", "x", "--param", "x=1"], "--param x: it is a variable too"),
    "shape": (["--function", "torch:sin", "--vars", "x", "--shape", "y=2"], "--shape y=...: there is no argument y"),
    "no variable": (["--function", "torch:sin", "--vars", "x", "--wrt", "z"], "the function has no such variable"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_wrong_request_is_one_message_with_the_cure_and_status_2(mistake):
    arguments, message = MISTAKES[mistake]
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) < 20


def test_a_failure_comes_first_and_can_be_replayed():
    result = run("x**3", "--function", "torch:sin", "--order", "1", *FAST)
    rows = [line for line in result.stdout.splitlines() if line.endswith(("disagrees", "agrees"))]
    assert "disagrees" in rows[0]
    assert "first wrong at order 0" in result.stdout
    assert re.search(r"at x +\S+ +0x1\.", result.stdout)
    replay = re.search(r"Reproduce: derivcheck (.*)", result.stdout.replace("\n", " ")).group(1)
    assert "--function torch:sin" in replay


def test_a_replay_line_shows_the_failure_again():
    report = json.loads(run("x**3", "--function", "torch:sin", "--report", "json", *FAST).stdout)
    row = report["checks"][0]["partials"][0]
    again = run(*shlex.split(row["reproduce"])[1:], "--no-timing", "--report", "json")
    assert again.exit_code == 1
    (replayed,) = json.loads(again.stdout)["checks"][0]["partials"]
    same = ("point", "autograd", "sympy", "exact")
    assert [replayed["worst"][key] for key in same] == [row["worst"][key] for key in same]


def test_failures_only_shows_no_row_that_agrees():
    result = run("x", "--show", "failures", *FAST)
    assert "∂f/∂x" not in result.stdout
    assert "All 2 partials agree" in result.stdout


def test_quiet_prints_nothing():
    result = run("x**2", "--quiet", *FAST)
    assert (result.stdout, result.stderr, result.exit_code) == ("", "", 0)


def test_reports_go_to_files_and_to_stdout(tmp_path):
    target = tmp_path / "out.json"
    result = run("x", "--report", f"json={target}", "--report", "table", *FAST)
    assert json.loads(target.read_text())["verdict"] == "agrees"
    assert "All 2 partials agree" in result.stdout
    assert os.listdir(tmp_path) == ["out.json"]


def test_a_report_file_says_why_the_work_failed(tmp_path):
    target = tmp_path / "out.json"
    target.write_text("old")
    assert run("x@2", "--report", f"json={target}").exit_code == 2
    assert "cannot be part of an expression" in json.loads(target.read_text())["error"]
    assert os.listdir(tmp_path) == ["out.json"]


def test_formulas_are_printed_on_request():
    assert "∂f/∂x2 = x1**2*cos(x2)" in run("x1**2*sin(x2)", "--formulas", *FAST).stdout


def test_several_dtypes_have_a_table_each():
    result = run("x", "--dtype", "float64,bfloat16", *FAST)
    assert result.stdout.count("All 2 partials agree") == 2


def test_lists_are_shown():
    assert run("--list-engines").stdout.split() == [
        "reverse", "symbolic", "forward", "forward-over-reverse", "jet", "compiled",
    ]  # fmt: skip
    assert "besselj" in run("--list-functions").stdout


@pytest.mark.parametrize("flag", ["--help", "-h", "--version", "-V"])
def test_help_and_version_do_not_import_torch(flag):
    code = f"""
import sys
from derivcheck.cli.command import main
sys.argv = ["derivcheck", "{flag}"]
try:
    main()
finally:
    print("torch" in sys.modules, "sympy" in sys.modules, "multiprocessing" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "False False False"


def test_output_in_a_pipe_is_not_wrapped_and_has_no_colour():
    environment = {k: v for k, v in os.environ.items() if k != "COLUMNS"}
    done = process("x**2", "--function", "torch:sin", *FAST, env=environment)
    assert "\x1b" not in done.stdout
    assert any(len(line) > 100 and "Reproduce:" in line for line in done.stdout.splitlines())
    assert done.stderr == ""


ENDLESS = """
import pathlib, time
def f(x):
    pathlib.Path("running").touch()
    time.sleep(300)
"""


def test_ctrl_c_ends_with_130_and_one_line(tmp_path):
    (tmp_path / "endless.py").write_text(ENDLESS)
    command = [sys.executable, "-m", "derivcheck", "x", "--function", "endless.py:f"]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, **options) as started:
        wait_until((tmp_path / "running").exists, started)
        started.send_signal(signal.SIGINT)
        out, err = started.communicate(timeout=60)
    assert started.returncode == 130
    assert (out, err) == ("", "derivcheck: interrupted\n")


def wait_until(is_so, process, seconds=100):
    """Wait for a state that the process brings about; fail if it ends or takes too long."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_who_asks_for_a_file_alone_sees_the_table_as_well(tmp_path):
    done = run("x**2", "--no-timing", "--report", f"json={tmp_path / 'out.json'}")
    assert "All 2 partials agree" in done.stdout
    assert (tmp_path / "out.json").exists()
    assert run("x**2", "--report", f"json={tmp_path / 'out.json'}", "--quiet").stdout == ""


def test_a_list_may_be_written_with_commas_or_by_giving_its_option_again():
    twice = run(
        "x*y", "--wrt", "x", "--wrt", "y", "--dtype", "float64", "--dtype", "float32", "--no-timing", "-n", "50"
    )
    commas = run("x*y", "--wrt", "x,y", "--dtype", "float64,float32", "--no-timing", "-n", "50")
    assert twice.stdout == commas.stdout
    assert "float32 on" in twice.stdout


def test_progress_is_shown_on_a_terminal_and_only_there():
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "derivcheck", "x", *FAST]
    with subprocess.Popen(
        command, stderr=follower, stdout=subprocess.PIPE, env={**os.environ, "TERM": "xterm"}
    ) as done:
        os.close(follower)
        shown = b""
        while True:
            try:
                part = os.read(leader, 1024)
            except OSError:
                break
            if not part:
                break
            shown += part
        done.communicate()
    os.close(leader)
    assert b"checking" in shown


def test_a_bug_in_derivcheck_is_one_line_and_status_4(monkeypatch):
    monkeypatch.setattr(derivcheck.api, "check", lambda *a, **k: 1 / 0)
    result = run("x")
    assert result.exit_code == 4
    assert result.stderr.startswith("derivcheck: a bug in derivcheck: ZeroDivisionError")
    assert result.stderr.count("\n") == 1


def test_debug_shows_the_traceback_of_a_bug_and_changes_no_status(monkeypatch):
    monkeypatch.setattr(derivcheck.api, "check", lambda *a, **k: 1 / 0)
    result = run("x", "--debug")
    assert result.exit_code == 4
    assert result.stderr.startswith("Traceback (most recent call last):")
    assert result.stderr.endswith("derivcheck: a bug in derivcheck: ZeroDivisionError: division by zero\n")


def test_it_runs_as_a_module_from_any_folder(tmp_path):
    assert process("--version", cwd=tmp_path).stdout.startswith("derivcheck ")
