"""check_all, by whatever executor."""

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from derivcheck import Check, check_all
from derivcheck.outcomes import Outcome, Verdict
from derivcheck.problem import create
from derivcheck.suite.loader import loads

SUITE = "\n".join(
    f'[[check]]\nname = "{name}"\nexpression = "{text}"\npoints = 40\n{more}'
    for name, text, more in [
        ("sine", "sin(x*y)", ""),
        ("skipped", "x**2", 'skip = "not today"\n'),
        ("cut", "x*sin(y)", 'engine = "jet"\norder = 2\n'),
        ("expected", "x**2", 'xfail = "it agrees"\n'),
    ]
)


def executors():
    spawn = multiprocessing.get_context("spawn")  # a fork of a process with torch's threads may hang
    yield "none", lambda: None
    yield "threads", lambda: ThreadPoolExecutor(2)
    yield "processes", lambda: ProcessPoolExecutor(2, mp_context=spawn)


@pytest.fixture(scope="module")
def alone():
    return check_all(loads(SUITE, "s.toml"))


@pytest.mark.parametrize("make", [m for _, m in executors()], ids=[n for n, _ in executors()])
def test_every_executor_brings_the_same_report_in_the_same_order(make, alone):
    executor = make()
    report = check_all(loads(SUITE, "s.toml"), executor)
    if executor is not None:
        executor.shutdown()
    assert [c.name for c in report.checks] == ["sine", "skipped", "cut", "expected"]
    assert [c.outcome for c in report.checks] == [Outcome.PASSED, Outcome.SKIPPED, Outcome.PASSED, Outcome.XPASSED]
    found, wanted = ([(r.label, r.verdict, r.worst) for c in x.checks for r in c.partials] for x in (report, alone))
    assert found == wanted


def test_problems_and_checks_may_be_mixed():
    report = check_all([create("x**3", points=20), Check("a name", create("x*y", points=20), ("reverse", "jet"))])
    assert report.ok
    assert [(c.name, {r.engine for r in c.partials}) for c in report.checks] == [
        ("x**3", {"reverse"}),
        ("a name", {"reverse", "jet"}),
    ]


def raising(x):
    raise ValueError("this one cannot")


def leaving(x):
    sys.exit("this one leaves")


@pytest.mark.parametrize(("function", "message"), [(raising, "this one cannot"), (leaving, "this one leaves")])
def test_a_check_whose_function_raises_or_exits_fails_alone(function, message):
    report = check_all([create("x", function=function, points=20), create("x**2", points=20)])
    assert [c.verdict for c in report.checks] == [Verdict.UNDECIDED, Verdict.AGREES]
    assert message in report.checks[0].partials[0].message
