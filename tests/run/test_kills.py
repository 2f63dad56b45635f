"""A run that is killed at any moment, again and again: `--resume` gives the report of an unbroken run; nothing is left.

By hand with more kills: DERIVCHECK_KILLS=50 pytest tests/run/test_kills.py
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

KILLS = int(os.environ.get("DERIVCHECK_KILLS", "3"))
SEED = int(os.environ.get("DERIVCHECK_KILLS_SEED", "0"))
STATUS = {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130, signal.SIGHUP: 143}
FUNCTION = "import time\ndef double(x):\n    time.sleep(0.02)\n    return 2 * x\n"
ENTRY = '[[check]]\nname = "c{k}"\nexpression = "{factor}*x"\nfunction = "f.py:double"\npoints = 50\norder = 0\n'
SUITE = "".join(ENTRY.format(k=k, factor=3 if k == 4 else 2) for k in range(8))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "s.toml").write_text(SUITE)
    (tmp_path / "f.py").write_text(FUNCTION)
    return tmp_path


def started(folder, mark, *options):
    command = [
        sys.executable,
        "-m",
        "derivcheck",
        "--suite",
        "s.toml",
        "--jobs",
        "2",
        "--report",
        "json=r.json",
        *options,
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", "DERIVCHECK_MARK": mark}
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def finished(folder, mark, *options):
    """The report of a run that nobody kills, without its times, and the seconds that it took."""
    start = time.monotonic()
    with started(folder, mark, *options) as process:
        assert process.wait(200) == 1
    report = json.loads((folder / "r.json").read_text())
    for check in report["checks"]:
        check["seconds"] = {}
    return report, time.monotonic() - start


def processes(mark):
    """Those that inherited the mark: the run and its workers."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"DERIVCHECK_MARK={mark}".encode() in path.read_bytes():
                found.append(path.parent.name)
        except OSError:
            continue  # it has just ended, or is not ours
    return found


def gone(mark):
    deadline = time.monotonic() + 200
    while (left := processes(mark)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not left


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found by /proc")
def test_kills_at_random_moments_change_no_report_and_leave_nothing(folder):
    mark, source = uuid.uuid4().hex, random.Random(SEED)
    unbroken, seconds = finished(folder, mark)
    assert [check["verdict"] for check in unbroken["checks"]].count("disagrees") == 1
    for path in ("r.json", "r.json.jsonl"):
        (folder / path).unlink()
    for kill in range(KILLS):
        if kill % 10 == 0:
            (folder / "r.json.jsonl").unlink(missing_ok=True)  # else nothing is left to be killed
        number = source.choice(list(STATUS))
        with started(folder, mark, "--resume") as process:
            time.sleep(source.uniform(0, seconds))
            process.send_signal(number)
            status = process.wait(200)
        assert status in (STATUS[number], 1, -number), (kill, number)  # it had ended before, or had not begun
        assert gone(mark), (kill, number)
        assert {path.name for path in folder.iterdir()} <= {"s.toml", "f.py", "r.json", "r.json.jsonl"}, (kill, number)
    resumed, _ = finished(folder, mark, "--resume")
    assert resumed == unbroken
    assert gone(mark)
