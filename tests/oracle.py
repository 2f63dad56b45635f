"""Formulas as sympy's own expressions, which sympy differentiates and evaluates: the reference of many tests."""

import sympy as sp

from derivcheck.expression.branches import AllOf, AnyOf, Branches, Negation

OWN = {AllOf: sp.And, AnyOf: sp.Or, Negation: sp.Not}


def in_sympy(formula):
    """The formula with sympy's Piecewise, And, Or and Not in place of those that sympy leaves alone."""
    if not formula.args:
        return formula
    parts = [in_sympy(part) for part in formula.args]
    if isinstance(formula, Branches):
        return sp.Piecewise(*zip(parts[::2], parts[1::2], strict=True))
    return OWN.get(formula.func, formula.func)(*parts)
