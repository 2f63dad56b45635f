"""The JSON Schema that editors complete suites by says what the loader does, and both what the command line does."""

import copy
import json
import tomllib
from pathlib import Path

import jsonschema
import pytest
import typer

import derivcheck
from derivcheck import choices, multi_index
from derivcheck.cli.command import app
from derivcheck.errors import SuiteError
from derivcheck.expression import scanning
from derivcheck.suite import entries as suite_entries
from derivcheck.suite import keys as suite_keys
from derivcheck.suite import values as suite_values
from derivcheck.suite.loader import loads

FILE = Path(derivcheck.__file__).parent / "suite" / "schema.json"
SCHEMA = json.loads(FILE.read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

OF_A_CHECK = {"Problem", "Sampling", "Engines", "Verdict"}  # panels of --help
OF_A_RUN = {"threads", "list-engines", "list-functions", "suite"}


def options():
    """The options of the command line that say something of a single check, and the expression: name -> parameter."""
    found = {}
    for parameter in typer.main.get_command(app).params:
        if parameter.name == "expression":
            found["expression"] = parameter
        elif parameter.rich_help_panel in OF_A_CHECK:
            found[max(parameter.opts, key=len).removeprefix("--")] = parameter
    return {name: parameter for name, parameter in found.items() if name not in OF_A_RUN}


def test_the_schema_is_one_of_its_draft():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_a_suite_has_every_option_of_a_check_and_no_other():
    assert set(suite_keys.OPTION_KEYS) == set(options())
    assert set(suite_keys.DEFAULT_KEYS) - set(suite_keys.OPTION_KEYS) == {"tags"}
    assert set(suite_keys.CHECK_KEYS) - set(suite_keys.DEFAULT_KEYS) == {"name", "skip", "xfail", "known"}


def test_the_schema_has_the_keys_of_the_loader():
    assert set(SCHEMA["properties"]) == set(suite_entries.OUTERMOST)
    assert set(SCHEMA["$defs"]["defaults"]["properties"]) == set(suite_keys.DEFAULT_KEYS)
    assert set(SCHEMA["$defs"]["check"]["properties"]) == set(suite_keys.CHECK_KEYS)


def test_every_key_is_described_and_has_the_default_of_the_command_line():
    for key in suite_keys.CHECK_KEYS:
        assert len(SCHEMA["$defs"][key]["description"]) > 10, key
    for name, parameter in options().items():
        default = parameter.default[0] if isinstance(parameter.default, list) else parameter.default
        if default not in (None, ""):
            assert SCHEMA["$defs"][name]["default"] == default, name


def test_limits_and_choices_are_those_of_the_program():
    definitions = SCHEMA["$defs"]
    assert tuple(definitions["one-dtype"]["enum"]) == choices.DTYPES
    assert tuple(definitions["sampler"]["enum"]) == choices.SAMPLERS
    assert tuple(definitions["layout"]["enum"]) == choices.LAYOUTS
    assert definitions["number-of-steps"]["maximum"] == multi_index.MOST_PARTIALS
    assert definitions["points"]["maximum"] == definitions["seed"]["maximum"] == suite_values.LARGEST_INTEGER
    assert definitions["expression"]["maxLength"] == scanning.LONGEST
    assert definitions["name"]["maxLength"] == definitions["reason"]["maxLength"] == suite_values.LONGEST_LINE
    assert SCHEMA["properties"]["check"]["maxItems"] == suite_entries.MOST_CHECKS


FULL = """
"$schema" = "https://example.org/schema.json"
[defaults]
order = 2
tags = ["all"]
[[check]]
name = "all keys"
expression = "a*x*y"
wrt = ["x", "y"]
order = [1, 2]
vars = "x,y"
param = {a = 2.5}
domain = {x = "0:1", y = [0, 2]}
function = "torch:sin"
layout = "matrix"
points = 100
seed = 1
sampler = "sobol"
corners = false
dtype = ["float64", "float32"]
device = ["cpu", "cuda:1"]
engine = ["reverse", "symbolic"]
strict = true
control = true
max-lost-bits = 10.5
rtol = 1e-3
atol = 0
timeout = 10
tags = ["slow"]
skip = "too slow"
known = "https://example.org/1"
[[check]]
expression = "x*y"
partial = ["x,y", ""]
xfail = "wrong"
[[check]]
function = "torch:sin"
reference = "torch:cos"
vars = "x"
shape = {x = [3, 4]}
[[check]]
expression = "u_t - u_xx"
function = "heat.py:residual"
vars = "x,t"
field = ["u=exp(x + t)"]
net = "net"
call = "residual(net, x, t)"
training = false
[[check]]
expression = "x*y"
function = "heat.py:gradient"
operator = "gradient"
"""
GOOD = [
    *('wrt = "x"', 'vars = "x,y"', 'vars = ["x"]', "order = 0", "order = [1]", 'partial = ""', 'partial = ["x,x"]'),
    *("domain = [0, 1]", 'domain = "0:1"', 'domain = ["x=0:1"]', "domain = {x = [0, 1]}", 'dtype = "float64,float32"'),
    *('device = "auto"', 'engine = "reverse,symbolic"', 'tags = "slow"', "corners = true", "timeout = 0", "seed = 0"),
    *('skip = "why"', 'known = "http://e.org/1"', "points = 1", 'layout = "columns"', 'name = "n[0]"'),
]
BAD = [
    *("wrt = []", "wrt = 1", 'wrt = ["x", "x"]', 'wrt = ["x,y"]', 'wrt = ","', "order = -1", "order = 5001"),
    *('order = "1"', "order = 1.5", "order = []", "order = [1, 1]", "order = true", "partial = []", "partial = 1"),
    *("vars = {}", "param = 1", "param = []", "param = {}", 'param = ["a"]', "param = {a = true}", "domain = 1"),
    *("domain = [0]", "domain = [0, true]", 'domain = "1"', 'domain = [0, "1"]', "domain = {x = 1}", "domain = {}"),
    *('function = "sin"', "function = 1", 'layout = "rows"', "points = 0", "points = 1.5", "seed = -1", "seed = '1'"),
    *('sampler = "grid"', 'corners = "yes"', 'dtype = "float65"', 'dtype = ["float64", "float64"]', "dtype = []"),
    *('device = ""', "device = 1", "engine = []", "strict = 0", "max-lost-bits = -1", 'timeout = "10"', "rtol = -1"),
    *("tags = [1]", 'tags = ["a b"]', 'tags = ["a", "a"]', 'skip = ""', "skip = true", "xfail = ' '", "known = '#1'"),
    *("reference = 'torch:sin'", "reference = 'sin'"),
    *('name = ""', "name = 1", "colour = 1", "max_lost_bits = 1", "order = 1\npartial = 'x'", "expression = ''"),
    *("xfail = 'a'\nskip = 'b'", "xfail = 'a'\nknown = 'https://e.org'", f"name = '{'n' * 1001}'", f"seed = {2**63}"),
]
BAD_FILES = [
    "",
    "check = []",
    "check = 1",
    "[check]",
    "[[defaults]]",
    "'$schema' = 1",
    "other = 1",
    "[defaults]\nname = 'x'",
]


def is_valid(text):
    return VALIDATOR.is_valid(tomllib.loads(text))


def is_loaded(text):
    try:
        return not any(check.error for check in loads(text, "s.toml"))
    except SuiteError:
        return False


def test_a_suite_with_all_keys_is_valid_and_loads():
    tree = tomllib.loads(FULL)
    assert {key for check in tree["check"] for key in check} == set(suite_keys.CHECK_KEYS)
    VALIDATOR.validate(tree)
    assert len(loads(FULL, "s.toml")) == 12


def test_every_key_takes_something_and_refuses_something():
    tree = tomllib.loads(FULL)
    for place, check in enumerate(tree["check"]):
        for key in check:
            other = copy.deepcopy(tree)
            other["check"][place][key] = [[]]
            assert not VALIDATOR.is_valid(other), key


@pytest.mark.parametrize("text", GOOD)
def test_schema_and_loader_take_the_same(text):
    entry = f"[[check]]\nexpression = 'x'\n{text}"
    assert (is_valid(entry), is_loaded(entry)) == (True, True)


@pytest.mark.parametrize("text", BAD, ids=[text[:40] for text in BAD])
def test_schema_and_loader_refuse_the_same(text):
    start = "" if text.startswith("expression") else "expression = 'x'\n"
    entry = f"[[check]]\n{start}{text}"
    assert (is_valid(entry), is_loaded(entry)) == (False, False)


@pytest.mark.parametrize("text", BAD_FILES)
def test_schema_and_loader_refuse_the_same_files(text):
    text = text if "check" in text else f"{text}\n[[check]]\nexpression = 'x'" if text else text
    assert (is_valid(text), is_loaded(text)) == (False, False)
