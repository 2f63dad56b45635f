"""Threads change no row: what a check changes belongs to that check."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

import derivcheck
from derivcheck import Check, check_all, problem

KINKED = "Abs(x)*Max(x, y)*exp(sin(x*y))"


def checks(dtype="float64"):
    made = problem.create(KINKED, order=2, domain=(-1, 1), points=200, timing=False)
    return [Check(f"seed {seed}", replace(made, seed=seed, dtype=dtype)) for seed in range(8)]


def rows(report):
    """Everything that a report says, without times."""
    return [check["partials"] for check in report.to_dict()["checks"]]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_eight_checks_of_a_kinked_formula_on_four_threads_give_the_rows_of_one_thread(dtype):
    alone = rows(check_all(checks(dtype)))
    with ThreadPoolExecutor(4) as executor:
        for _ in range(3):
            assert rows(check_all(checks(dtype), executor)) == alone


def test_check_called_from_eight_threads_gives_the_rows_of_one_thread():
    def run(seed):
        return rows(derivcheck.check(KINKED, order=2, domain=(-1, 1), points=200, seed=seed, timing=False))

    with ThreadPoolExecutor(8) as executor:
        assert list(executor.map(run, range(8))) == [run(seed) for seed in range(8)]


def test_a_check_gives_the_same_rows_whatever_was_checked_before():
    (first, *_), _ = rows(check_all(checks()[:2])), derivcheck.check(KINKED, order=3, domain=(-1, 1), timing=False)
    assert rows(check_all(checks()[:1])) == [first]


def test_the_timeout_of_one_check_is_not_that_of_another():
    wide = problem.create("*".join(f"sin(x*{k})" for k in range(1, 40)), order=3, points=50, timing=False)
    hurried = [Check("hurried", replace(wide, timeout=0.05))] * 3
    with ThreadPoolExecutor(4) as executor:
        report = check_all([*hurried, *checks()], executor)
    assert rows(report)[3:] == rows(check_all(checks()))
