"""check_all, by whatever executor, and what `check` takes from Python."""

import json
import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import get_type_hints

import pytest
import sympy as sp
import torch

import derivcheck
from derivcheck import Check, check, check_all
from derivcheck.api import Arguments
from derivcheck.errors import RequestError
from derivcheck.outcomes import Outcome, Verdict
from derivcheck.problem import OPTIONS, create
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
    assert message in report.checks[0].error


def test_torchs_dtypes_and_devices_and_lists_of_them_are_names():
    few = {"points": 20, "timing": False}
    one = check("x**2", dtype=torch.float32, device=torch.device("cpu"), **few)
    several = check("x**2", dtype=[torch.float32, "bfloat16"], device=[torch.device("cpu")], **few)
    assert [(c.dtype, c.device) for c in one.checks] == [("float32", "cpu")]
    assert [c.dtype for c in several.checks] == ["float32", "bfloat16"]
    with pytest.raises(RequestError, match="--dtype int64: unknown"):
        check("x", dtype=torch.int64)


def test_one_text_is_one_partial_and_names_may_be_a_text_a_list_or_symbols():
    x, y = sp.symbols("x y")
    for names in ("x, y", ["x", "y"], [x, y]):
        made = check("x*x*y", variables=names, wrt=x, domain={x: (0, 2)}, points=20, timing=False).checks[0]
        assert [row.label for row in made.partials] == ["f", "∂f/∂x"]
        assert made.domain["x"] == (0, 2)
    assert [row.label for row in check("x**3", partials="x,x", points=20, timing=False).checks[0].partials] == [
        "∂²f/∂x²"
    ]


def test_a_sympy_expression_is_checked_and_replayed_as_text():
    x = sp.Symbol("x")
    report = check(sp.sin(x) * sp.Symbol("a"), params={"a": 2}, function=torch.sin, points=20, timing=False)
    (made,) = report.checks
    assert made.expression == "a*sin(x)"
    assert report.verdict is Verdict.DISAGREES
    with pytest.raises(RequestError, match="p is positive, but its domain is -1:0"):
        check(sp.Symbol("p", positive=True), domain=(-1, 0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ordr": 3}, "check has no option ordr\nDid you mean order"),
        ({"order": "2"}, "order='2' is not a whole number"),
        ({"points": 1e3}, "points=1000.0 is not a whole number"),
        ({"timeout": "10"}, "timeout='10' is not a number"),
        ({"dtype": []}, "--dtype: nothing is named"),
        ({"dtype": 3}, "--dtype 3: unknown"),
    ],
)
def test_a_wrong_keyword_or_type_is_one_message(options, message):
    with pytest.raises(RequestError, match=message):
        check("x", **options)


def test_a_verdict_is_its_word_everywhere():
    verdict = check("x", points=20, timing=False).verdict
    assert (f"{verdict}", str(verdict), json.dumps(verdict)) == ("agrees", "agrees", '"agrees"')
    assert verdict is Verdict.AGREES
    assert verdict == "agrees"


USER = """
import sympy
import torch
import derivcheck

report = derivcheck.check("x**2", order=2, wrt="x", dtype=[torch.float32], device=torch.device("cpu"))
word: str = report.verdict
derivcheck.check(sympy.Symbol("x"), partials="x,x", sampler="sobol", timeout=10)
derivcheck.assert_derivatives(torch.sin, "sin(x)", points=100, domain={"x": (-1, 1)})
derivcheck.check("x**2", ordr=3)
derivcheck.check("x**2", points="100")
derivcheck.check("x**2", sampler="grid")
derivcheck.assert_derivatives(torch.sin, "sin(x)", ordr=3)
"""
SKIPPED = "[mypy]\nstrict = true\nfollow_imports = silent\n"
SKIPPED += "[mypy-torch.*,rich.*,typer.*,sympy.*,flint.*]\nfollow_imports = skip\nignore_missing_imports = true\n"


def test_mypy_refuses_a_keyword_that_does_not_exist_and_a_value_of_a_wrong_type(tmp_path):
    (tmp_path / "user.py").write_text(USER)
    (tmp_path / "mypy.ini").write_text(SKIPPED)  # the types of torch take mypy ten seconds and matter to none of these
    package = Path(derivcheck.__file__).parent
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "user.py"],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(package.parent)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    wrong = [int(line.split(":")[1]) for line in run.stdout.splitlines() if ": error:" in line]
    assert wrong == [10, 11, 12, 13], run.stdout + run.stderr
    assert 'Unexpected keyword argument "ordr" for "check"; did you mean "order"?' in run.stdout
    assert (package / "py.typed").exists()


def test_what_passes_keywords_on_has_all_of_them():
    declared, taken = get_type_hints(Arguments), get_type_hints(check)
    own = set(taken) - {"expression", "function", "options", "return"}
    assert set(declared) == own | set(OPTIONS)
    assert all(declared[name] == taken[name] for name in own)
