"""A function that ends its process or never returns: the reports are written, and the check does not pass."""

import contextlib
import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from derivcheck.cli import apart
from derivcheck.cli.command import app

SOURCE = """
import os, sys, time, torch

def leaves(x):
    os._exit(0)

def exits(x):
    sys.exit(0)

def sleeps(x):
    time.sleep(600)

def loops(x):
    while True:
        pass

def prints(x):
    print("from the function")
    return x * x

class Mute(BaseException):
    def __str__(self):
        raise ValueError

def mute(x):
    raise Mute

def interrupts(x):
    raise KeyboardInterrupt

def closes(x):
    os.closerange(3, 1000)
    return x * x

class Late(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * x

    @staticmethod
    def backward(ctx, g):
        sys.exit(0)
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "f.py").write_text(SOURCE)
    (tmp_path / "train.py").write_text("def f(x):\n    return x * x\nraise SystemExit(0)\n")
    return tmp_path


def arguments(function):
    return ["x**2", "--function", function, "-n", "50", "--no-timing"]


def derivcheck(folder, function, *options):
    """The command in this process: the function runs in a worker anyway."""
    with contextlib.chdir(folder):
        return CliRunner().invoke(app, [*arguments(function), *options])


def process(folder, function, *options):
    """The command in a process of its own."""
    command = [sys.executable, "-m", "derivcheck", *arguments(function), *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)


def test_a_function_that_ends_its_process_is_not_passed_and_the_reports_are_written(folder):
    done = process(folder, "f.py:leaves", "--report", "junit=r.xml", "--report", "json")
    assert done.returncode == 3, done.stderr
    rows = json.loads(done.stdout)["checks"][0]["partials"]
    assert [row["verdict"] for row in rows] == ["undecided"] * 2
    assert {row["message"] for row in rows} == {"its worker process ended with status 0"}
    assert (folder / "r.xml").read_text().count("<error") == 2


@pytest.mark.parametrize("name", ["sleeps", "loops"])
def test_a_function_that_never_returns_is_ended_by_the_timeout(folder, name):
    done = derivcheck(folder, f"f.py:{name}", "--timeout", "1")
    assert done.exit_code == 3, done.stderr
    assert "it took longer than --timeout and was stopped" in " ".join(done.stdout.split())
    assert "All 2 partials are undecided" in done.stdout


@pytest.mark.parametrize("function", ["train.py:f", "f.py:exits", "f.py:Late"])
def test_sys_exit_is_a_failure_of_the_function_and_never_status_0(folder, function):
    done = derivcheck(folder, function)
    assert done.exit_code == 2
    assert function in done.stderr
    assert "SystemExit: 0" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("name", "status", "said"),
    [
        ("mute", 2, "f.Mute: <exception str() failed>"),
        ("interrupts", 2, "a function raises KeyboardInterrupt"),
        ("closes", 3, "its worker process "),  # which ends by itself, sooner or later
    ],
)
def test_whatever_a_function_does_is_no_bug_of_derivcheck(folder, name, status, said):
    done = derivcheck(folder, f"f.py:{name}")
    assert done.exit_code == status, done.stderr
    assert said in " ".join((done.stdout + done.stderr).split())
    assert "Traceback" not in done.stderr


def test_what_a_function_prints_comes_out(folder):
    done = process(folder, "f.py:prints")
    assert done.returncode == 0
    assert "from the function" in done.stdout
    assert "All 2 partials agree" in done.stdout


@pytest.mark.parametrize(("text", "order"), [("tanh(x)", 30), ("+".join(f"x{k}" for k in range(1700)), 1)])
def test_what_cannot_be_finished_ends_by_itself_in_little_memory(text, order):
    """With a limit of 5 s, order 30 took 26 s and 7 GB, 1,700 variables gigabytes."""
    program = f"""
import resource, sys, derivcheck
report = derivcheck.check(sys.argv[1], order={order}, timeout=1, timing=False)
print(report.verdict, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    command = [sys.executable, "-c", program, text]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    verdict, kilobytes = done.stdout.split()
    assert verdict == "undecided"
    assert int(kilobytes) < 2**20


def test_the_start_of_the_command_counts_up_to_a_quarter_of_the_time(monkeypatch):
    monkeypatch.setattr(apart.time, "monotonic", lambda: 103.0)
    assert apart.left(20.0, 100.0, 1) == 17.0
    assert apart.left(20.0, 100.0, 3) == 19.0
    assert apart.left(8.0, 100.0, 1) == 6.0
    assert apart.limit("x", started=100.0, timeout=20.0, dtype=["float64"], device=["cpu"]) == 27.0
    assert apart.limit("x", started=100.0, timeout=None, dtype=["float64"], device=["cpu"]) is None
