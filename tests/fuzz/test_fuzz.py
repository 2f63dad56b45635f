"""Whatever the input, a run ends with an exit status that means something; and the fuzzing would notice if not."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.__main__ import KINDS, made
from tests.fuzz.running import MOST_SECONDS, Outcome

ROOT = Path(__file__).parent.parent.parent


def fuzzed(*options):
    """A process of its own, because one that has computed with torch must not fork."""
    command = [sys.executable, "-m", "tests.fuzz", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


def test_random_formulas_command_lines_and_journals_end_as_they_should():
    done = fuzzed("--seed", "12", "--most", "30", *(word for kind in KINDS for word in ("--kind", kind)))
    assert done.returncode == 0, done.stdout
    assert all(f"30 {kind}, 0 wrong" in done.stdout for kind in KINDS), done.stdout + done.stderr


@pytest.mark.parametrize(
    ("outcome", "fault"),
    [
        (Outcome(4, 0.1, "derivcheck: a bug"), "exit status 4"),
        (Outcome(-11, 0.1, ""), "exit status -11"),
        (Outcome(2, 0.1, "Traceback (most recent call last):"), "a traceback"),
        (Outcome(0, 0.1, "\x1b[31mred"), "control character '\\x1b'"),
        (Outcome(2, 0.1, "a\u202eb"), "control character '\\u202e'"),
        (Outcome(0, MOST_SECONDS + 0.1, ""), "took 5.1 s"),
        (Outcome(None, 60.0, ""), "took 60.0 s"),
    ],
)
def test_what_no_run_may_do_is_noticed(outcome, fault):
    assert fault in outcome.faults()


@pytest.mark.parametrize("status", [0, 1, 2, 3])
def test_a_status_that_means_something_is_no_fault(status):
    assert Outcome(status, 0.1, "∂f/∂x agrees\n").faults() == []
    assert Outcome(status, 0.1, "").faults(5) == [f"exit status {status} instead of 5"]


@pytest.mark.parametrize("kind", KINDS)
def test_seed_and_index_name_a_case_and_other_indices_other_cases(kind):
    first, again, *others = (made(kind, 3, index) for index in (7, 7, 8, 9, 10))
    assert str(first) == str(again)
    assert len({str(first), *map(str, others)}) == 4
