"""Seeded random expressions over the whole vocabulary that torch can differentiate."""

import random

from derivcheck.expression.vocabulary import FUNCTIONS

UNARY = (
    "sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh exp log log1p expm1 exp2 sqrt erf erfc erfinv "
    "sigmoid logit abs i0 i1 entr sec csc cot sech csch coth cbrt softplus acot asinh sinc log2 log10"
).split()
BINARY = ["hypot", "atan2", "Max", "Min", "xlog1py"]
NUMBERS = ["2", "0.5", "3", "1/3", "pi", "0.1", "1.7"]
POWERS = ["2", "3", "-1", "(1/2)", "(3/2)", "-2"]


def expression(seed: int, depth: int, variables: list[str]) -> str:
    """One expression of at most this depth; the same seed gives the same one."""
    return _grow(random.Random(seed), depth, variables)


def _grow(draw: random.Random, depth: int, variables: list[str]) -> str:
    if depth == 0 or draw.random() < 0.15:
        return draw.choice(variables) if draw.random() < 0.75 else draw.choice(NUMBERS)
    kind = draw.random()
    if kind < 0.35:
        return f"{draw.choice(UNARY)}({_grow(draw, depth - 1, variables)})"
    if kind < 0.42:
        return f"{draw.choice(BINARY)}({_grow(draw, depth - 1, variables)}, {_grow(draw, depth - 1, variables)})"
    if kind < 0.5:
        return f"({_grow(draw, depth - 1, variables)})**{draw.choice(POWERS)}"
    left, right = _grow(draw, depth - 1, variables), _grow(draw, depth - 1, variables)
    return f"({left}) {draw.choice('++-**/')} ({right})"


ALL = sorted(FUNCTIONS)
EXTREME = [*NUMBERS, "0", "1", "-1", "E", "1000.5", "(-2)", "10**340", "1e300", "1e-320", "999999"]
COMPARE = ["<", "<=", ">", ">=", "==", "!="]


def wild(seed: int, depth: int, variables: list[str]) -> str:
    """Any text of the grammar, sensible or not: constant conditions, Piecewise in conditions, huge numbers."""
    return _wild(random.Random(seed), depth, variables)


def _wild(draw: random.Random, depth: int, variables: list[str]) -> str:
    if depth <= 0 or draw.random() < 0.12:
        return draw.choice(variables) if draw.random() < 0.6 else draw.choice(EXTREME)
    kind = draw.random()
    if kind < 0.35:
        return _call(draw, depth, variables)
    value, other = _wild(draw, depth - 1, variables), _wild(draw, depth - 1, variables)
    if kind < 0.55:
        return f"Piecewise(({value}, {_condition(draw, depth - 1, variables)}), ({other}, True))"
    if kind < 0.65:
        return f"({value})**{draw.choice([*POWERS, f'({other})'])}"
    return f"({value}) {draw.choice('++-**/%')} ({other})"


def _call(draw: random.Random, depth: int, variables: list[str]) -> str:
    name = draw.choice(ALL)
    entry = FUNCTIONS[name]
    arguments = [_wild(draw, depth - 1, variables) for _ in range(draw.randint(entry.least, min(entry.most, 3)))]
    if entry.order_at is not None:
        arguments[entry.order_at] = str(draw.randint(0, 5))
    return f"{name}({', '.join(arguments)})"


def _condition(draw: random.Random, depth: int, variables: list[str]) -> str:
    kind = draw.random()
    if kind < 0.1 or depth < -2:
        return draw.choice(["True", "False"])
    if kind < 0.3:
        return f"{draw.choice(EXTREME)} {draw.choice(COMPARE)} {draw.choice(EXTREME)}"
    if kind < 0.4:
        return f"~({_condition(draw, depth - 1, variables)})"
    if kind < 0.55:
        left, right = (_condition(draw, depth - 1, variables) for _ in range(2))
        return f"({left}) {draw.choice('&|')} ({right})"
    return f"({_wild(draw, depth, variables)}) {draw.choice(COMPARE)} ({_wild(draw, depth, variables)})"
