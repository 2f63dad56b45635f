"""JUnit XML as a CI system reads it: by its schema, by another parser, and against the exit status."""

import math
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import junitparser
import pytest
import xmlschema
from typer.testing import CliRunner

from derivcheck import check
from derivcheck.cli.command import app
from derivcheck.outcomes import Outcome
from derivcheck.reports.junit import render
from derivcheck.results import Limits, Seconds
from tests.made_reports import (
    CHECK,
    FAILED,
    IMPRECISE,
    IN_SUITE,
    ISOLATED,
    NASTY,
    NOTHING,
    OUTCOMES,
    ROW,
    UNSUPPORTED,
    VALUE,
    WRONG,
    random_report,
    renamed,
    report,
)  # fmt: skip

SCHEMA = xmlschema.XMLSchema(Path(__file__).parents[1] / "junit.xsd")


def read(made):
    """The document, valid by the schema."""
    text = render(made)
    SCHEMA.validate(text)
    return ET.fromstring(text)


def cases(made):
    """(name, result, type, message) of every test case; the result is empty where it passed."""
    found = []
    for case in read(made).iter("testcase"):
        result = next((e for e in case if e.tag != "system-out"), None)
        shown = ("", "", "") if result is None else (result.tag, result.get("type"), result.get("message"))
        found.append((case.get("name"), *shown))
    return found


@pytest.mark.parametrize("seed", range(300))
def test_counts_are_true_and_there_is_a_failure_or_an_error_unless_the_exit_status_is_0(seed):
    made = random_report(seed)
    text = render(made)
    SCHEMA.validate(text)
    totals = [0, 0, 0]
    for suite in junitparser.JUnitXml.fromstring(text.encode()):
        results = [type(result).__name__ for case in suite for result in case.result]
        counted = [results.count(name) for name in ("Failure", "Error", "Skipped")]
        assert [suite.failures, suite.errors, suite.skipped] == counted
        assert suite.tests == len(list(suite))
        totals = [a + b for a, b in zip(totals, (suite.tests, *counted), strict=False)]
    root = ET.fromstring(text)
    assert [int(root.get(key)) for key in ("tests", "failures", "errors")] == totals
    assert (made.exit_status == 0) == (totals[1] == totals[2] == 0)


RESULTS = {
    Outcome.PASSED: [("f", "", "", ""), ("∂f/∂x", "", "", "")],
    Outcome.SKIPPED: [("check", "skipped", "skipped", "needs a GPU")],
    Outcome.XFAILED: [
        ("f", "", "", ""),
        ("∂f/∂x", "skipped", "non-finite", "failed as expected: the sign is wrong on purpose"),
    ],
    Outcome.KNOWN: [
        ("f", "", "", ""),
        ("∂f/∂x", "failure", "non-finite", "NaN or infinity where the derivative is finite"),
    ],
    Outcome.UNSUPPORTED: [
        ("f", "", "", ""),
        ("∂f/∂x", "skipped", "operation", "not computed (torch has no besselj(2, x))"),
        ("check", "error", "unsupported", "1 of 2 partials is unsupported"),
    ],
    Outcome.UNDECIDED: [
        ("f", "", "", ""),
        (
            "∂f/∂x", "error", "kink",
            "every point lies on a kink, where the derivative does not exist (choose a domain beside it)",
        ),
    ],
    Outcome.ERROR: [("check", "error", "error", "f.py:cube raises: ValueError: no")],
    Outcome.XPASSED: [
        ("f", "", "", ""),
        ("∂f/∂x", "", "", ""),
        (
            "check", "failure", "passed-unexpectedly",
            "passed unexpectedly: it should disagree: the sign is wrong on purpose",
        ),
    ],
    Outcome.FAILED: [
        ("f", "", "", ""),
        ("∂f/∂x", "failure", "non-finite", "NaN or infinity where the derivative is finite"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("outcome", Outcome)
def test_each_outcome_has_its_element(outcome):
    assert cases(report(OUTCOMES[outcome])) == RESULTS[outcome]


def test_a_known_defect_that_is_let_pass_is_skipped_with_its_issue():
    (_, wrong) = cases(report(OUTCOMES[Outcome.KNOWN], known_ok=True))
    assert wrong == ("∂f/∂x", "skipped", "non-finite", "known defect: https://example.org/issues/7")


def test_a_failure_shows_point_values_bound_and_replay_line():
    (failure,) = read(report(FAILED)).iter("failure")
    assert failure.text.splitlines() == [
        "∂f/∂x disagrees: NaN or infinity where the derivative is finite",
        "  at x        -0.75                     -0x1.8000000000000p-1",
        "  autograd    -1.6875",
        "  sympy       1.5",
        "  exact       1.6875",
        "  bound       1e-15",
        "  Reproduce: derivcheck 'x**3' --domain x=-0x1.8p-1:-0x1.8p-1 -n 1",
    ]


def test_limits_that_the_user_set_make_failures_that_name_them():
    strict = replace(CHECK, partials=(IMPRECISE, ISOLATED), limits=Limits(strict=True))
    assert [(tag, kind) for _, tag, kind, _ in cases(report(strict))] == [
        ("failure", "conditioning"), ("failure", "isolated"),
    ]  # fmt: skip
    assert all(message.endswith("; --strict makes it fail") for *_, message in cases(report(strict)))
    (lost,) = cases(report(replace(CHECK, partials=(ROW,), limits=Limits(max_lost_bits=1.0))))
    assert lost == ("∂f/∂x", "failure", "max-lost-bits", "1.5 bits are lost, --max-lost-bits allows 1")


def test_a_warning_passes_and_is_reported():
    (case,) = read(report(replace(CHECK, partials=(IMPRECISE,)))).iter("testcase")
    (shown,) = case
    assert shown.tag == "system-out"
    assert shown.text.startswith("∂f/∂x is imprecise: more than half of the digits are lost")


def test_an_unsupported_row_beside_a_wrong_one_is_skipped():
    shown = cases(report(replace(CHECK, partials=(WRONG, UNSUPPORTED))))
    assert [tag for _, tag, _, _ in shown] == ["failure", "skipped"]


@pytest.mark.parametrize(
    ("made", "name", "kind"),
    [
        (report(), "run", "empty"),
        (report(interrupted=True), "run", "interrupted"),
        (report(IN_SUITE, interrupted=True), "run", "interrupted"),
        (report(NOTHING), "check", "undecided"),
    ],
)
def test_what_no_row_says_is_an_error_of_its_own(made, name, kind):
    assert (name, "error", kind) in [shown[:3] for shown in cases(made)]


def test_names_tell_engines_and_dtypes_apart():
    engines = replace(CHECK, partials=(VALUE, replace(VALUE, engine="symbolic")))
    assert [name for name, *_ in cases(report(engines))] == ["f [reverse]", "f [symbolic]"]
    several = read(report(IN_SUITE, replace(IN_SUITE, dtype="float32"), CHECK))
    assert [suite.get("name") for suite in several] == [
        "suites/kernels.toml::cube (float64 on cpu)", "suites/kernels.toml::cube (float32 on cpu)", "cube",
    ]  # fmt: skip
    assert all(case.get("classname") == suite.get("name") for suite in several for case in suite.iter("testcase"))


def test_properties_say_what_the_figures_depend_on():
    known = replace(OUTCOMES[Outcome.KNOWN], domain={"x": (0.0, math.inf)})
    (suite,) = read(report(known))
    assert {p.get("name"): p.get("value") for p in suite.iter("property")} == {
        "expression": "x**3", "function": "mykernels.py:cube", "dtype": "float64", "device": "cpu", "seed": "0",
        "points": "100", "domain": "x in [0, inf]", "source": "suites/kernels.toml", "line": "12",
        "tags": "fast, nightly", "known": "https://example.org/issues/7", "verdict": "disagrees",
        "outcome": "known defect", "derivcheck": "0.1.0", "python": "3.11.7", "torch": "2.13.0+cpu",
        "sympy": "1.14.0", "device_name": "a processor",
    }  # fmt: skip
    assert suite.get("file") == "suites/kernels.toml"


@pytest.mark.parametrize(("total", "shown"), [(math.nan, 0), (math.inf, 0), (1e-5, 0), (0.25, 0.25), (3e6, 3e6)])
def test_times_are_decimals_and_add_up(total, shown):
    root = read(report(replace(CHECK, seconds=Seconds(total=total))))
    assert float(root.get("time")) == float(root[0].get("time")) == shown
    assert sum(float(case.get("time")) for case in root.iter("testcase")) == pytest.approx(shown, abs=1e-3)


@pytest.mark.parametrize("text", NASTY, ids=ascii)
def test_no_text_of_a_user_breaks_the_document(text):
    made = renamed(CHECK, text)
    root = read(report(made))
    assert len(list(root.iter("testcase"))) == 3
    assert not re.search("[\ud800-\udfff]", render(report(made)))


@pytest.mark.parametrize("text", ["<b>&amp;\"'", "]]>", "😀 ∂", "a|b`c`", "tab\tand\nline"])
def test_text_that_xml_can_hold_is_read_back_as_it_was(text):
    root = read(report(renamed(CHECK, text)))
    held = {p.get("name"): p.get("value") for p in root.iter("property")}
    assert (held["expression"], held["tags"], held["source"]) == (text, text, text)
    assert text in root.find(".//failure").text


def test_text_that_xml_cannot_hold_is_escaped():
    root = read(report(renamed(CHECK, "\x00\udcff\x1b\ufffe")))
    assert root.find(".//property[@name='expression']").get("value") == r"\x00\udcff\x1b\ufffe"


BROKEN = {
    "time": ('time="0.500"', 'time="nan"'),
    "count": ('tests="2"', 'tests="two"'),
    "message": (' message="', ' massage="'),
    "second result": ("<failure", '<error type="x" message="y" /><failure'),
    "element": ("testcase", "test"),
}


@pytest.mark.parametrize("part", BROKEN)
def test_the_schema_refuses_what_is_broken(part):
    text = render(report(FAILED))
    assert text != text.replace(*BROKEN[part])
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        SCHEMA.validate(text.replace(*BROKEN[part]))


def test_a_real_run_is_written_to_a_file(tmp_path):
    made = check("x**2", function=lambda x: x**3, order=2, timing=False, points=50, dtype=["float64", "float32"])
    assert {tag for _, tag, *_ in cases(made)} == {"failure"}
    target = tmp_path / "out.xml"
    result = CliRunner().invoke(app, ["x**2", "--no-timing", "-n", "50", "--report", f"junit={target}"])
    assert result.exit_code == 0
    assert junitparser.JUnitXml.fromfile(str(target)).tests == 2
