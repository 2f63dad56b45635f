"""Suites from the command line: jobs, kills, resuming, what comes out and with which status."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from derivcheck.cli.command import app

HONEST = '[[check]]\nexpression = "x**{k}*sin(x)"\nname = "c{k}"\n'
KILLER = """
import os, signal, time, torch
def kill(x):
    os.kill(os.getpid(), signal.SIGKILL)
def leave(x):
    os._exit(0)
def exit(x):
    raise SystemExit(0)
def sleep(x):
    time.sleep(600)
def slow(x):
    time.sleep(0.01)  # at each of some fifty calls
    return x * 2
def cube(x):
    return x**3
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "f.py").write_text(KILLER)
    return tmp_path


def suite(folder, *entries, defaults="points = 50\norder = 1\n"):
    (folder / "s.toml").write_text(f"[defaults]\n{defaults}\n" + "\n".join(entries))
    return folder


def command(*arguments):
    return [sys.executable, "-m", "derivcheck", "--suite", "s.toml", *arguments]


def run(folder, *arguments):
    """The command in this process, whose workers are those of all tests here: to start it anew would take seconds."""
    with contextlib.chdir(folder):
        found = CliRunner(env={"NO_COLOR": "1"}).invoke(app, ["--suite", "s.toml", *arguments])
    assert found.exception is None or isinstance(found.exception, SystemExit)
    return found


def stripped(path):
    """A JSON report without its times."""
    text = json.loads(path.read_text())
    for check in text["checks"]:
        check["seconds"] = {}
        for row in check["partials"]:
            for side in ("autograd", "sympy"):
                row[side]["seconds"] = row[side]["seconds_min"] = row[side]["seconds_iqr"] = 0
    return text


def test_a_killed_worker_costs_its_own_check(folder):
    entries = [HONEST.format(k=k) for k in range(2, 10)]
    entries.insert(4, '[[check]]\nname = "killer"\nexpression = "x"\nfunction = "f.py:kill"\n')
    found = run(suite(folder, *entries), "--jobs", "2", "--report", "json=r.json", "--report", "table")
    report = json.loads((folder / "r.json").read_text())
    assert [c["name"] for c in report["checks"]] == ["c2", "c3", "c4", "c5", "killer", "c6", "c7", "c8", "c9"]
    assert [c["verdict"] for c in report["checks"]].count("agrees") == 8
    (killed,) = [c for c in report["checks"] if c["verdict"] == "undecided"]
    assert killed["name"] == "killer"
    assert all("SIGKILL" in row["message"] for row in killed["partials"])
    assert found.exit_code == 3
    assert "9 checks: 8 passed, 1 undecided." in found.stdout


def test_whatever_a_function_does_costs_its_own_check_without_jobs_too(folder):
    names = ("kill", "leave", "exit", "sleep")
    entries = [f'[[check]]\nname = "{n}"\nexpression = "x"\nfunction = "f.py:{n}"\ntimeout = 1\n' for n in names]
    suite(folder, HONEST.format(k=2), *entries, HONEST.format(k=3))
    done = run(folder, "--report", "json=r.json", "--report", "junit=r.xml")
    checks = {c["name"]: c for c in json.loads((folder / "r.json").read_text())["checks"]}
    assert list(checks) == ["c2", *names, "c3"]
    said = [checks[n]["error"] + " ".join({row["message"] for row in checks[n]["partials"]}) for n in names]
    words = (
        "killed by SIGKILL",
        "ended with status 0",
        "SystemExit: 0",
        "it took longer than --timeout and was stopped",
    )
    assert [word in text for word, text in zip(words, said, strict=True)] == [True] * 4, said
    assert checks["c2"]["verdict"] == checks["c3"]["verdict"] == "agrees"
    assert done.exit_code == 2
    assert (folder / "r.xml").read_text().count("<testsuite ") == 6


def test_jobs_change_nothing_in_the_report(folder):
    suite(
        folder, *(HONEST.format(k=k) for k in range(2, 6)), '[[check]]\nexpression = "x**2"\nfunction = "f.py:cube"\n'
    )
    assert run(folder, "--report", "json=1.json").exit_code == 1
    assert run(folder, "--jobs", "2", "--report", "json=2.json").exit_code == 1
    one, two = stripped(folder / "1.json"), stripped(folder / "2.json")
    del one["environment"], two["environment"]
    assert one == two


def started(folder, *arguments):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command(*arguments), cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def lines(folder, count):
    """Wait until the journal has this many results."""
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline:
        journal = folder / "r.json.jsonl"
        if journal.exists() and len(journal.read_text().splitlines()) > count:
            return
        time.sleep(0.02)
    raise AssertionError("the run makes no progress")


SLOW = [f'[[check]]\nname = "s{k}"\nexpression = "2*x"\nfunction = "f.py:slow"\norder = 0\n' for k in range(12)]


def test_a_run_that_was_killed_continues_where_it_was(folder):
    suite(folder, *SLOW)
    process = started(folder, "--report", "json=r.json")
    lines(folder, 4)
    process.kill()
    process.wait()
    process.communicate()
    before = (folder / "r.json.jsonl").read_text().splitlines()
    assert not (folder / "r.json").exists()
    assert run(folder, "--report", "json=r.json", "--resume").exit_code == 0
    after = [line for line in (folder / "r.json.jsonl").read_text().splitlines() if line]
    resumed = stripped(folder / "r.json")
    assert after[: len(before)] == before
    keys = [json.loads(line)["key"] for line in after[1:-1]]
    assert len(keys) == len(set(keys)) == 12
    assert run(folder, "--report", "json=r.json").exit_code == 0
    assert stripped(folder / "r.json") == resumed


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_run_that_is_stopped_reports_what_is_finished(folder, number, status, jobs):
    process = started(suite(folder, *SLOW), "--report", "json=r.json", "--jobs", jobs)
    lines(folder, 3)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == status
    report = json.loads((folder / "r.json").read_text())
    assert report["exit_status"] == status
    assert 3 <= len(report["checks"]) < 12
    assert {c["verdict"] for c in report["checks"]} == {"agrees"}
    assert "--resume continues" in errors


def test_a_name_between_colons_is_not_an_emoji(folder):
    (folder / "f.py").write_text("def Back(x):\n    return x**3\n")
    suite(folder, '[[check]]\nexpression = "x**2"\nfunction = "f.py:Back"\n')
    assert "failed f.py:Back: f disagrees" in run(folder).stderr


def test_fail_fast_last_failed_and_the_order_of_what_is_shown(folder):
    wrong = '[[check]]\nname = "wrong"\nexpression = "x**2"\nfunction = "f.py:cube"\n'
    suite(folder, HONEST.format(k=2), wrong, HONEST.format(k=3))
    first = run(folder, "--fail-fast")
    assert first.exit_code == 1
    assert "2 checks: 1 passed, 1 failed." in first.stdout
    assert "failed wrong: f disagrees" in first.stderr
    assert (
        first.stdout.index("wrong: failed   s.toml:") < first.stdout.index("Slowest:") < first.stdout.index("2 checks:")
    )
    assert run(folder, "--last-failed").stdout.count("1 check: 1 failed.") == 1
    (folder / "f.py").write_text("def cube(x):\n    return x * x\n")
    assert "1 check: 1 passed." in run(folder, "--last-failed").stdout
    assert "3 checks: 3 passed." in run(folder, "--last-failed").stdout


@pytest.mark.parametrize(
    ("options", "status", "names"),
    [([], 1, ["c2", "known"]), (["--known-ok"], 1, ["c2", "known", "c3", "wrong"])],
    ids=["counted", "let pass"],
)
def test_fail_fast_stops_at_the_first_check_that_fails_the_run(folder, options, status, names):
    entry = '[[check]]\nname = "{}"\nexpression = "x**2"\nfunction = "f.py:cube"\n'
    known = entry.format("known") + 'known = "https://example.org/1"\n'
    suite(folder, HONEST.format(k=2), known, HONEST.format(k=3), entry.format("wrong"), HONEST.format(k=4))
    found = run(folder, "--fail-fast", "--report", "json=r.json", *options)
    assert [check["name"] for check in json.loads((folder / "r.json").read_text())["checks"]] == names
    assert found.exit_code == status
    assert ("known defect known: f disagrees" in found.stderr) == (not options)


def test_a_bad_entry_is_an_error_and_warnings_are_counted(folder):
    (folder / "f.py").write_text(
        "def fails(x):\n    raise ValueError('out of luck')\ndef cancels(x):\n    return (x + 1e9) - 1e9\n"
    )
    entry = '[[check]]\nname = "{}"\nexpression = "{}"\nfunction = "f.py:{}"\n'
    suite(folder, HONEST.format(k=2), HONEST.format(k="(2"), entry.format("fails", "x", "fails"))
    with (folder / "s.toml").open("a") as file:
        file.write(entry.format("loses digits", "x", "cancels") + "order = 0\n")
    done = run(folder, "--report", "junit=r.xml", "--report", "json=r.json", "--report", "table")
    assert done.exit_code == 2
    assert "4 checks: 2 passed, 1 of them imprecise, 2 errors." in done.stdout
    assert "error c(2: s.toml:10" in done.stderr
    assert "ValueError: out of luck" in done.stderr
    checks = json.loads((folder / "r.json").read_text())["checks"]
    assert [check["outcome"] for check in checks] == ["passed", "error", "error", "passed"]
    assert (folder / "r.xml").read_text().count("<error") == 2
    assert run(folder, "--list").exit_code == 2


def test_known_defects_and_expected_failures_decide_the_status(folder):
    entry = '[[check]]\nexpression = "x**2"\nfunction = "f.py:cube"\n'
    suite(folder, entry + 'known = "https://example.org/1"\n')
    assert run(folder).exit_code == 1
    assert run(folder, "--known-ok").exit_code == 0
    suite(folder, entry + 'xfail = "it is a cube"\n')
    assert run(folder).exit_code == 0
    suite(folder, '[[check]]\nexpression = "x"\nxfail = "fixed since"\n')
    found = run(folder)
    assert found.exit_code == 1
    assert "passed unexpectedly: it should disagree: fixed since" in found.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--no-functions"], "would be imported and run"),
        (["--select", "c"], "--select c: there is no such check"),
        (["x**2"], "an expression belongs to a single check"),
        (["--wrt", "x"], "--wrt belongs to a single check"),
        (["--cluster", "tcp://127.0.0.1:1", "--jobs", "2"], "--cluster and --jobs exclude each other"),
        (["--shard", "3/2"], "there is no such share"),
        (["--dtype", "float65"], "float65"),
    ],
)
def test_wrong_requests_are_refused_before_anything_runs(folder, arguments, words):
    suite(folder, HONEST.format(k=2), '[[check]]\nname = "f"\nexpression = "x"\nfunction = "f.py:kill"\n')
    found = run(folder, *arguments)
    assert found.exit_code == 2
    assert words in found.stderr
    assert not (folder / ".derivcheck").exists()


def test_options_of_the_command_line_hold_for_all_checks(folder):
    suite(folder, HONEST.format(k=2), HONEST.format(k=3))
    run(folder, "--dtype", "float32,bfloat16", "-n", "7", "--report", "json=r.json", "--shard", "1/2")
    checks = json.loads((folder / "r.json").read_text())["checks"]
    assert [(c["name"], c["dtype"], c["points"]) for c in checks] == [
        ("c2[float32]", "float32", 7),
        ("c3[float32]", "float32", 7),
    ]


def test_the_list_shows_names_and_lines_and_runs_nothing(folder):
    suite(folder, HONEST.format(k=2), '[[check]]\nexpression = "x"\nfunction = "f.py:kill"\ntags = ["bad"]\n')
    found = run(folder, "--list")
    assert found.exit_code == 0
    assert found.stdout.splitlines() == ["c2         s.toml:5", "f.py:kill  s.toml:9  bad"]


def test_an_option_of_a_suite_without_one_is_refused():
    found = CliRunner().invoke(app, ["x", "--jobs", "2"])
    assert found.exit_code == 2
    assert "--jobs goes with --suite" in found.stderr


def test_several_suites_may_follow_one_option(folder):
    for name in ("a", "b"):
        (folder / f"{name}.toml").write_text(HONEST.format(k=2).replace("c2", name))
    ask = [sys.executable, "-m", "derivcheck", "--suite", "a.toml", "b.toml", "--list"]
    found = subprocess.run(ask, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert found.stdout.splitlines() == ["a  a.toml:1", "b  b.toml:1"]
