import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

from derivcheck import check
from derivcheck.engines import timing
from derivcheck.engines.timing import FEWEST, MOST_REPEATS, once, steady


@pytest.fixture
def machine(monkeypatch):
    """Calls that move a clock by the seconds given for each, instead of working; `made` has their names in order."""
    now, made = [0.0], []

    def call(name, seconds):
        waiting = iter(seconds)

        def made_call():
            made.append(name)
            now[0] += next(waiting)

        return made_call

    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])
    call.made = made
    return call


def test_both_sides_are_called_in_turn_until_the_budget_is_used(machine):
    steady([machine("a", [1] * 99), machine("b", [3] * 99)], budget=20)
    assert "".join(machine.made) == "ab" * 5


def test_no_call_is_made_more_often_than_quartiles_need(machine):
    steady([machine("a", [0.0] * 99)], budget=1.0)
    assert len(machine.made) == MOST_REPEATS


def test_a_long_call_is_made_once_and_a_shorter_one_thrice(machine):
    assert steady([machine("a", [1.0] * 9)], budget=0.125) == [(1.0, 1.0, 0)]
    assert steady([machine("b", [0.25] * 9)], budget=0.125) == [(0.25, 0.25, 0)]
    assert machine.made == ["a", "b", "b", "b"]


@pytest.mark.parametrize("turn", [0, 1, 2])
def test_a_pause_of_the_machine_changes_no_shortest_time_and_ends_no_measurement(machine, turn):
    paused = [0.203 if k == turn else 1e-3 for k in range(99)]
    autograd, sympy = steady([machine("a", paused), machine("s", [1e-3] * 99)], budget=0.01)
    assert autograd.minimum == pytest.approx(sympy.minimum)
    assert autograd.median == pytest.approx(1e-3)
    assert len(machine.made) >= 2 * FEWEST


def test_tables_show_the_shortest_times_and_their_ratio():
    report = check("x**2", order=1, points=50)
    slow = [replace(row, autograd=replace(row.autograd, seconds=203.0)) for row in report.checks[0].partials]
    paused = replace(report, checks=(replace(report.checks[0], partials=tuple(slow)),))
    assert str(paused) == str(report)
    side = report.to_dict()["checks"][0]["partials"][1]["autograd"]
    assert 0 < side["seconds_min"] <= side["seconds"]


def test_once_gives_the_result_and_its_seconds():
    result, seconds = once(lambda: time.sleep(0.01) or 7)
    assert result == 7
    assert seconds >= 0.01


def test_median_and_quartiles_are_those_of_the_calls(monkeypatch):
    clock = iter([0, 1, 10, 12, 20, 23, 30, 34, 40, 50])  # calls of 1, 2, 3, 4 and 10 seconds
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    assert steady([lambda: None], budget=5.0) == [(3, 1, 2)]


def test_the_clock_is_read_when_every_gpu_in_use_has_finished(monkeypatch):
    waits = []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(torch.cuda, "memory_allocated", [512, 0, 1024].__getitem__)
    monkeypatch.setattr(torch.cuda, "synchronize", waits.append)
    steady([lambda: waits.append("call")], budget=0.0)
    assert waits[:5] == [0, 2, "call", 0, 2]


def test_a_check_on_the_cpu_sets_no_gpu_up(monkeypatch):
    monkeypatch.setattr(torch.cuda, "synchronize", lambda *_: pytest.fail("waits for a GPU that nothing runs on"))
    steady([lambda: torch.ones(3)], budget=0.0)


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
    assert 0 < seconds.autograd_min <= seconds.autograd < seconds.total
    assert 0 < seconds.sympy_min <= seconds.sympy < seconds.total
    assert 0 < seconds.prepare < seconds.total
    assert 0 < seconds.referee < seconds.total
