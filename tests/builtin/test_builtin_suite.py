"""The suite `builtin:torch` as a file: every entry can be run, and its formula is that of its function."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.utils._pytree import tree_leaves

from derivcheck import problem as problems
from derivcheck.builtin import torch_functions, torch_layers
from derivcheck.choices import require_known
from derivcheck.engines import loading
from derivcheck.engines.calling import user_function
from derivcheck.expression.parsing import symbol
from tests.oracle import in_sympy

FILE = Path(torch_functions.__file__).with_name("torch.toml")
SUITE = tomllib.loads(FILE.read_text(encoding="utf-8"))
DEFAULTS, CHECKS = SUITE["defaults"], SUITE["check"]
KEYS = set(
    "name expression function vars wrt order partial param domain points seed sampler corners dtype device engine "
    "layout shape strict max-lost-bits rtol atol timeout tags skip xfail known".split()
)
FOUND = re.compile(r"https://github\.com/pytorch/pytorch/issues/[1-9]\d*|unreported: .{20,}")
FORMULAS = [entry for entry in CHECKS if "expression" in entry]
TRACED = [entry for entry in CHECKS if "expression" not in entry]
HEALTHY = [entry for entry in FORMULAS if not {"known", "xfail"} & set(entry)]


def name_of(entry):
    return entry["name"]


def made(entry):
    """The problem of an entry, from text and numbers as the command line would make it."""
    return problems.create(
        entry.get("expression"),
        variables=entry["vars"].split(",") if isinstance(entry.get("vars"), str) else entry.get("vars"),
        shape=entry.get("shape"),
        wrt=list(entry["wrt"]) if isinstance(entry.get("wrt"), str) else entry.get("wrt"),
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


@pytest.mark.parametrize("entry", FORMULAS, ids=name_of)
def test_a_function_keeps_points_apart(entry):
    """Each point alone gives what it gives among others, but for the roundings of another kernel."""
    function, columns = loading.load(entry["function"]), columns_of(entry, 5)
    together = function(*columns)
    assert together.shape == (5,)
    assert together.dtype == columns[0].dtype
    alone = torch.cat([function(*(column[i : i + 1] for column in columns)) for i in range(5)])
    torch.testing.assert_close(together, alone, equal_nan=True)


@pytest.mark.parametrize("entry", TRACED, ids=name_of)
def test_a_layer_keeps_points_apart_and_takes_both_dtypes(entry):
    function = user_function(replace(made(entry), function=loading.load(entry["function"])))
    columns = columns_of(entry, 5)
    together = tree_leaves(function(*columns))
    alone = [tree_leaves(function(*(column[i : i + 1] for column in columns))) for i in range(5)]
    for part, each in zip(together, zip(*alone, strict=True), strict=True):
        assert part.dtype == torch.float64
        torch.testing.assert_close(part, torch.cat(each))
    assert {part.dtype for part in tree_leaves(function(*(c.float() for c in columns)))} == {torch.float32}


@pytest.mark.parametrize("entry", HEALTHY, ids=name_of)
def test_the_formula_is_the_function(entry):
    """By sympy's own arithmetic at one point: the referee has no part in it."""
    problem, columns = made(entry), columns_of(entry, 1)
    point = {symbol(name): column.item() for name, column in zip(problem.variables, columns, strict=True)}
    exact = float(in_sympy(problem.formula).subs(point).evalf(30))
    rtol = 1e-4 if columns[0].dtype == torch.float32 else 1e-9
    assert loading.load(entry["function"])(*columns).item() == pytest.approx(exact, rel=rtol, abs=1e-15)


@pytest.mark.parametrize("module", [torch_functions, torch_layers])
def test_every_function_of_the_module_is_used(module):
    used = {e["function"].rpartition(":")[2] for e in CHECKS if e["function"].startswith(f"{module.__name__}:")}
    public = {
        name
        for name, value in vars(module).items()
        if callable(value) and not name.startswith("_") and not isinstance(value, type)
    }
    assert public - {"partial", "Any", "Callable", "Columns"} == used


def test_there_are_no_other_functions_of_ours():
    ours = {e["function"].rpartition(":")[0] for e in CHECKS if "builtin" in e["function"]}
    assert ours == {torch_functions.__name__, torch_layers.__name__}
