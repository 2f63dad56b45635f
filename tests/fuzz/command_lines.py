"""Random command lines: every option with right, wrong and borderline values, some with suites of random entries."""

import json
import random
from collections.abc import Sequence

import typer

from derivcheck.cli.command import app
from derivcheck.suite.keys import CHECK_KEYS
from tests.fuzz.case import Case
from tests.fuzz.formulas import DOMAINS, formula
from tests.fuzz.texts import STRANGE, mutated

NUMBERS = [
    "0", "1", "-1", "2", "3", "7", "10", "0.5", "1e3", "1e-3", "nan", "inf", "-inf", "1e400", "9" * 25, "-0", "0x10",
    "1_000", "", " ", "two", "1/3", "2**63", str(2**63 - 1), str(2**63), str(2**64), "+5", "٣",
]  # fmt: skip
NAMES = ["x", "y", "x1", "x,y", "y,x", "x,x", "x,x,y", ",", "", "pi", "E", "z", "x y", "lambda", "x:9", "x1,x2"]
FUNCTION = b"""import torch

def right(x):
    return torch.sin(x)

def wrong(x):
    return torch.sin(x.detach()) * x

def raises(x):
    raise ValueError("\\x1b[31mred")

def leaves(x):
    raise SystemExit(0)

number = 3
"""
FUNCTIONS = [
    "f.py:right", "f.py:wrong", "f.py:raises", "f.py:leaves", "f.py:number", "f.py:missing", "f.py:", "f.py", ":", "f",
    "torch:sin", "math:sin", "torch:", "json:dumps", "nosuch:f", "nosuch.py:f",
    "torch.nn.functional:silu", "broken.py:f",
]  # fmt: skip
VALUES = {
    "wrt": NAMES,
    "partial": NAMES,
    "vars": NAMES,
    "param": ["y=2", "y=1/3", "y=", "=2", "y", "z=1", "y=nan", "y=1e999", "y=2=3", "x=0", "y=pi"],
    "domain": [*DOMAINS, "x=0:1", "y=-1:1", "x=", "1:0", "0", "0:1:2", "nan:1", "-inf:inf", "0:1e400", "z=0:1", ":"],
    "function": FUNCTIONS,
    "layout": ["columns", "matrix", "column", "rows", ""],
    "points": ["1", "2", "10", "100", *NUMBERS[:3], "-5", "many", "1e3"],
    "sampler": ["uniform", "floats", "sobol", "random", ""],
    "dtype": ["float64", "float32", "bfloat16", "float16", "float64,float32", "float8", "int64", "", ","],
    "device": ["cpu", "cpu,cpu", "auto", "cuda", "cuda:99", "mps", "gpu", "meta", "xla", "", "cpu:0"],
    "engine": ["reverse", "forward", "jet", "all", "symbolic", "forward-over-reverse", "reverse,jet", "backprop", ""],
    "select": ["*", "sin*", "[", "nothing", "a", "", "x**2"],
    "tag": ["slow", "!slow", "not slow", "", "!", "x y"],
    "shard": ["1/1", "1/2", "2/2", "3/2", "0/0", "1", "/", "a/b", "1/999999999"],
    "cluster": ["", "nonsense", "tcp://", "http://x:y", "a b"],
    "report": [
        "table", "json", "junit", "github", "markdown", "html", "junit=out.xml", "json=out.json", "json=no/such/f.json",
        "github=out", "=x", "json=", "table=t.txt", "json=.", "markdown=\x1b[31m.md",
    ],
    "show": ["all", "failures", "none", ""],
    "jobs": ["1", "0", "-1", "two"],
    "threads": ["1", "0", "-1", "999999", "two"],
    "timeout": ["0", "1e-9", "0.2", "1", "-1", "nan", "inf", "soon"],
    "suite": ["s.toml", "t.toml", "missing.toml", ".", "", "builtin:nosuch", "f.py"],
}  # fmt: skip
OTHER_TYPES = ["1", "-1", "true", "[]", "{}", "1.5", "nan", "[1, 'a']", "{x = [0, 1]}", "1979-05-27", "[[]]", "'a'"]
UNTRIED = {"--help", "--install-completion"}  # the first hides every other option, the second writes outside
USUAL = [["-n", "10"], ["-n", "5", "--no-timing"], ["-n", "1", "--no-corners"], ["-n", "20", "--no-timing"]]
EXPRESSIONS = [
    "sin(x)",
    "x*y",
    "x**2*sin(y)",
    "-x",
    "x1**x2",
    "1/x",
    "abs(x)",
    "-",
    "",
    "sinn(x)",
    "x +",
    "2x",
    "exp(x",
]


def case(draw: random.Random) -> Case:
    """A command line, with the files that it may name."""
    of_suite = draw.random() < 0.4
    arguments = [*draw.choice(USUAL)]
    if not of_suite or draw.random() < 0.1:
        arguments.append(draw.choice(EXPRESSIONS) if draw.random() < 0.6 else formula(draw))
    if of_suite:
        arguments += ["--suite", "s.toml"]
    for _ in range(draw.choice([0, 1, 1, 2, 3, 5])):
        arguments += _option(draw)
    if draw.random() < 0.1:
        draw.shuffle(arguments)
    arguments = [_damaged(draw, argument) for argument in arguments]
    files = {"f.py": FUNCTION, "broken.py": b"def f(:", "s.toml": _suite(draw), "t.toml": _suite(draw)}
    return Case(arguments, files, draw.choice([b"", b"x**2", b"sin(", b"\xff\xfe", b"x\n+1", b"x" * 20_000]))


def _damaged(draw: random.Random, argument: str) -> str:
    """An argument of a process has no NUL."""
    return mutated(draw, argument).replace("\0", "") if draw.random() < 0.05 else argument


def _option(draw: random.Random) -> Sequence[str]:
    parameters = typer.main.get_command(app).params
    parameter = draw.choice([p for p in parameters if p.param_type_name == "option" and not UNTRIED & {*p.opts}])
    name = draw.choice([*parameter.opts, *parameter.secondary_opts])
    if getattr(parameter, "is_flag", False):
        return [name] if draw.random() < 0.95 else [f"{name}=yes"]
    value = _value(draw, parameter.opts[-1].lstrip("-"))
    return draw.choice([[name, value], [name, value], [f"{name}={value}"], [name]])


def _value(draw: random.Random, option: str) -> str:
    kind = draw.random()
    if kind < 0.85:
        return draw.choice(VALUES.get(option, NUMBERS))
    return draw.choice([*NUMBERS, *STRANGE]).replace("\0", "")


def _suite(draw: random.Random) -> bytes:
    """A suite: mostly well-formed, with some entry wrong."""
    lines = []
    if draw.random() < 0.3:
        lines += ["[defaults]", *(_line(draw, key) for key in draw.sample(sorted(CHECK_KEYS), 2))]
    for _ in range(draw.choice([0, 1, 1, 2, 3])):
        lines += ["[[check]]", "points = 10", f"expression = {json.dumps(_text(draw))}"]
        lines += [_line(draw, key) for key in draw.sample(sorted(CHECK_KEYS), draw.choice([0, 1, 2, 3]))]
    text = "\n".join(lines) + "\n"
    if draw.random() < 0.15:
        text = mutated(draw, text)
    return text.encode("utf-8", "surrogateescape" if draw.random() < 0.5 else "replace")


def _text(draw: random.Random) -> str:
    return draw.choice(EXPRESSIONS) if draw.random() < 0.5 else formula(draw)


def _line(draw: random.Random, key: str) -> str:
    """A key with a value that fits, or one of another type."""
    kind = draw.random()
    if kind < 0.3:
        value = draw.choice(
            ["1", "-1", "true", "[]", "{}", "1.5", "nan", "[1, 'a']", "{x = [0, 1]}", "1979-05-27", "[[]]"]
        )
    elif kind < 0.4:
        value = draw.choice(NUMBERS)
    else:
        texts = VALUES.get(key, ["a name", "\x1b[31m", "unreported: a", "https://x", *NUMBERS])
        value = json.dumps([draw.choice(texts)] if kind < 0.6 else draw.choice(texts))
    return f"{draw.choice([key, key, key, key.upper(), 'x'])} = {value}"
