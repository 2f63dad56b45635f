"""Everything wrong with a suite file is reported at once, each mistake with its line, its key and its cure."""

import pickle

import pytest

from derivcheck.errors import RequestError, SuiteError
from derivcheck.suite import loader as suite
from derivcheck.suite.loader import load, loads


def mistakes(text, source="s.toml"):
    """Those of a file that is refused, or else those of its checks."""
    try:
        checks = loads(text, source)
    except SuiteError as error:
        return list(error.mistakes)
    return [mistake for check in checks if check.error for mistake in check.error.split("\n\n")]


def only(text):
    """The only mistake of an entry that begins in line 2."""
    (mistake,) = mistakes(f"\n[[check]]\n{text}")
    return mistake


MANY = """[defaults]
order = "2"
wrt = "x"
name = "n"

[[check]]
name = "first"
expression = "sin(x@2"
ordr = 2
domain = [1, 0]

[[check]]
expression = "a*x"
param = {b = 1}

[[check]]
expression = "y*z"
partial = ["y,y", "q"]
domain = {y = "0:1", w = [0, 1]}
dtype = ["float64", "float65"]
"""
ALL = [
    "s.toml:2: [defaults]: order: '2' is a string. Give a whole number from 0 to 5000, or a list of them.",
    's.toml:3: check "y*z": wrt: x: the expression has no such variable. Its variables are y, z. It is in [defaults].',
    "s.toml:4: [defaults]: name: it belongs to a single check. Write it below a line [[check]].",
    "s.toml:8: check \"first\": expression: character '@' cannot be part of an expression\n"
    "    sin(x@2\n         ^\n  Write * for a product.",
    's.toml:9: check "first": ordr: there is no such key. Did you mean order?',
    's.toml:10: check "first": domain: 1:0 is reversed. Write domain = "0:1".',
    's.toml:14: check "a*x": param: b: the expression has no such name. Its names are x, a.',
    "s.toml:18: check \"y*z\": partial: q: 'q' is not a variable. The variables are y, z.",
    's.toml:19: check "y*z": domain: w=...: there is no variable w. The variables are y, z.',
    's.toml:20: check "y*z": dtype: float65: unknown. Choose from float64, float32, bfloat16, float16.',
]


def test_all_mistakes_come_at_once_in_the_order_of_their_lines():
    assert mistakes(MANY) == ALL


MISTAKES = {
    # types
    "expression = 3": '3: check 1: expression: 3 is a whole number. Give a string, such as "x1**2*sin(x2)".',
    "wrt = 1": '4: check "x": wrt: 1 is a whole number. Give names, such as ["x1", "x2"] or "x1,x2".',
    "wrt = [1]": "wrt: [...] is a list. Give names",
    "wrt = []": "wrt: 0 values. Give 1 to 5000, or leave the key out.",
    'wrt = ["x", "x"]': "wrt: 'x' is given twice. Name it once.",
    'vars = "x y"': "vars: 'x y' is not a name. Names have letters",
    "order = 1.0": "order: 1.0 is a number. Give a whole number from 0 to 5000",
    "order = true": "order: true is true or false. Give a whole number",
    "order = [1, -1]": "order: -1 is out of range. Give a whole number from 0 to 5000.",
    "order = 5001": "order: 5001 is out of range",
    "order = [1, 1]": "order: 1 is given twice",
    "points = 0": "points: 0 is out of range. Give a whole number from 1 to",
    "points = 1e4": "points: 10000.0 is a number. Give a whole number from 1 on.",
    f"points = {2**63}": "points: a number of more than 64 bits is out of range",
    f"points = 0x{'f' * 9999}": "points: a number of more than 64 bits is out of range",
    "seed = -1": "seed: -1 is out of range. Give a whole number from 0 to",
    'corners = "no"': "corners: 'no' is a string. Give true or false, without quotes.",
    "strict = 1": "strict: 1 is a whole number. Give true or false",
    "timeout = -1": "timeout: -1 is not a finite number from 0 on. Give a number such as 10.",
    "timeout = inf": "timeout: inf is not a finite number",
    "max-lost-bits = nan": "max-lost-bits: nan is not a finite number",
    "timeout = 2020-01-01": "timeout: 2020-01-01 is a date or a time. Give a number that is not negative.",
    "name = true": 'check "x": name: true is true or false. Give a string.',
    'name = " "': "name: it is empty",
    'name = "a\\u001b[31m"': "name: 'a\\x1b[31m' contains a control character. Remove it.",
    f'name = "{"n" * 1001}"': "name: it has 1001 characters, the most is 1000",
    "tags = {a = 1}": 'tags: {...} is a table. Give a list of words, such as ["slow"].',
    'tags = ["not slow"]': "tags: 'not slow' is not a word. Tags have letters",
    # names of things
    'dtype = "float65"': "dtype: float65: unknown. Choose from float64, float32, bfloat16, float16.",
    'sampler = "grid"': "sampler: grid: unknown. Choose from uniform, floats, sobol.",
    'layout = "rows"': "layout: rows: unknown. Choose from columns, matrix.",
    'device = "my gpu"': "device: my gpu: unknown. Choose from cpu, cuda, cuda:1, mps, auto.",
    'engine = "../x"': "engine: '../x' is not the name of an engine. --list-engines shows them.",
    'function = "sin"': "function: 'sin' is not a place and a name. Write it like module:name or file.py:name.",
    'function = "no.py:f"': "function: there is no file no.py. Paths begin at the suite's folder.",
    f'function = "{"n" * 999}.py:f"': "function: there is no file nnn",
    'known = "#12"': "known: '#12' is not an address",
    # the expression, and what depends on it
    'expression = ""': "3: check 1: expression: the expression is empty",
    'wrt = "y"': "wrt: y: the expression has no such variable. Its variables are x.",
    'vars = "y"': 'vars: lacks x. Give all variables in order, such as vars = "x".',
    'partial = "x,y"': "partial: x,y: 'y' is not a variable. The variables are x.",
    "partial = []": "partial: 0 values",
    'vars = "x,y,z,t"\norder = 50': '5: check "x": order: 50 in 4 variables means 316251 partials, the most is 5000. '
    'Lower order, name fewer variables in wrt, or pick single ones with partial = "x1,x1,x2".',
    # domains and parameters
    'domain = "1:0"': 'domain: 1:0 is reversed. Write domain = "0:1".',
    "domain = {x = [1, 0]}": 'domain: x=1:0 is reversed. Write domain = "x=0:1".',
    'domain = "1"': "domain: 1: not two ends. Write it like 0:1 or -pi:pi, x1=0:1 for one variable, x1=2 to fix it.",
    "domain = [0, 1, 2]": "domain: [...] is a list. Give an interval",
    "domain = [true, false]": "domain: [...] is a list",
    "domain = [0, inf]": "domain: 0:inf: 'inf' is not a number: inf is not a finite real number",
    "domain = {}": "domain: {...} is a table",
    'domain = {y = "0:1"}': "domain: y=...: there is no variable y. The variables are x.",
    'domain = {"" = "0:1"}': "domain: =...: there is no variable",
    "param = {a = 1}": "param: a: the expression has no such name. Its names are x.",
    'param = {x = "one"}': "param: x: 'one' is not a number: there is no constant one. Write it like 0.5",
    'param = ["x"]': "param: x: not a name and a value. Write it like a=2.5 or w=pi/2.",
    "param = {x = true}": "param: {...} is a table. Give a table of numbers",
    "param = {x = 1}": 'the expression has no variable. Name one in it, or give vars = "x".',
    # keys that do not go together
    "rtol = 1e-3": "rtol: goes with atol, neither negative. Give both: rtol = 1e-6 atol = 0.",
    "atol = 0": '4: check "x": atol: rtol goes with atol',
    'xfail = "bad"\nskip = "slow"': "xfail: it is given together with skip, but what is not run cannot disagree",
    'xfail = "bad"\nknown = "https://e.org"': "xfail: it is given together with known",
    'order = 1\npartial = "x"': '5: check "x": partial: it is given together with order',
    'skip = ""': "skip: it is empty. Say something, or leave the key out.",
    'xfail = "\\n "': "xfail: it is empty",
    # keys
    "max_lost_bits = 3": "max_lost_bits: there is no such key. Did you mean max-lost-bits?",
    "timing = false": "timing: there is no such key",
    '"a\\u001bb" = 1': "a\\x1bb: there is no such key. The keys are expression, wrt, order",
}


@pytest.mark.parametrize("text", MISTAKES, ids=[text[:40] for text in MISTAKES])
def test_a_mistake_names_its_line_its_key_and_the_cure(text):
    entry = text if text.startswith("expression") else f'expression = "x"\n{text}'
    message = only(entry)
    line = 3 if entry == text else 4
    assert MISTAKES[text] in message
    assert ": check " in message
    assert message.startswith(f"s.toml:{line}: ") or f"s.toml:{MISTAKES[text]}" in message or "no variable. " in message
    assert "\x1b" not in message
    assert "--" not in message.replace("--list-", "")


FILES = {
    "": "s.toml:1: [check] is missing",
    "check = []": "s.toml:1: [check] is missing",
    "\n[check]\nexpression = 'x'": "s.toml:2: [check] is a single table. Begin each check with a line [[check]]",
    "[[check]]\nwrt = 'x'": "s.toml:1: check 1: there is no expression. Give one, such as expression = ",
    "\ncheck = [1]": "s.toml:2: check 1: 1 is not a table",
    "defaults = 1\n[[check]]\nexpression = 'x'": "s.toml:1: defaults: 1 is not a table. Begin them with a line [def",
    "[[check]]\nexpression = 'x'\n[chekc]": "s.toml:3: chekc: there is no such key. Did you mean check?",
    "'$schema' = 1\n[[check]]\nexpression = 'x'": "s.toml:1: $schema: 1 is not a string",
    "[tool.derivcheck]\n[[check]]\nexpression = 'x'": "s.toml:1: tool: there is no such key",
    "[[check]]\nexpression = x*y": "s.toml:2: not TOML: Invalid value\n    expression = x*y\n                 ^\n  ",
    "[[check]]\r\nwrt = 'x'\r\nexpression = 'x": "s.toml:3: not TOML: ",
    "[[check]]\na = [1,\n\n": "s.toml:2: not TOML: ",
    "[[check]]\na = 1\na = 2": "s.toml:3: not TOML: ",
    "a = " + "[" * 100_000: "s.toml: brackets are nested too deeply",
    "a = " + "9" * 5000: "s.toml: a number has too many digits",
    "\n'a'" + ".a" * 100_000 + " = 1": "s.toml:2: not TOML: a key of more than 50 parts",
}


@pytest.mark.parametrize("text", FILES, ids=[text[:40] for text in FILES])
def test_a_file_that_is_not_a_suite_is_refused_at_its_line(text):
    (mistake,) = mistakes(text)
    assert FILES[text] in mistake


@pytest.mark.parametrize("text", ["", "[tool]\nderivcheck = 1", "[[check]]\nexpression = 'x'"])
def test_a_pyproject_without_a_suite_says_where_to_write_one(text):
    (mistake,) = mistakes(text, "pyproject.toml")
    assert mistake == ("pyproject.toml: there is no [tool.derivcheck]. Write checks under [[tool.derivcheck.check]].")


def test_in_a_pyproject_headers_have_their_whole_name():
    (mistake,) = mistakes("[tool.derivcheck]\n", "pyproject.toml")
    assert "Begin each check with a line [[tool.derivcheck.check]]" in mistake


def test_a_bad_entry_is_an_error_of_its_own_check_and_the_others_can_be_run():
    bad = ('expression = "sin(x"', 'expression = "x"\ndomain = "1:0"', 'expression = "x"\nfunction = "no.py:f"')
    text = "\n".join(f'[[check]]\nname = "{k}"\n{entry}' for k, entry in enumerate(("expression = 'y'", *bad)))
    good, *others = loads(text, "s.toml")
    assert (good.name, good.error, good.problem.variables) == ("0", "", ("y",))
    assert [(check.name, check.problem.partials) for check in others] == [("1", ()), ("2", ()), ("3", ())]
    assert [check.line for check in others] == [4, 7, 11]
    assert [check.error.split(": ")[0] for check in others] == ["s.toml:6", "s.toml:10", "s.toml:14"]


def test_one_mistake_outside_of_the_entries_refuses_the_file_with_all_its_mistakes():
    with pytest.raises(SuiteError) as caught:
        loads('[[check]]\nexpression = "sin(x"\n[defautls]', "s.toml")
    assert [mistake.split(": ")[:2] for mistake in caught.value.mistakes] == [
        ["s.toml:2", 'check "sin(x"'],
        ["s.toml:3", "defautls"],
    ]


def test_names_that_were_given_must_differ():
    entry = '[[check]]\nname = "a"\nexpression = "x"\n'
    assert mistakes(entry * 3) == [
        's.toml:5: check "a": name: the check in line 1 has the same name. Rename one.',
        's.toml:8: check "a": name: the check in line 1 has the same name. Rename one.',
    ]
    (mistake,) = mistakes(entry + 'dtype = ["float64", "float32"]\n' + entry.replace('"a"', '"a[float32]"'))
    assert mistake.startswith('s.toml:6: check "a[float32]": name: the check in line 1')


def test_a_mistake_of_the_defaults_is_reported_once_and_at_its_own_line():
    entry = '[[check]]\nexpression = "x"\n'
    assert len(mistakes("[defaults]\ndtype = 'float65'\n" + entry * 5)) == 1
    (mistake,) = mistakes("[defaults]\n\nexpression = 'x@2'\n[[check]]\norder = 2")
    assert mistake.startswith('s.toml:3: check "x@2": expression: character')


def test_a_long_name_is_cut_in_a_message():
    (mistake,) = mistakes(f"[[check]]\nexpression = \"{'x+' * 500}x\"\nwrt = 'y'")
    assert len(mistake) < 200


MISSING = {
    "sute.toml": "sute.toml: there is no such file. Did you mean suite.toml",
    "folder": "folder: this is a folder. Name a file in it.",
    "no/suite.toml": "there is no such file.",
    "latin.toml": "latin.toml:2: this is not UTF-8. Save the file in that encoding.",
    "large.toml": "the file has more than 2097152 bytes. Split it into several.",
    "a\0b": "a\\x00b: it cannot be read",
    "n" * 999: "it cannot be read: File name too long",
}


@pytest.mark.parametrize("name", MISSING, ids=[ascii(name)[1:20] for name in MISSING])
def test_a_file_that_cannot_be_read_says_why(name, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "suite.toml").touch()
    (tmp_path / "latin.toml").write_bytes(b"[[check]]\nname = '\xe4'\n")
    (tmp_path / "large.toml").write_text("#" * 10_000_000)
    with pytest.raises(SuiteError) as caught:
        load(tmp_path / name)
    assert MISSING[name] in str(caught.value)


HOSTILE = {
    "100 000 checks": ("[[check]]\n" * 100_000, "there are 100000 checks, the most is 10000"),
    "a huge matrix": (
        f"[[check]]\nexpression='x'\norder={list(range(5000))}\ndtype=['float64', 'float32', 'float16']",
        "there are 15000 checks, the most is 10000. Split the file",
    ),
    "unknown keys": (
        "[[check]]\n" + "".join(f"k{i}=1\n" for i in range(5000)),
        "s.toml: there are 1000 mistakes so far",
    ),
    "a long key": (f"[[check]]\nexpression='x'\n{'k' * 100_000}=1\n", "kkk...: there is no such key"),
    "a long value": (f"[[check]]\nexpression='x'\ndomain='{'0' * 100_000}'\n", "000..."),
    "a deep value": (f"[[check]]\nexpression='x'\nwrt={'[' * 90}{']' * 90}\n", "wrt: [...] is a list"),
    "deep tables": ("[[check]]\nexpression='x'\n[check.wrt" + ".a" * 45 + "]\n", "wrt: {...} is a table"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_a_few_words(name):
    text, message = HOSTILE[name]
    found = mistakes(text)
    assert message in found[-1]
    assert max(map(len, found)) < 500
    assert len(found) <= 1001


def test_checks_that_would_not_fit_into_memory_are_refused(monkeypatch):
    entry = "[[check]]\nexpression='x1'\ndtype=['float64', 'float32']\n"
    text = f"[defaults]\nvars={[f'x{i}' for i in range(200)]}\n" + 5 * entry
    assert len(loads(text, "s.toml")) == 10
    monkeypatch.setattr(suite, "MOST_NUMBERS", 3 * 200 * 201)
    assert mistakes(text) == [
        "s.toml:12: there are too many partials in too many variables. Split the file into several."
    ]


def test_the_error_is_a_wrong_request_of_one_paragraph_per_mistake():
    with pytest.raises(RequestError) as caught:
        loads(MANY, "s.toml")
    assert str(caught.value) == "\n\n".join(ALL)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_an_option_that_is_no_key_of_a_suite_stays_an_option_in_a_sentence():
    with pytest.raises(SuiteError) as caught:
        loads('[[check]]\nexpression = "x"\nfunction = "torch:sin"', "s.toml", functions=False)
    assert str(caught.value).endswith("Remove it, or leave out --no-functions if you trust the file.")
