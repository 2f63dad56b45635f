"""A worker that is lost costs its own task."""

import os
import signal
import time

import pytest

from derivcheck.run.pool import WorkerLost, WorkerPool


def double(x):
    return 2 * x


def die(number):
    os.kill(os.getpid(), number)
    time.sleep(60)


def leave(status):
    os._exit(status)


def refuse(text):
    raise ValueError(text)


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


def test_an_answer_that_cannot_be_pickled_is_an_error_and_the_worker_lives(pool):
    with pytest.raises(RuntimeError, match="pickle"):
        pool.submit(unpicklable, 0).result(60)
    assert pool.submit(double, 3).result(60) == 6


def test_a_task_that_takes_too_long_is_stopped(pool):
    with pytest.raises(WorkerLost, match="it took longer than 1 s"):
        pool.submit(sleep, 30).result(60)


def test_workers_share_the_cores(pool):
    assert pool.submit(environment, "OMP_NUM_THREADS").result(60) == str(max(1, os.cpu_count() // 2))


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
