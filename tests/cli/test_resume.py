"""--resume continues a run that was killed: with what is still true, and it says what that is."""

import re

import pytest
from typer.testing import CliRunner

from derivcheck.cli.command import app
from derivcheck.run.journal import STATE

SUITE = """
[defaults]
points = 50

[[check]]
name = "formula"
expression = "x**2"

[[check]]
name = "function"
expression = "x**2"
function = "f.py:square"
"""
RECALLED = r"derivcheck: --resume: (\d) of 2 checks are recalled from the run of 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\n"


@pytest.fixture
def killed(tmp_path, monkeypatch):
    """A folder with a suite and the journal of a run that was killed at its very end."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.toml").write_text(SUITE)
    (tmp_path / "f.py").write_text("from g import square\n")
    (tmp_path / "g.py").write_text("def square(x):\n    return x * x\n")
    monkeypatch.delitem(__import__("sys").modules, "g", raising=False)
    assert run().exit_code == 0
    *lines, finished = STATE.read_text().splitlines(keepends=True)
    assert finished == '{"finished": true}\n'
    STATE.write_text("".join(lines))
    return tmp_path


def run(*options):
    return CliRunner().invoke(app, ["--suite", "s.toml", *options])


def recalled(result):
    return int(re.search(RECALLED, result.stderr)[1])


def test_what_is_unchanged_is_recalled_once(killed):
    result = run("--resume")
    assert (result.exit_code, recalled(result)) == (0, 2)
    assert "2 checks: 2 passed." in result.stdout
    again = run("--resume")
    assert again.exit_code == 0
    assert re.search(r"--resume: the run of \S+ \S+ finished; all checks are run\n", again.stderr)


def test_a_function_that_was_changed_by_way_of_its_imports_is_checked_again(killed, monkeypatch):
    (killed / "g.py").write_text("def square(x):\n    return x * x * x\n")
    monkeypatch.delitem(__import__("sys").modules, "g", raising=False)
    result = run("--resume")
    assert (result.exit_code, recalled(result)) == (1, 1)
    assert "2 checks: 1 passed, 1 failed." in result.stdout


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        ('function = "f.py:square"', 'function = "f.py:square"\nxfail = "it is right"', 1),
        ('function = "f.py:square"', 'function = "f.py:square"\nskip = "slow"', 0),
        ('name = "formula"', 'name = "formula"\nstrict = true', 0),
    ],
    ids=["xfail", "skip", "strict"],
)
def test_what_the_suite_says_differently_is_run_again(killed, old, new, status):
    (killed / "s.toml").write_text(SUITE.replace(old, new))
    result = run("--resume")
    assert (result.exit_code, recalled(result)) == (status, 1)


def test_options_count_and_quiet_says_nothing(killed):
    assert run("--resume", "--quiet", "--seed", "3").stderr == ""
    STATE.write_text(STATE.read_text().replace('{"finished": true}\n', ""))
    assert recalled(run("--resume")) == 0


def test_without_a_run_before_all_checks_are_run_and_that_is_said(killed):
    STATE.unlink()
    for option in ("--resume", "--last-failed"):
        STATE.unlink(missing_ok=True)
        result = run(option)
        assert result.exit_code == 0
        assert f"derivcheck: {option}: there is no earlier run in {STATE}; all checks are run\n" in result.stderr


def test_a_recalled_failure_is_shown_and_last_failed_knows_it(killed):
    (killed / "g.py").write_text("def square(x):\n    return x * x * x\n")
    __import__("sys").modules.pop("g", None)
    run("--fail-fast")
    STATE.write_text(STATE.read_text().replace('{"finished": true}\n', ""))
    result = run("--resume")
    assert (result.exit_code, recalled(result)) == (1, 2)
    assert "failed function: f disagrees" in result.stderr
    assert "1 check: 1 failed." in run("--last-failed").stdout
