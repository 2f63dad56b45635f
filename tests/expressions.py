"""Seeded random expressions over the whole vocabulary that torch can differentiate."""

import random

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
