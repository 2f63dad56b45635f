"""A job that fails before a check has run says why in every report that it writes."""

import json
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from derivcheck import api
from derivcheck.cli import command

SCHEMA = json.loads((Path(__file__).parents[1] / "report.schema.json").read_text())
REFUSED = {
    "sin(x": (2, "this ( is never closed"),
    "x --function nowhere.py:f": (2, "nowhere.py"),
    "--suite a.toml": (2, "a.toml: there is no such file"),
    "x --shard 1/2": (2, "--shard goes with --suite"),
    "x --show nothing": (2, "--show nothing: unknown"),
    "x --no-such-option": (2, "--no-such-option"),
    "x --points few": (2, "--points"),
    "x --dtype float8": (2, "float8"),
}


def run(monkeypatch, *arguments):
    """The exit status of the command."""
    monkeypatch.setattr(sys, "argv", ["derivcheck", *arguments])
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    with pytest.raises(SystemExit) as ended:
        command.main()
    return ended.value.code


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    return tmp_path


def reports(*formats):
    return [f"--report={name}={name}.out" for name in formats]


@pytest.mark.parametrize("request_", REFUSED)
def test_a_refused_request_is_an_error_in_every_report(request_, folder, monkeypatch, capsys):
    status, said = REFUSED[request_]
    files = reports("junit", "json", "markdown", "table")
    assert run(monkeypatch, *request_.split(), *files, "--report=github") == status
    (case,) = ET.parse(folder / "junit.out").getroot().iter("testcase")
    assert (case[0].tag, case[0].get("type")) == ("error", "refused")
    assert said in case[0].text
    made = json.loads((folder / "json.out").read_text())
    jsonschema.validate(made, SCHEMA)
    assert (made["exit_status"], made["checks"], made["verdict"]) == (status, [], "undecided")
    assert said in made["error"]
    assert (folder / "markdown.out").read_text().startswith("# derivcheck: ")
    assert said in (folder / "table.out").read_text()
    printed = [line for line in capsys.readouterr().out.splitlines() if line]
    assert printed[-1].startswith("::error title=derivcheck::")
    assert said in printed[-1].replace("%25", "%")
    assert (folder / "summary.md").exists()


def test_a_bug_is_an_error_in_every_report_too(folder, monkeypatch, capsys):
    def broken(*_, **__):
        raise ZeroDivisionError("here")

    monkeypatch.setattr(api, "check", broken)
    assert run(monkeypatch, "x", *reports("junit"), "--report", "github") == 4
    said = "a bug in derivcheck: ZeroDivisionError: here"
    assert said in ET.parse(folder / "junit.out").getroot()[0][0][0].get("message")
    assert said in capsys.readouterr().out.replace("%3A", ":")


def test_a_mistake_in_the_reports_touches_no_file(folder, monkeypatch, capsys):
    (folder / "a.toml").write_text("not a suite")
    for wrong in (["json=a.toml", "--suite", "a.toml"], ["json=junit.out"], ["json=missing/r.json"], ["pdf=r.pdf"]):
        assert run(monkeypatch, *reports("junit"), "--report=github", "--report", *wrong) == 2
        assert "::error title=derivcheck::" in capsys.readouterr().out
    assert (folder / "a.toml").read_text() == "not a suite"
    assert sorted(path.name for path in folder.iterdir()) == ["a.toml", "summary.md"]


def test_without_a_report_or_with_quiet_nothing_is_printed(folder, monkeypatch, capsys):
    assert run(monkeypatch, "sin(x") == 2
    assert run(monkeypatch, "sin(x", "--quiet", "--report", "github") == 2
    assert capsys.readouterr().out == ""
