"""A suite collected by pytest: what passes, what fails and what it says then, whatever options pytest is given."""

import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from importlib import import_module
from pathlib import Path

import pytest

from derivcheck import check, reports
from derivcheck.reports import failure
from derivcheck.suite import loader as suite

pytest_plugins = ["pytester"]

PLUGIN = ("-p", "derivcheck.pytest_plugin")
KERNELS = """
import warnings
import torch

class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 3 * x * x.abs()

def talkative(x):
    warnings.warn("slow path")
    return x**2

def lossy(x):
    return x.sigmoid()

def broken(x):
    return x.no_such_method()
"""
FEW = "[defaults]\npoints = 20\ncorners = false\n"
GOOD = '[[check]]\nname = "square"\nexpression = "x**2"\n'
BAD = '[[check]]\nname = "cube"\nexpression = "x**3"\nfunction = "kernels.py:Cube"\ndomain = [-1, 1]\n'
EMPTY = '[[check]]\nname = "root"\nexpression = "sqrt(x)"\ndomain = [-2, -1]\n'


@pytest.fixture(scope="module", autouse=True)
def loaded():
    """pytester forgets the modules that a run was the first to import; torch cannot be imported twice."""
    report = check("1/x", domain=(-1, 1), points=20, corners=False)
    for module in ("torch", "derivcheck.suite", "derivcheck.reports.failure"):
        import_module(module)
    assert failure.render(report) and reports.FORMATS and suite.loads(GOOD, "s.toml")  # noqa: PT018


@pytest.fixture
def project(pytester, monkeypatch):
    """A folder with functions; `run(text, *options)` puts a suite beside them and runs pytest there."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(kernels=KERNELS)

    def run(text, *options, name="k.derivcheck.toml"):
        (pytester.path / name).write_text(FEW + text)
        return pytester.runpytest_inprocess(*PLUGIN, *options)

    return run


def failed(result, name):
    """The text below the header of a failure."""
    after = result.stdout.str().split(f" {name} __", 1)[1].partition("\n")[2]
    return after.split("\n____")[0].split("\n====")[0]


def test_a_check_is_a_test_of_its_name(project):
    result = project(GOOD + BAD, "-v")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["k.derivcheck.toml::square PASSED*", "k.derivcheck.toml::cube FAILED*"])


def test_a_failure_shows_the_rows_the_worst_point_and_the_line_that_replays_it(project):
    text = failed(project(BAD), "cube")
    assert text.startswith("cube: failed   k.derivcheck.toml:4\nkernels.py:Cube against x**3   x in [-1, 1]\n")
    assert [line.split()[0] for line in text.splitlines() if line.endswith(("agrees", "disagrees"))] == ["∂f/∂x"]
    assert "∂f/∂x disagrees: the derivative is wrong by more than rounding explains" in text
    assert "  at x        -0." in text
    assert "  Reproduce: derivcheck 'x**3' --partial x --function kernels.py:Cube --domain x=-0x1." in text
    assert "Traceback" not in text
    assert "pytest_plugin.py" not in text


def test_what_the_suite_says_of_a_check_is_said_in_the_words_of_pytest(project):
    skipped = '[[check]]\nexpression = "x"\nskip = "needs a GPU"\n'
    surprise = '[[check]]\nname = "surprise"\nexpression = "x"\nxfail = "the sign is wrong"\n'
    result = project(skipped + BAD + 'xfail = "on purpose"\n' + surprise, "-rsxf")
    result.assert_outcomes(skipped=1, xfailed=1, failed=1)
    result.stdout.fnmatch_lines(["SKIPPED*needs a GPU", "XFAIL*::cube - on purpose"])
    assert failed(result, "surprise").strip() == "[XPASS(strict)] the sign is wrong"


@pytest.mark.parametrize("marked", ["", 'xfail = "it should disagree"\n', 'known = "https://example.org/7"\n'])
def test_what_proves_nothing_does_not_pass(project, marked):
    result = project(EMPTY + marked, "--derivcheck-known-ok")
    result.assert_outcomes(failed=1)
    assert "f is undecided: no point of the domain is one where the derivative exists" in failed(result, "root")


def test_a_known_defect_fails_until_it_is_said_to_be_known(project, pytester):
    known = BAD + 'known = "https://example.org/7"\n'
    result = project(known)
    result.assert_outcomes(failed=1)
    assert failed(result, "cube").rstrip().endswith("known defect: https://example.org/7")
    result = project(known, "--derivcheck-known-ok", "-rx")
    result.assert_outcomes(xfailed=1)
    result.stdout.fnmatch_lines(["XFAIL*::cube - https://example.org/7"])
    pytester.makeini("[pytest]\nderivcheck_known_ok = true\nxfail_strict = true")
    project(known).assert_outcomes(xfailed=1)
    project(GOOD + 'known = "https://example.org/7"\n').assert_outcomes(xpassed=1)


def test_a_limit_that_is_exceeded_is_told_with_its_row(project):
    text = failed(project('[[check]]\nname = "tight"\nexpression = "x*sin(x)-x"\nmax-lost-bits = 0.1\n'), "tight")
    assert "bits are lost, --max-lost-bits allows 0.1" in text
    assert "Reproduce: derivcheck 'x*sin(x)-x'" in text


ERRORS = {
    "kernels.py:Cub": ["--function kernels.py:Cub: kernels has no Cub", "Did you mean Cube?"],
    "kernels.py:broken": ["*no_such_method*"],
}


@pytest.mark.parametrize(("function", "lines"), ERRORS.items(), ids=list(ERRORS))
def test_an_error_of_the_request_is_its_text_alone(project, function, lines):
    result = project(BAD.replace("kernels.py:Cube", function))
    result.stdout.fnmatch_lines(lines)
    assert "pytest_plugin.py" not in result.stdout.str()


def test_the_mistakes_of_an_entry_fail_its_own_item(project):
    result = project('[[check]]\nexpression = "x@2"\n[[check]]\nexpression = "x"\nordr = 2\n' + GOOD)
    result.assert_outcomes(failed=2, passed=1)
    output = result.stdout.str()
    assert 'k.derivcheck.toml:5: check "x@2": expression: character' in output
    assert "ordr" in output
    assert "Traceback" not in output


def test_a_mistake_outside_of_the_entries_is_a_collection_error(project):
    result = project("[[chekc]]\nname = 1\n" + GOOD)
    result.assert_outcomes(errors=1)
    assert "Did you mean check?" in result.stdout.str()


def test_functions_of_strangers_can_be_refused(project):
    result = project(BAD, "--derivcheck-no-functions")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*kernels.py:Cube would be imported and run*"])
    project(GOOD, "--derivcheck-no-functions").assert_outcomes(passed=1)


def test_other_toml_files_are_suites_only_where_they_are_named(project):
    assert project(GOOD, name="other.toml").ret == pytest.ExitCode.NO_TESTS_COLLECTED
    project(GOOD, "other.toml", name="other.toml").assert_outcomes(passed=1)
    project(GOOD + BAD, "other.toml::cube", name="other.toml").assert_outcomes(failed=1)


SELECTIONS = {
    ("-k", "slow"): ["tagged"],
    ("-k", "not slow"): ["plain", "plain[float64]"],
    ("-m", "derivcheck"): ["tagged", "plain", "plain[float64]"],
    ("-m", "not derivcheck"): [],
    ("k.derivcheck.toml::plain[float64]",): ["plain[float64]"],
}


@pytest.mark.parametrize(("options", "names"), SELECTIONS.items(), ids=" ".join)
def test_tests_are_chosen_by_tag_marker_and_name(project, options, names):
    entry = '[[check]]\nname = "{}"\nexpression = "x"\n'
    text = entry.format("tagged") + 'tags = ["slow"]\n' + entry.format("plain") + entry.format("plain[float64]")
    lines = project(text, "--collect-only", "-q", "--strict-markers", *options).outlines
    assert [line.partition("::")[2] for line in lines if "::" in line] == names


def pasted(project, text, *names):
    """The names that are run where each node name is pasted as pytest printed it."""
    found = []
    for name in names:
        lines = project(text, "--collect-only", "-q", name).outlines
        found.append([line for line in lines if line.startswith("k.derivcheck.toml::")])
    return found


def test_every_node_name_selects_its_check_alone(project):
    entry = '[[check]]\nname = "{}"\nexpression = "x"\n'
    names = ("torch::softplus", "torch:softplus", "two words", "two-words", "a[b::c]", "f(x)/2", "#1")
    text = "".join(map(entry.format, names))
    lines = project(text, "--collect-only", "-q").outlines
    shown = [line for line in lines if line.startswith("k.derivcheck.toml::")]
    assert len(set(shown)) == len(names)
    assert not any(" " in name for name in shown)
    assert pasted(project, text, *shown) == [[name] for name in shown]
    project(text, "-k", "torch::softplus").assert_outcomes(passed=1, deselected=len(names) - 1)


def test_a_name_that_a_shell_would_read_comes_with_the_command(project):
    text = failed(project(BAD.replace("cube", "(x)**3")), "(x)**3")
    assert "\nRun this test alone: pytest 'k.derivcheck.toml::(x)**3'" in text
    assert "Run this test" not in project(BAD).stdout.str()


TIGHT = '[[check]]\nname = "tight"\nexpression = "x*sin(x)-x"\nmax-lost-bits = 0.1\n'
LOSSY = '[[check]]\nname = "lossy"\nexpression = "1/(1+exp(-x))"\nfunction = "kernels.py:lossy"\ndomain = [35, 60]\n'
REASONS = {
    BAD: "FAILED k.derivcheck.toml::cube - ∂f/∂x disagrees: the derivative is wrong by more than*",
    EMPTY: "FAILED k.derivcheck.toml::root - f is undecided: no point of the domain*",
    TIGHT: "FAILED *::tight - *--max-lost-bits allows 0.1*",
    BAD.replace("Cube", "Cub"): "FAILED *::cube - --function kernels.py:Cub: kernels has no Cub*",
    '[[check]]\nexpression = "x"\nordr = 2\n': "FAILED k.derivcheck.toml::x - error: k.derivcheck.toml:6: *ordr*",
}


@pytest.mark.parametrize("options", [(), ("--tb=no",), ("-p", "xdist", "-n", "1")], ids=" ".join)
def test_the_short_summary_says_the_reason(project, monkeypatch, options):
    monkeypatch.setenv("CI", "true")  # pytest cuts lines to the width of the terminal elsewhere
    cases = REASONS.items() if not options else list(REASONS.items())[:1]
    for text, line in cases:
        project(text, *options).stdout.fnmatch_lines([line])


def test_one_line_per_failure_names_the_line_of_the_suite(project):
    project(GOOD + BAD, "--tb=line").stdout.fnmatch_lines(["*k.derivcheck.toml:7: ∂f/∂x disagrees: *"])


def test_what_is_imprecise_passes_with_a_warning_that_decides_nothing(project):
    result = project(LOSSY, "-W", "error")
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(["*ImpreciseWarning: ∂f/∂x is imprecise: more than half of the digits*bits are lost*"])
    project(LOSSY + "strict = true\n").assert_outcomes(failed=1, warnings=0)


def test_the_marker_is_registered_for_test_functions(project, pytester):
    pytester.makepyfile(test_it="import pytest\n@pytest.mark.derivcheck\ndef test_f(): pass\ndef test_g(): pass")
    project(GOOD, "--strict-markers", "-m", "derivcheck").assert_outcomes(passed=2, deselected=1)


def test_the_last_failures_run_again_and_the_first_stops(project):
    project(BAD + GOOD, "-x").assert_outcomes(failed=1)
    project(GOOD + BAD).assert_outcomes(failed=1, passed=1)
    result = project(GOOD + BAD, "--lf", "-v")
    result.assert_outcomes(failed=1)
    assert "::square" not in result.stdout.str()


def test_junit_has_a_case_for_each_check(project, pytester):
    project(GOOD + BAD + '[[check]]\nexpression = "x"\nskip = "later"\n', "--junitxml=out.xml")
    cases = {case.get("name"): case for case in ET.parse(pytester.path / "out.xml").iter("testcase")}
    assert set(cases) == {"square", "cube", "x"}
    assert [child.tag for name in ("square", "cube", "x") for child in cases[name]] == ["failure", "skipped"]
    assert "Reproduce: derivcheck" in cases["cube"].find("failure").text


def test_several_processes_run_what_one_does(project):
    result = project(GOOD + BAD + EMPTY, "-p", "xdist", "-n", "2")
    result.assert_outcomes(passed=1, failed=2)
    assert "Reproduce: derivcheck 'x**3'" in failed(result, "cube")


def test_a_warning_is_shown_and_decides_nothing(project):
    result = project(BAD.replace("Cube", "talkative").replace("x**3", "x**2"), "-W", "error")
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(["*UserWarning: slow path"])


def test_a_project_without_suites_pays_nothing(project, pytester):
    pytester.makepyfile(test_it="def test_f(): pass")
    code = """
import sys, pytest
status = pytest.main(["-p", "derivcheck.pytest_plugin", "--collect-only", "-q", "-W", "error"])
print(int(status), {"torch", "sympy", "rich", "flint", "typer"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=pytester.path)
    assert "test_it.py::test_f" in done.stdout
    assert done.stdout.splitlines()[-1] == "0 set()"


def test_looking_at_a_suite_does_not_import_torch(project, pytester):
    (pytester.path / "k.derivcheck.toml").write_text(GOOD + BAD)
    code = """
import sys, pytest
pytest.main(["-p", "derivcheck.pytest_plugin", "--collect-only", "-q", "-W", "error"])
print({"torch", "kernels"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=pytester.path)
    assert "k.derivcheck.toml::cube" in done.stdout
    assert done.stdout.splitlines()[-1] == "set()"


def test_the_package_tells_pytest_of_it():
    project_file = Path(__file__).parent.parent / "pyproject.toml"
    entries = tomllib.loads(project_file.read_text())["project"]["entry-points"]["pytest11"]
    assert entries == {"derivcheck": "derivcheck.pytest_plugin"}
    assert import_module(entries["derivcheck"]).pytest_collect_file


@pytest.mark.parametrize("name", ["::stop-commands::x", "##[error]x"])
def test_no_name_is_a_command_of_a_ci_system(project, name):
    result = project(BAD.replace('"cube"', f'"{name}"'))
    result.assert_outcomes(failed=1)
    shown = result.outlines
    assert sum(name[2:9] in line for line in shown) >= 3  # "stop-co": in the name of the test :: is :
    assert not [line for line in shown if line.lstrip().startswith("::") or "##[" in line]
