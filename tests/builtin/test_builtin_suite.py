"""The suite `builtin:torch` as a file: every entry can be run, and its formula is that of its function."""

import re
import tomllib
from pathlib import Path

import pytest
import torch

from derivcheck import problem as problems
from derivcheck.builtin import torch_functions
from derivcheck.choices import require_known
from derivcheck.engines import loading
from derivcheck.expression.parsing import symbol
from tests.oracle import in_sympy

FILE = Path(torch_functions.__file__).with_name("torch.toml")
SUITE = tomllib.loads(FILE.read_text(encoding="utf-8"))
DEFAULTS, CHECKS = SUITE["defaults"], SUITE["check"]
KEYS = set(
    "name expression function vars wrt order partial param domain points seed sampler corners dtype device engine "
    "layout strict max-lost-bits rtol atol timeout tags skip xfail known".split()
)
FOUND = re.compile(r"https://github\.com/pytorch/pytorch/issues/[1-9]\d*|unreported: .{20,}")
HEALTHY = [entry for entry in CHECKS if not {"known", "xfail"} & set(entry)]


def name_of(entry):
    return entry["name"]


def made(entry):
    """The problem of an entry, from text and numbers as the command line would make it."""
    return problems.create(
        entry["expression"],
        variables=entry.get("vars"),
        wrt=entry.get("wrt"),
        order=entry.get("order", DEFAULTS["order"]),
        partials=entry.get("partial"),
        domain=entry.get("domain", "0:1"),
        sampler=entry.get("sampler", "uniform"),
        points=entry.get("points", DEFAULTS["points"]),
    )


def columns_of(entry, n):
    """n points inside the domain of an entry, by seed, in its widest dtype."""
    dtype = getattr(torch, entry.get("dtype", DEFAULTS["dtype"])[0])
    ends = torch.tensor(made(entry).domain, dtype=torch.float64)
    fractions = torch.rand((len(ends), n), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return list((ends[:, :1] + (ends[:, 1:] - ends[:, :1]) * (0.05 + 0.9 * fractions)).to(dtype))


def test_it_is_large_and_every_name_is_different():
    names = [entry["name"] for entry in CHECKS]
    assert len(names) >= 300
    assert len(set(names)) == len(names)


def test_every_key_is_an_option_of_a_check():
    assert set(DEFAULTS) <= KEYS
    assert not {key for entry in CHECKS for key in entry} - KEYS
    assert all(entry["tags"] for entry in CHECKS)


def test_both_dtypes_are_asked_for_up_to_order_3():
    assert DEFAULTS["dtype"] == ["float64", "float32"]
    assert DEFAULTS["order"] == 3
    require_known(dtype={d for entry in CHECKS for d in entry.get("dtype", [])})


def test_every_entry_makes_a_problem():
    assert all(made(entry).partials for entry in CHECKS)


def test_a_known_defect_names_a_public_issue_or_what_is_wrong():
    known = [entry for entry in CHECKS if "known" in entry]
    assert len(known) > 40
    assert not [entry["name"] for entry in known if not FOUND.fullmatch(entry["known"])]
    assert not [entry["name"] for entry in known if "xfail" in entry]


def test_what_is_expected_to_fail_says_why():
    assert all(len(entry[key]) > 20 for entry in CHECKS for key in ("xfail", "skip") if key in entry)


@pytest.mark.parametrize("entry", CHECKS, ids=name_of)
def test_a_function_keeps_points_apart(entry):
    """Each point alone gives what it gives among others, but for the roundings of another kernel."""
    function, columns = loading.load(entry["function"]), columns_of(entry, 5)
    together = function(*columns)
    assert together.shape == (5,)
    assert together.dtype == columns[0].dtype
    alone = torch.cat([function(*(column[i : i + 1] for column in columns)) for i in range(5)])
    torch.testing.assert_close(together, alone, equal_nan=True)


@pytest.mark.parametrize("entry", HEALTHY, ids=name_of)
def test_the_formula_is_the_function(entry):
    """By sympy's own arithmetic at one point: the referee has no part in it."""
    problem, columns = made(entry), columns_of(entry, 1)
    point = {symbol(name): column.item() for name, column in zip(problem.variables, columns, strict=True)}
    exact = float(in_sympy(problem.formula).subs(point).evalf(30))
    rtol = 1e-4 if columns[0].dtype == torch.float32 else 1e-9
    assert loading.load(entry["function"])(*columns).item() == pytest.approx(exact, rel=rtol, abs=1e-15)


def test_every_function_of_the_module_is_used():
    used = {entry["function"].rpartition(":")[2] for entry in CHECKS if entry["function"].startswith("derivcheck.")}
    module = torch_functions.__name__
    public = {
        name
        for name, value in vars(torch_functions).items()
        if callable(value) and not name.startswith("_") and not isinstance(value, type)
    }
    assert {e["function"] for e in CHECKS if "builtin" in e["function"]} == {f"{module}:{name}" for name in used}
    assert public - {"partial", "Any", "Callable", "Columns"} == used
