"""[tool.derivcheck] of pyproject.toml runs where nothing else is asked for."""

import pytest
from typer.testing import CliRunner

from derivcheck.cli.command import app

SUITE = '[project]\nname = "p"\n[[tool.derivcheck.check]]\nname = "square"\nexpression = "x**2"\npoints = 20\n'


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return lambda *arguments: CliRunner().invoke(app, list(arguments), prog_name="derivcheck")


def test_the_suite_of_the_project_runs_without_a_formula(run, tmp_path):
    (tmp_path / "pyproject.toml").write_text(SUITE)
    made = run("--list")
    assert (made.exit_code, made.stdout.split()) == (0, ["square", "pyproject.toml:3"])
    assert made.stderr == "derivcheck: the checks of pyproject.toml\n"
    assert run("--list", "--quiet").stderr == ""
    assert run("--select", "other").exit_code == 2


def test_a_formula_or_another_suite_comes_first(run, tmp_path):
    (tmp_path / "pyproject.toml").write_text(SUITE)
    (tmp_path / "s.toml").write_text('[[check]]\nname = "other"\nexpression = "x"\n')
    assert "other" in run("--suite", "s.toml", "--list").stdout
    assert "--list goes with --suite" in run("x", "--list").stderr


@pytest.mark.parametrize("text", [None, '[project]\nname = "p"\n', "not TOML", "tool = 1", "a" + "[" * 10_000])
def test_a_project_without_a_suite_asks_for_a_formula(run, tmp_path, text):
    if text is not None:
        (tmp_path / "pyproject.toml").write_text(text)
    made = run()
    assert made.exit_code == 2
    assert "there is no expression" in made.stderr
