import subprocess
import sys
import time

import pytest
import torch

from derivcheck import check
from derivcheck.engines import timing
from derivcheck.engines.timing import MOST_REPEATS, once, steady


def test_a_call_is_repeated_until_the_budget_is_used():
    calls = []
    median, iqr = steady(lambda: calls.append(time.sleep(0.002)), budget=0.02)
    assert 1 <= len(calls) <= MOST_REPEATS
    assert median >= 0.002
    assert iqr >= 0


def test_a_long_call_is_made_once():
    calls = []
    assert steady(lambda: calls.append(time.sleep(0.01)), budget=0.001)[1] == 0
    assert len(calls) == 1


def test_once_gives_the_result_and_its_seconds():
    result, seconds = once(lambda: time.sleep(0.01) or 7)
    assert result == 7
    assert seconds >= 0.01


def test_median_and_quartiles_are_those_of_the_calls(monkeypatch):
    clock = iter([0, 1, 10, 12, 20, 23, 30, 34, 40, 50])  # calls of 1, 2, 3, 4 and 10 seconds
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    assert steady(lambda: None, budget=20.0) == (3, 2)


def test_the_clock_is_read_when_every_gpu_in_use_has_finished(monkeypatch):
    waits = []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(torch.cuda, "memory_allocated", [512, 0, 1024].__getitem__)
    monkeypatch.setattr(torch.cuda, "synchronize", waits.append)
    steady(lambda: waits.append("call"), budget=0.0)
    assert waits == [0, 2, "call", 0, 2]


def test_a_check_on_the_cpu_sets_no_gpu_up(monkeypatch):
    monkeypatch.setattr(torch.cuda, "synchronize", lambda *_: pytest.fail("waits for a GPU that nothing runs on"))
    steady(lambda: torch.ones(3), budget=0.0)


def test_measuring_imports_nothing_that_looks_for_a_cuda_toolkit():
    """A CUDA build of torch that finds a toolkit and no GPU logs so on stderr when this module is imported."""
    code = (
        "import sys; sys.modules['torch.utils.cpp_extension'] = None\n"
        "import derivcheck; r = derivcheck.check('x**2', points=10); assert r.checks[0].seconds.autograd > 0"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


def test_preparation_and_steady_state_are_told_apart():
    seconds = check("x1**2*sin(x2)", order=2).checks[0].seconds
    assert 0 < seconds.autograd < seconds.total
    assert 0 < seconds.prepare < seconds.total
    assert 0 < seconds.referee < seconds.total
