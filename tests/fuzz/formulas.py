"""Random formulas: sensible ones, any text of the grammar, towers and chains of one operation, and damaged text."""

import random
from itertools import pairwise

from derivcheck.expression.vocabulary import CONSTANTS, FUNCTIONS, REFUSED
from tests.expressions import COMPARE, EXTREME, expression, wild
from tests.fuzz.case import Case
from tests.fuzz.texts import mutated

NAMES = ["x", "y", "x1", "x2", "beta", "gamma", "S", "N", "lambda_", "_", "E1", "i0"]
ATOMS = [
    *EXTREME, *CONSTANTS, *REFUSED, "1e400", "1e-400", "0.1e-2", "1_000", "0x10", "1j", "True", ".5", "5.", "10**308",
    "2**1024", "2**-1074", "(1/3)", "(-1)", "0*x", "x-x", "10**(10**10)", "EulerGamma", "1e6", "1000001", "0.0",
]  # fmt: skip
DOMAINS = ["0:1", "-1:1", "0:0", "1:1", "-1:-1", "0.5:2", "-1e300:1e300", "1e-310:1e-300", "-1000:1000", "1e18:1e19"]
DTYPES = ["float64"] * 4 + ["float32", "bfloat16", "float16"]
ENGINES = ["reverse"] * 6 + ["forward", "forward-over-reverse", "jet", "symbolic"]


def case(draw: random.Random) -> Case:
    """A formula with a domain, a dtype, an engine and an order."""
    options = ["--order", str(draw.choice([0, 1, 1, 1, 1, 1, 2, 2, 3])), "--domain=" + draw.choice(DOMAINS)]
    options += ["--dtype", draw.choice(DTYPES), "--engine", draw.choice(ENGINES), "--no-timing"]
    options += ["-n", draw.choice(["1", "1", "10"]), draw.choice(["--corners", "--no-corners", "--no-corners"])]
    if draw.random() < 0.2:
        options.append("--formulas")
    return Case([*options, "--", formula(draw)])


def formula(draw: random.Random) -> str:
    """A text that may be a formula."""
    kinds = [_sensible, _any, _any, _any, _piecewise, _tower, _chain, _constant]
    text = draw.choice(kinds)(draw)
    return mutated(draw, text) if draw.random() < 0.15 else text


def _names(draw: random.Random) -> list[str]:
    return draw.sample(NAMES, draw.randint(1, 3))


def _seed(draw: random.Random) -> int:
    return draw.getrandbits(32)


def _sensible(draw: random.Random) -> str:
    return expression(_seed(draw), draw.randint(1, 5), _names(draw))


def _any(draw: random.Random) -> str:
    leaves = [*_names(draw), draw.choice(ATOMS), draw.choice(ATOMS)] if draw.random() < 0.5 else _names(draw)
    return wild(_seed(draw), draw.randint(1, 5), leaves)


def _piecewise(draw: random.Random) -> str:
    """Several branches, with conditions that touch, that are computed, that are chained."""
    names = _names(draw)
    sides = [*names, *names, "x", "0", "1/2", "0.1", draw.choice(ATOMS), wild(_seed(draw), 2, names)]
    pieces = [f"({wild(_seed(draw), 2, names)}, {_condition(draw, sides, 2)})" for _ in range(draw.randint(1, 3))]
    whole = f"Piecewise({', '.join(pieces)}, ({wild(_seed(draw), 1, names)}, True))"
    return draw.choice(["{0}", "1/{0}", "{0}**2", "sqrt({0})", "{0}*{0} - x", "Max({0}, x)", "{0}**{0}"]).format(whole)


def _condition(draw: random.Random, sides: list[str], depth: int) -> str:
    kind = draw.random()
    if depth and kind < 0.35:
        left, right = (_condition(draw, sides, depth - 1) for _ in range(2))
        return f"({left}) {draw.choice('&|')} ({right})"
    if depth and kind < 0.45:
        return f"~({_condition(draw, sides, depth - 1)})"
    chosen = [draw.choice(sides) for _ in range(3 if kind < 0.55 else 2)]
    return chosen[0] + "".join(f" {draw.choice(COMPARE)} {b}" for _, b in pairwise(chosen))


def _tower(draw: random.Random) -> str:
    """One function of itself, up to as deep as parentheses may be nested, or a bit deeper."""
    name = draw.choice(sorted(FUNCTIONS))
    entry, text = FUNCTIONS[name], draw.choice([*NAMES, draw.choice(ATOMS)])
    for _ in range(draw.choice([2, 3, 5, 10, 30, 64, 99, 101])):
        arguments = [text, *(draw.choice([text if len(text) < 200 else "x", "x", "2"]) for _ in range(entry.least - 1))]
        if entry.order_at is not None:
            arguments[entry.order_at] = str(draw.randint(0, 4))
            arguments[1 - entry.order_at] = text
        text = f"{name}({', '.join(arguments)})"
    return text


def _chain(draw: random.Random) -> str:
    """One operator many times, with or without parentheses: x**x**x, x - (x - (x - ...)), ----x."""
    operator, length = draw.choice(["+", "-", "*", "/", "**", "%", " < ", "&"]), draw.choice([2, 5, 20, 60, 300])
    parts = [draw.choice([*NAMES[:4], draw.choice(ATOMS)]) for _ in range(length)]
    if draw.random() < 0.5 or length > 99:
        return operator.join(parts)
    return f"{operator}(".join(parts) + ")" * (length - 1)


def _constant(draw: random.Random) -> str:
    """A constant that something computes, beside a variable."""
    constant = wild(_seed(draw), draw.randint(1, 3), [draw.choice(ATOMS), "2", "0", "1", "pi"])
    return draw.choice(["x*({0})", "x + ({0})", "x**({0})", "atan2({0}, x)", "({0})**x", "Max({0}, x)"]).format(
        constant
    )
