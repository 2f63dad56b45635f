"""A dask cluster as the executor: a real scheduler and two workers on this machine."""

import json
import os
import subprocess
import sys

import pytest

from derivcheck.errors import RequestError
from derivcheck.run import executors

pytest.importorskip("distributed")

PROGRAM = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    options = dict(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1")
    with LocalCluster(**options) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""
SUITE = """
[[check]]
expression = "x1**2*sin(x2)"
order = [1, 2]
points = 50

[[check]]
name = "wrong"
expression = "x**2"
function = "functions.py:cube"
points = 50
"""


@pytest.fixture
def address(tmp_path):
    """The address of a scheduler with two worker processes that see the folder of the test."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "DASK_LOGGING__DISTRIBUTED": "error"}
    options = {"cwd": tmp_path, "env": environment, "text": True}
    (tmp_path / "cluster.py").write_text(PROGRAM)
    command = [sys.executable, "cluster.py"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options) as process:
        yield process.stdout.readline().strip()
        process.stdin.close()
        process.wait(60)


def derivcheck(folder, *arguments):
    command = [sys.executable, "-m", "derivcheck", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=200, check=False)


def test_a_suite_runs_on_a_cluster(tmp_path, address):
    (tmp_path / "s.toml").write_text(SUITE)
    (tmp_path / "functions.py").write_text("def cube(x):\n    return x**3\n")
    found = derivcheck(tmp_path, "--suite", "s.toml", "--cluster", address, "--report", "json=r.json")
    assert found.returncode == 1, found.stderr
    checks = json.loads((tmp_path / "r.json").read_text())["checks"]
    assert [(c["name"], c["verdict"]) for c in checks] == [
        ("x1**2*sin(x2)[order1]", "agrees"),
        ("x1**2*sin(x2)[order2]", "agrees"),
        ("wrong", "disagrees"),
    ]


def test_an_address_where_nobody_listens_is_refused(monkeypatch):
    monkeypatch.setattr(executors, "ANSWER", "1s")  # no answer is waited for longer
    with pytest.raises(RequestError, match="no scheduler answers"), executors.executor(1, "tcp://127.0.0.1:9", None):
        pass
