import time

from derivcheck import check
from derivcheck.engines.timing import MOST_REPEATS, once, steady


def test_a_call_is_repeated_until_the_budget_is_used():
    calls = []
    median, iqr = steady(lambda: calls.append(time.sleep(0.002)), budget=0.02)
    assert 1 <= len(calls) <= MOST_REPEATS
    assert median >= 0.002
    assert iqr >= 0


def test_a_long_call_is_made_once():
    calls = []
    steady(lambda: calls.append(time.sleep(0.01)), budget=0.001)
    assert len(calls) == 1


def test_once_gives_the_result_and_its_seconds():
    result, seconds = once(lambda: time.sleep(0.01) or 7)
    assert result == 7
    assert seconds >= 0.01


def test_preparation_and_steady_state_are_timed_apart():
    seconds = check("x1**2*sin(x2)", order=2).checks[0].seconds
    assert 0 < seconds.autograd < seconds.total
    assert 0 < seconds.prepare < seconds.total
    assert seconds.sympy > 0
