"""The examples compute their equations, and their broken twins do not."""

from pathlib import Path

import pytest

from derivcheck import suite
from derivcheck.api import check_all
from derivcheck.errors import SuiteError

FILE = Path(__file__).parents[2] / "examples" / "pde" / "derivcheck.toml"
CHECKS = suite.load(FILE, overrides={"points": 20, "corners": False})


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_an_example_passes_and_its_broken_twin_fails(check):
    (found,) = check_all([check]).checks
    is_broken = "broken" in check.name or check.name.endswith("of_row")
    said = [row.message for row in found.partials]
    assert found.outcome.value == ("failed as expected" if is_broken else "passed"), said


@pytest.mark.parametrize("line", ['net = "net"', 'call = "pde(X, net(X))"'])
def test_no_functions_refuses_the_network_and_the_call_too(line):
    assert line in FILE.read_text(encoding="utf-8")
    text = f'[[check]]\nexpression = "u_t"\nvars = "x,t"\n{line}\n'
    with pytest.raises(SuiteError, match="would be imported and run"):
        suite.loads(text, "lone.toml", functions=False)
