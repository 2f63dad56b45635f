"""A node as text, for readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy as sp
from sympy.printing.str import sstr

from derivcheck.symbolic.graph import Ref
from derivcheck.symbolic.translation import to_sympy

if TYPE_CHECKING:
    from derivcheck.symbolic.differentiation import SymbolicPartials

CHARACTERS = 4  # per symbol, at least: a formula of 2,000 characters has at most 500 symbols
FLOAT_BITS = 20  # a denominator 2**k of a formula that people write is less than this: 0.1 in code has 2**55


def formula_text(symbolic: SymbolicPartials, root: Ref, longest: int) -> str:
    """The formula of a node; empty if it is longer than `longest` characters."""
    if symbolic.graph.written(root) > longest / CHARACTERS:
        return ""
    text: str = sstr(_with_floats(to_sympy(symbolic.graph, root, symbolic.symbols)), full_prec=False)
    return text if len(text) <= longest else ""


def _with_floats(formula: sp.Basic) -> sp.Basic:
    """The formula with the floats of torch code, which are fractions here, as floats: 0.1 again."""
    floats = {number: _float(number) for number in formula.atoms(sp.Rational) if _is_float(number)}
    return formula.xreplace(floats) if floats else formula


def _is_float(number: sp.Rational) -> bool:
    """Whether it is a float that is no short fraction. Its numerator has at most 53 bits."""
    power = int(number.q).bit_length() - 1
    return power > FLOAT_BITS and number.q == 2**power and int(abs(number.p)).bit_length() <= 53


def _float(number: sp.Rational) -> sp.Float:
    """With the 17 digits that every float of 64 bits needs, of which zeros at the end are not printed."""
    return sp.Float(repr(float(number)), 17)
