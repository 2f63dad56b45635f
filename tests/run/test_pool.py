"""A worker that is lost costs its own task."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from derivcheck.errors import FunctionError
from derivcheck.run.pool import WorkerLost, WorkerPool
from derivcheck.run.worker import Named


def double(x):
    return 2 * x


def die(number):
    os.kill(os.getpid(), number)
    time.sleep(60)


def leave(status):
    os._exit(status)


def refuse(text):
    raise ValueError(text)


def interrupt(_):
    raise KeyboardInterrupt


def exit_cleanly(_):
    raise SystemExit(0)


def close_a_file(_):
    raise BrokenPipeError("of the task's own")


def unpicklable(_):
    return lambda: None


def environment(name):
    return os.environ.get(name)


def sleep(seconds):
    time.sleep(seconds)
    return seconds


@pytest.fixture(scope="module")
def pool():
    with WorkerPool(2, lambda *arguments: 1.0 if arguments == (30,) else None) as made:
        yield made


def test_results_come_back(pool):
    assert [future.result(60) for future in [pool.submit(double, k) for k in range(50)]] == [2 * k for k in range(50)]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_worker_costs_its_own_task_and_is_replaced(pool, number):
    before = [pool.submit(double, k) for k in range(10)]
    killed = pool.submit(die, number)
    after = [pool.submit(double, k) for k in range(10)]
    assert [f.result(60) for f in [*before, *after]] == [2 * k for k in range(10)] * 2
    with pytest.raises(WorkerLost, match=f"was killed by {signal.Signals(number).name}"):
        killed.result(60)


def test_a_worker_that_leaves_is_said_to_have_left(pool):
    with pytest.raises(WorkerLost, match="ended with status 7"):
        pool.submit(leave, 7).result(60)


def test_what_a_task_raises_is_raised(pool):
    with pytest.raises(ValueError, match="no such thing"):
        pool.submit(refuse, "no such thing").result(60)


@pytest.mark.parametrize("task", [interrupt, exit_cleanly])
def test_what_would_end_a_process_ends_neither_worker_nor_parent(pool, task):
    with pytest.raises((RuntimeError, FunctionError), match=r"raises KeyboardInterrupt|SystemExit: 0"):
        pool.submit(task, 0).result(60)
    assert pool.submit(double, 3).result(60) == 6


def test_an_error_of_the_task_is_not_taken_for_one_of_its_pipe(pool):
    with pytest.raises(BrokenPipeError, match="of the task's own"):
        pool.submit(close_a_file, 0).result(60)


def test_the_time_a_worker_needs_to_start_does_not_count():
    with WorkerPool(1, lambda *_, **__: 1.0) as started:
        assert started.submit(Named("tests.run.slow_to_import", "double"), 3).result(60) == 6


def test_a_worker_ends_with_its_parent_whatever_it_does(tmp_path):
    program = "from derivcheck.run.pool import WorkerPool; from tests.run.test_pool import sleep_and_say as task\n"
    program += f"if __name__ == '__main__': WorkerPool(1).submit(task, {str(tmp_path)!r}).result()"
    (tmp_path / "program.py").write_text(program)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, ["", os.getcwd(), *sys.path]))}
    with subprocess.Popen([sys.executable, tmp_path / "program.py"], env=environment) as parent:
        wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
        worker = int((tmp_path / "pid").read_text())
        parent.kill()
    wait_until(lambda: not is_alive(worker))


def wait_until(is_so, seconds=60):
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_alive(pid):
    """A zombie, which nobody waits for in a container without an init, is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def sleep_and_say(folder):
    (Path(folder) / "pid").write_text(str(os.getpid()))
    time.sleep(600)


def test_an_answer_that_cannot_be_pickled_is_an_error_and_the_worker_lives(pool):
    with pytest.raises(RuntimeError, match="pickle"):
        pool.submit(unpicklable, 0).result(60)
    assert pool.submit(double, 3).result(60) == 6


def test_a_task_that_takes_too_long_is_stopped(pool):
    with pytest.raises(WorkerLost, match="it took longer than --timeout"):
        pool.submit(sleep, 30).result(60)


def test_workers_share_the_cores(pool):
    assert pool.submit(environment, "OMP_NUM_THREADS").result(60) == str(max(1, os.cpu_count() // 2))


def test_a_worker_has_the_environment_of_the_moment_it_starts(pool, monkeypatch):
    pool.submit(double, 1).result(60)  # the server of the workers runs, with the environment of before
    monkeypatch.setenv("DERIVCHECK_TEST", "later")
    with WorkerPool(1, threads=1) as later:
        assert later.submit(environment, "DERIVCHECK_TEST").result(60) == "later"
        assert later.submit(environment, "PYTHONSAFEPATH").result(60) == os.environ.get("PYTHONSAFEPATH")
        assert later.submit(Named("torch", "get_num_threads")).result(60) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each worker is a new interpreter")
def test_a_worker_is_forked_with_torch_imported_and_without_threads():
    with WorkerPool(1) as new:
        assert new.submit(is_imported, "torch").result(60)
        assert new.submit(threads_of_parent).result(60) == 1


def is_imported(name):
    return name in sys.modules


def threads_of_parent():
    return len(os.listdir(f"/proc/{os.getppid()}/task"))


def test_shutting_down_at_once_drops_what_waits_and_stops_what_runs():
    pool = WorkerPool(1)
    assert pool.submit(double, 1).result(60) == 2
    running, waiting = pool.submit(sleep, 100), pool.submit(double, 2)
    while not running.running():
        time.sleep(0.01)
    pool.shutdown(cancel_futures=True)
    assert waiting.cancelled()
    with pytest.raises(WorkerLost, match="the run was stopped"):
        running.result(60)
