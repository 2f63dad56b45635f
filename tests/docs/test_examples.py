"""The examples do what they are examples of."""

import tomllib

import pytest

from derivcheck import Verdict, check, check_all
from derivcheck.outcomes import Outcome
from derivcheck.suite import load
from tests.docs.blocks import ROOT
from tests.docs.running import derivcheck, examples

ENGINE = ROOT / "examples" / "vmap_engine"


@pytest.fixture
def folder(tmp_path):
    with examples(tmp_path):
        yield tmp_path


@pytest.fixture
def engine(folder, monkeypatch):
    """The engine as pip installs it: the module, and a record of its entry points."""
    points = tomllib.loads((ENGINE / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]
    record = folder / "derivcheck_vmap_engine-0.1.0.dist-info" / "entry_points.txt"
    record.parent.mkdir()
    lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in entries.items()) for group, entries in points.items()]
    record.write_text("\n".join(lines))
    monkeypatch.syspath_prepend(folder / "vmap_engine")


def test_the_suite_passes_with_one_failure_that_it_expects(folder):
    report = check_all(load("derivcheck.toml"))
    assert report.ok
    assert [c.outcome for c in report.checks] == [Outcome.PASSED, Outcome.PASSED, Outcome.XFAILED]


@pytest.mark.usefixtures("engine")
def test_the_engine_of_a_plugin_is_listed_and_agrees():
    assert "vmap\n" in derivcheck("derivcheck --list-engines")[0]
    report = check("x1**2*sin(x2)", order=3, engines=("vmap",), timing=False)
    assert report.verdict is Verdict.AGREES
    assert len(report.checks[0].partials) == 10


@pytest.mark.usefixtures("engine")
def test_the_engine_of_a_plugin_finds_a_wrong_value_and_names_what_it_lacks():
    wrong = check("x**2", function=lambda x: 1.001 * x**2, engines=("vmap",), timing=False)
    assert wrong.verdict is Verdict.DISAGREES
    lacking = check("x**3", function="mykernels.py:Cube", engines=("vmap",), timing=False).checks[0].partials[1]
    assert lacking.verdict is Verdict.UNSUPPORTED
    assert "setup_context" in lacking.message
