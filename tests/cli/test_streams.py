"""What happens to stdout, stderr and stdin is never taken for a verdict or for a bug."""

import os
import signal
import subprocess
import sys
import time

import pytest

from derivcheck.run.streams import Harmless, Lasting, disarmed

FAST = ["--no-timing", "-n", "50"]
WRONG = ["x**2", "--function", "torch:sin", *FAST]
REFUSED = ["x", "--show", "some"]


def shell(redirection, *arguments):
    """The command in a shell, which gives the exit status of derivcheck even if it is the first of a pipe."""
    line = f'set -o pipefail; "$0" -m derivcheck "$@" {redirection}'
    return subprocess.run(
        ["bash", "-c", line, sys.executable, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("arguments", [["--help"], WRONG], ids=" ".join)
def test_a_reader_that_leaves_early_is_status_141_and_no_message(arguments):
    done = shell("| true", *arguments)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize(("arguments", "status"), [(["--help"], 0), (WRONG, 1)], ids=["help", "wrong"])
def test_a_full_disk_under_stdout_changes_no_status_and_is_one_warning(arguments, status):
    done = shell("> /dev/full", *arguments)
    assert done.returncode == status
    assert done.stderr.splitlines() == [
        "derivcheck: stdout cannot be written: No space left on device; the exit status is that of the checks"
    ]


@pytest.mark.parametrize("redirection", [">&-", "2>&-", "2> /dev/full", ">&- 2>&- <&-", "2>&1 >&- | true"])
@pytest.mark.parametrize(("arguments", "status"), [(["--version"], 0), (REFUSED, 2)], ids=["version", "refused"])
def test_a_stream_that_is_closed_or_full_changes_no_status(redirection, arguments, status):
    assert shell(redirection, *arguments).returncode == status


def test_a_check_without_any_stream_ends_by_its_verdict_and_writes_its_report(tmp_path):
    report = tmp_path / "report.md"
    assert shell(">&- 2>&- <&-", *WRONG, "--report", f"markdown={report}").returncode == 1
    assert report.read_text(encoding="utf-8").startswith("# derivcheck: ")


def test_stdin_is_read_no_further_than_an_expression_may_be_long():
    done = shell("< <(yes)", "-")
    assert done.returncode == 2
    assert "the expression has more than 10000 characters" in done.stderr


@pytest.mark.parametrize("redirection", ["<&-", "< /dev/null"])
def test_a_stdin_without_an_expression_is_a_wrong_request(redirection):
    done = shell(redirection, "-")
    assert done.returncode == 2
    assert "there is no expression" in done.stderr


ENDLESS = """
import pathlib, time
def f(x):
    pathlib.Path("running").touch()
    time.sleep(300)
"""


@pytest.mark.parametrize(("number", "suite"), [(signal.SIGTERM, True), (signal.SIGHUP, False)], ids=["suite", "alone"])
def test_a_run_that_is_terminated_before_its_first_result_has_status_143(tmp_path, number, suite):
    (tmp_path / "f.py").write_text(ENDLESS)
    (tmp_path / "s.toml").write_text('[[check]]\nexpression = "x"\nfunction = "f.py:f"\n')
    asked = ["--suite", "s.toml"] if suite else ["x", "--function", "f.py:f"]
    command = [sys.executable, "-m", "derivcheck", *asked, "--report", "json=r.json"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
        deadline = time.monotonic() + 100
        while not (tmp_path / "running").exists():
            assert time.monotonic() < deadline
            assert started.poll() is None, started.communicate()
            time.sleep(0.02)
        started.send_signal(number)
        out, err = started.communicate(timeout=60)
    assert (started.returncode, out, err) == (143, "", "derivcheck: terminated\n")
    assert not list(tmp_path.glob("*.json"))


def test_a_signal_that_is_ignored_stays_ignored():
    code = "import signal; from derivcheck.cli import signals; signals.stop_on_termination(); signal.raise_signal(1)"
    done = subprocess.run(["bash", "-c", 'trap "" HUP; exec "$0" -c "$1"', sys.executable, code], timeout=60)
    assert done.returncode == 0


def on(descriptor):
    """A stream on a file descriptor, and what closes both."""
    raw = os.fdopen(descriptor, "wb", buffering=0)
    made = Harmless(Lasting(raw), "utf-8", "strict", line_buffering=False)

    def close():
        made.close()
        raw.close()

    return made, close


def written(folder, *texts):
    """What a file has after these texts were written one after the other."""
    path = folder / "log"
    made, close = on(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC))
    for text in texts:
        made.write(text)
    close()
    return path.read_bytes().decode()


COMMANDS = ["::stop-commands::x", "  ::error::x", "\u3000::add-mask::x", "##[error]x", "so ##vso[task.setvariable]x"]


@pytest.mark.parametrize("text", COMMANDS)
@pytest.mark.parametrize("before", ["", "a line\n", "\r", "a line\n\n \n", "\u2028"])
def test_no_text_is_a_command_of_a_ci_system(tmp_path, before, text):
    found = written(tmp_path, before, text, "\nnext\n")
    assert not any(line.lstrip().startswith("::") for line in found.splitlines())
    assert "##[" not in found
    assert "##vso[" not in found
    assert text[-6:] in found


@pytest.mark.parametrize("text", ["a::b", "torch::aten::sin", "# x", "## Heading", "x[::2]", ": and :"])
def test_other_text_stays_as_it_is(text):
    assert disarmed(text) == text
    assert disarmed(f"name {text}") == f"name {text}"


def test_a_command_of_our_own_is_one(tmp_path):
    path = tmp_path / "log"
    made, close = on(os.open(path, os.O_WRONLY | os.O_CREAT))
    with made.commands():
        made.write("::error title=x::y\n")
    made.write("::error title=x::y\n")
    close()
    assert path.read_text() == "::error title=x::y\n\\x3a:error title=x::y\n"


def test_a_log_has_no_control_characters_but_colours(tmp_path):
    text = "a\x1b[31mred\x1b[0m\x1b[2Jb\x1b]0;title\x07\x85\tc\u202e\n"
    assert written(tmp_path, text) == "a\x1b[31mred\x1b[0m\\x1b[2Jb\\x1b]0;title\\x07\\x85\tc\\u202e\n"


COUNTER = "import sys; sys.stdout.write(str(len(sys.stdin.read())))"


def test_a_pipe_that_does_not_block_loses_nothing():
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    made, close = on(writer)
    with subprocess.Popen([sys.executable, "-c", COUNTER], stdin=reader, stdout=subprocess.PIPE, text=True) as counting:
        os.close(reader)
        made.write("x" * 1_000_000)
        close()
        assert counting.communicate(timeout=60)[0] == "1000000"
