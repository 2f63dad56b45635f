"""The record, its JSON, and what of it decides the exit status."""

import json
import math
from pathlib import Path

import jsonschema
import pytest
import torch

from derivcheck import check
from derivcheck.outcomes import Verdict
from derivcheck.reports.record import plain
from derivcheck.results import worst_verdict

SCHEMA = json.loads((Path(__file__).parent / "report.schema.json").read_text())

REPORTS = {
    "agrees": lambda: check("x1**2*sin(x2)", order=2),
    "disagrees": lambda: check("x**2", function=lambda x: x**3, order=2, timing=False),
    "nan": lambda: check("sin(x)", function=lambda x: torch.where(x > 0.5, torch.nan, x.sin()), timing=False),
    "undecided": lambda: check("log(x)", domain=(-2, -1), timing=False),
    "unsupported": lambda: check("besselj(1, x)", timing=False),
    "several": lambda: check("x*y", dtype=["float32", "bfloat16"], engines=["reverse", "symbolic"], timing=False),
    "infinite": lambda: check("exp(x)", domain=(700, 720), timing=False),
}


@pytest.mark.parametrize("kind", REPORTS)
def test_the_json_keeps_to_its_schema_and_holds_no_nan(kind):
    text = json.dumps(REPORTS[kind]().to_dict(), allow_nan=False)
    jsonschema.validate(json.loads(text), SCHEMA)


def test_the_json_says_what_the_report_says():
    report = check("x1**2*sin(x2)", order=2, wrt=["x1", "x2"], seed=3)
    data = report.to_dict()
    (made,) = data["checks"]
    assert (data["verdict"], data["exit_status"], made["seed"], made["points"]) == ("agrees", 0, 3, 10_000)
    assert [row["partial"] for row in made["partials"]] == [
        {}, {"x1": 1}, {"x2": 1}, {"x1": 2}, {"x1": 1, "x2": 1}, {"x2": 2},
    ]  # fmt: skip
    mixed = made["partials"][4]
    assert (mixed["label"], mixed["order"], mixed["symbolic"]) == ("∂²f/∂x1∂x2", 2, "2*(x1*cos(x2))")
    assert mixed["autograd"]["seconds"] > 0
    assert mixed["points"]["checked"] >= mixed["points"]["refereed"] > 1000
    assert made["seconds"]["total"] > made["seconds"]["referee"] > 0
    assert all(float.fromhex(x) >= 0 for x in mixed["worst"]["point"].values())


def test_a_report_prints_as_its_table():
    text = str(check("x**2", timing=False))
    assert "∂f/∂x" in text
    assert "All 2 partials agree" in text


@pytest.mark.parametrize(
    ("value", "shown"), [(math.nan, "nan"), (-math.inf, "-inf"), (0.5, 0.5), ((math.inf,), ["inf"])]
)
def test_numbers_that_json_lacks_become_text(value, shown):
    assert plain(value) == shown


def test_the_worst_verdict_decides_and_nothing_is_undecided():
    assert worst_verdict([Verdict.AGREES, Verdict.DISAGREES, Verdict.UNDECIDED]) is Verdict.DISAGREES
    assert worst_verdict([Verdict.AGREES, Verdict.IMPRECISE]) is Verdict.IMPRECISE
    assert worst_verdict([]) is Verdict.UNDECIDED


def test_the_replay_line_of_a_failure_pins_the_worst_point():
    row = check("x*y", function=torch.add, order=0, timing=False, domain=(3, 4)).checks[0].partials[0]
    assert f"--domain x={row.worst.point['x'].hex()}:{row.worst.point['x'].hex()}" in row.reproduce
    assert row.reproduce.endswith("-n 1 --no-corners")
