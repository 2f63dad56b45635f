"""Where reports go: files in one step, devices and pipes as they are, never through a link, and none twice."""

import json
import os
import stat
import subprocess
import sys
import threading
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from derivcheck.cli.command import app
from derivcheck.cli.delivery import ESCAPES
from derivcheck.errors import RequestError
from derivcheck.run import files
from derivcheck.run.streams import disarmed

FAST = ["--no-timing", "-n", "50"]


def run(*arguments):
    return CliRunner(env={"COLUMNS": "80"}).invoke(app, [*arguments, *FAST])


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_the_umask_decides_the_mode_of_a_new_report(here, mask):
    before = os.umask(mask)
    try:
        files.write(here / "report", b"text")
    finally:
        os.umask(before)
    assert stat.S_IMODE((here / "report").stat().st_mode) == 0o666 & ~mask


def test_an_old_report_keeps_its_mode(here):
    (here / "report").write_text("old")
    (here / "report").chmod(0o640)
    files.write(here / "report", b"new")
    assert ((here / "report").read_text(), stat.S_IMODE((here / "report").stat().st_mode)) == ("new", 0o640)


def test_a_report_replaces_a_link_and_not_what_it_leads_to(here):
    (here / "precious").write_text("precious")
    (here / "link").symlink_to("precious")
    assert run("x", "--report", "json=link").exit_code == 0
    assert (here / "precious").read_text() == "precious"
    assert json.loads((here / "link").read_text())["verdict"] == "agrees"
    assert not (here / "link").is_symlink()


def test_a_device_is_written_and_stays_a_device():
    before = os.stat("/dev/null")
    assert run("x", "--report", "json=/dev/null", "--report", "junit=/dev/null").exit_code == 0
    after = os.stat("/dev/null")
    assert (before.st_ino, before.st_rdev, before.st_mode) == (after.st_ino, after.st_rdev, after.st_mode)


def test_a_named_pipe_is_written_to_its_reader(here):
    os.mkfifo(here / "pipe")
    found = []
    reader = threading.Thread(target=lambda: found.append((here / "pipe").read_text()))
    reader.start()
    assert run("x", "--report", "json=pipe").exit_code == 0
    reader.join(60)
    assert json.loads(found[0])["verdict"] == "agrees"
    assert stat.S_ISFIFO((here / "pipe").lstat().st_mode)


def test_a_named_pipe_without_a_reader_costs_a_warning(here, monkeypatch):
    monkeypatch.setattr(files, "READER", 0.0)
    os.mkfifo(here / "pipe")
    result = run("x", "--report", "json=pipe")
    assert result.exit_code == 0
    assert result.stderr.startswith("derivcheck: --report json=pipe: cannot be written: ")


@pytest.mark.parametrize("path", ["/dev/stdout", "/proc/self/fd/1"])
def test_a_report_to_stdout_is_printed_wherever_stdout_goes(here, path):
    if not os.path.exists(path):
        pytest.skip("this system has no such path")
    with open(here / "out", "w") as out:
        command = [sys.executable, "-m", "derivcheck", "x", *FAST, "--report", f"json={path}", "--report", "table"]
        done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    found, end = json.JSONDecoder().raw_decode((here / "out").read_text(encoding="utf-8"))
    assert found["verdict"] == "agrees"
    assert "All 2 partials agree" in (here / "out").read_text(encoding="utf-8")[end:]


def test_a_report_to_a_descriptor_is_written_there(here):
    asked = "x --no-timing -n 50 --report json=/dev/fd/7 --report json=>(cat > piped)"
    line = f'"$0" -m derivcheck {asked} 7> seventh; wait $!'
    done = subprocess.run(["bash", "-c", line, sys.executable], cwd=here, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((here / "seventh").read_text()) == json.loads((here / "piped").read_text())


TWICE = {
    "the same name": ["--report", "json=a", "--report", "junit=a"],
    "by way of a folder": ["--report", "json=a", "--report", "junit=sub/../a"],
    "by way of a link to a folder": ["--report", "json=sub/a", "--report", "junit=link/a"],
    "the results of the run": ["--suite", "s.toml", "--report", "json=a", "--report", "junit=a.jsonl"],
    "the suite": ["--suite", "s.toml", "--report", "json=./s.toml"],
}


@pytest.mark.parametrize("asked", TWICE)
def test_one_file_for_two_things_is_a_wrong_request(here, asked):
    (here / "sub").mkdir()
    (here / "link").symlink_to("sub")
    (here / "s.toml").write_text('[[check]]\nexpression = "x"\n')
    result = run(*([] if "--suite" in TWICE[asked] else ["x"]), *TWICE[asked])
    assert result.exit_code == 2
    assert ": the same file as " in result.stderr
    assert sorted(path.name for path in here.rglob("*")) == ["link", "s.toml", "sub"]


REFUSED = ["sub", "no/such/a", "/no/a", "/dev/fd/999", "s.toml/a", "to-null", "to-sub", "n" * 300]


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: path[:20])
@pytest.mark.parametrize("alone", [True, False], ids=["alone", "suite"])
def test_what_cannot_be_a_report_is_refused_before_the_work(here, path, alone):
    (here / "sub").mkdir()
    (here / "to-null").symlink_to("/dev/null")
    (here / "to-sub").symlink_to("sub")
    (here / "s.toml").write_text('[[check]]\nexpression = "x"\n')
    result = run(*(["x"] if alone else ["--suite", "s.toml"]), "--report", f"json={path}")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"derivcheck: --report json={path}: cannot be written: ")
    assert result.stdout == ""


MOVING = """
import os
def f(x):
    if os.path.exists("sub"):
        os.chdir("sub")
        open("moved", "w").close()
    return x
"""


def test_a_function_that_changes_the_directory_does_not_move_the_report(here):
    (here / "sub").mkdir()
    (here / "moving.py").write_text(MOVING)
    result = run("x", "--function", "moving.py:f", "--report", "json=a", "--report", "table")
    assert result.exit_code == 0
    assert json.loads((here / "a").read_text())["verdict"] == "agrees"
    assert os.listdir(here / "sub") == ["moved"]


def test_a_folder_that_is_gone_costs_the_report_and_no_verdict(here):
    (here / "sub").mkdir()
    (here / "removing.py").write_text("import os\nif os.path.exists('sub'): os.rmdir('sub')\ndef f(x): return x * x\n")
    result = run("x", "--function", "removing.py:f", "--report", "json=sub/a", "--report", "table")
    assert result.exit_code == 1
    assert "1 of 2 partials" in result.stdout or "partials disagree" in result.stdout
    assert result.stderr == "derivcheck: --report json=sub/a: cannot be written: No such file or directory\n"


def test_a_full_disk_loses_the_files_alone_and_leaves_no_draft(here):
    (here / "s.toml").write_text('[[check]]\nexpression = "x"\nname = "identity"\n')
    line = 'ulimit -f 0; "$0" -m derivcheck --suite s.toml --report json=a --report table --show all'
    done = subprocess.run(["bash", "-c", line, sys.executable], cwd=here, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert "identity: passed" in done.stdout
    assert "derivcheck: --report json=a: cannot be written: File too large" in done.stderr.splitlines()
    assert {path.name for path in here.iterdir() if path.stat().st_size} == {"s.toml"}
    assert not list(here.glob(".derivcheck-*"))


@pytest.mark.parametrize("error", [OSError(28, "full"), KeyboardInterrupt()], ids=["full", "interrupted"])
def test_a_write_that_fails_leaves_the_old_report_and_no_draft(here, monkeypatch, error):
    def fail(*paths):
        raise error

    (here / "a").write_text("old")
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(type(error)):
        files.write(here / "a", b"new")
    assert os.listdir(here) == ["a"]
    assert (here / "a").read_text() == "old"


def test_no_draft_exists_while_the_checks_run(here):
    (here / "f.py").write_text(
        "import os\ndef f(x):\n    assert {*os.listdir()} <= {'f.py', '__pycache__'}, os.listdir()\n    return x\n"
    )
    result = run("x", "--function", "f.py:f", "--report", "json=a")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("kind", ["link", "loop", "pipe", "folder", "device"])
@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_APPEND], ids=["read", "append"])
def test_a_file_of_our_own_is_a_plain_file(here, kind, flags):
    path = here / "own"
    (here / "other").write_text("")
    make = {"link": lambda: path.symlink_to("other"), "loop": lambda: path.symlink_to("own"),
            "pipe": lambda: os.mkfifo(path), "folder": path.mkdir}  # fmt: skip
    path = make[kind]() or path if kind != "device" else type(path)("/dev/null")
    with pytest.raises(
        RequestError, match="a link or a device, where derivcheck keeps the results of a run\nRemove it"
    ):
        files.open_own(path, flags)


def test_text_for_programs_is_disarmed_without_a_change_of_meaning():
    nasty = "x\n::stop-commands::x\n  ::error::y ##[error]z ##vso[task]"
    assert json.loads(disarmed(json.dumps(nasty), **ESCAPES["json"])) == nasty
    element = ET.Element("a")
    element.text = nasty
    assert ET.fromstring(disarmed(ET.tostring(element, "unicode"), **ESCAPES["junit"])).text == nasty
    assert "##[" not in disarmed(json.dumps(nasty), **ESCAPES["json"])
