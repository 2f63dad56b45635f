"""How large a number in an expression may be. Values are bounded when they would be built, not tokens."""

import sympy as sp

from derivcheck.expression.branches import Branches

MOST_BITS = 4096  # of a number: beyond every dtype's range (float64 ends at 1024), yet instant to compute with
LARGEST_EXPONENT = 1000  # of a numeric power; float64 overflows at 2**1024
LARGEST_NESTED = 2**31  # exponent of nested powers: torch takes 64 bits, from which derivatives subtract
LARGEST_SWELLING = 100  # numeric argument of gamma, zeta, ...: 170! is the last factorial in float64
LARGEST_CONSTANT = 1e6  # inside a function: exp of it is far beyond float64, and sin of it costs no more digits to find
LONGEST_CONSTANT = 300  # symbols of a number, whose sign sympy looks for: 700, as of eight nested frac, take it 12 s
LARGEST_ORDER = 30  # of polygamma and Bessel functions: their rules build one term per order
CLEAR_DIGITS = 15, 100  # of a constant whose size is to be found: as many as a float has, and at most that many tried
DEEPEST = 150  # levels of a formula: each takes up to 5 of Python's 1000 frames, in the printer of sympy

LARGEST_TREE = 20_000  # symbols of a formula written out: two per character of the longest text that is read


def most_written(value: sp.Expr) -> int:
    """Symbols that this may have, written out."""
    return LARGEST_TREE if value.free_symbols else LONGEST_CONSTANT


def written(formula: sp.Basic, known: dict[sp.Basic, int]) -> int:
    """Symbols of a formula written out, which may be exponentially more than its distinct parts: logit(x) has x twice.
    sympy walks the tree, not the graph. `known` keeps the sizes of the parts."""
    if formula not in known:
        known[formula] = 1 + sum(written(argument, known) for argument in formula.args)
    return known[formula]


def is_deep(formula: sp.Basic) -> bool:
    """Whether a formula is nested deeper than the recursive stages after the parser can follow."""
    level = {formula}
    for _ in range(DEEPEST):
        level = {argument for part in level for argument in part.args}
        if not level:
            return False
    return True


def is_large_power(base: sp.Expr, exponent: sp.Expr) -> bool:
    """Whether a power would fill the memory, or has an exponent that no formula needs."""
    if not exponent.is_Rational:
        return is_large_constant(exponent)
    bits = max(base.p.bit_length(), base.q.bit_length()) if base.is_Rational else 1
    return bool(abs(exponent) > LARGEST_EXPONENT or exponent.q > LARGEST_EXPONENT or bits * abs(exponent) > MOST_BITS)


def exponents(value: sp.Expr) -> tuple[sp.Rational, int]:
    """The largest size and denominator of the exponents in what sympy has made of nested powers, such as x**1000000."""
    powers = [factor.exp for factor in sp.Mul.make_args(value) if isinstance(factor, sp.Pow) and factor.exp.is_Rational]
    return max(map(abs, powers), default=sp.S.Zero), max((e.q for e in powers), default=1)


def is_swelling(argument: sp.Expr) -> bool:
    """Whether the exact value of gamma, zeta, ... of this number would have too many digits."""
    return bool(argument.is_Rational and (abs(argument) > LARGEST_SWELLING or argument.q > LARGEST_EXPONENT))


def is_large_constant(value: sp.Expr) -> bool:
    """Whether a number, made of functions of smaller ones, exceeds `LARGEST_CONSTANT`: its sine can take forever."""
    if value.free_symbols or value.has(sp.floor, sp.ceiling, sp.Mod, Branches):
        return False
    digits, most = CLEAR_DIGITS
    size = abs(sp.N(value, digits, maxn=most))
    return not (size.is_Float and size <= LARGEST_CONSTANT) and not size.is_zero
