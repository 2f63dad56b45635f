"""Piecewise and its conditions, as sympy expressions that sympy leaves alone.

sympy's own Piecewise folds, compares and reorders its conditions whenever it is part of something larger, even if
built with evaluate=False: `sqrt(Piecewise((2*x, 1000.5 < 0.1), (x, True)))` raises a TypeError, a Piecewise inside a
condition turns into ITE. Here a Piecewise is an opaque real number like a variable, and prints as sympy's does.
"""

from collections.abc import Sequence

import sympy as sp
from sympy.logic.boolalg import Boolean


class Branches(sp.Expr):  # type: ignore[misc]
    """Piecewise: the value of the first condition that holds. Values and conditions alternate in `args`."""

    is_real = True  # as variables are: sqrt(p**2) is Abs(p)
    is_number = False  # no evaluation of constants may look inside

    @classmethod
    def of(cls, pairs: Sequence[tuple[sp.Basic, sp.Basic]]) -> "Branches":
        return cls(*(part for pair in pairs for part in pair))

    def _sympystr(self, printer: sp.printing.str.StrPrinter) -> str:
        pairs = zip(self.args[::2], self.args[1::2], strict=True)
        return f"Piecewise({', '.join(f'({printer._print(v)}, {printer._print(c)})' for v, c in pairs)})"


class Junction(Boolean):  # type: ignore[misc]
    """Conditions joined by `sign`."""

    sign = ""

    def _sympystr(self, printer: sp.printing.str.StrPrinter) -> str:
        return f" {self.sign} ".join(_enclosed(printer, c) for c in self.args)


class AllOf(Junction):
    """Every condition holds."""

    sign = "&"


class AnyOf(Junction):
    """At least one condition holds."""

    sign = "|"


class Negation(Boolean):  # type: ignore[misc]
    """The condition does not hold."""

    def _sympystr(self, printer: sp.printing.str.StrPrinter) -> str:
        return f"~{_enclosed(printer, self.args[0])}"


def _enclosed(printer: sp.printing.str.StrPrinter, condition: sp.Basic) -> str:
    """In parentheses, as the parser needs it, unless it is a word."""
    text = printer._print(condition)
    return text if condition in (sp.true, sp.false) else f"({text})"
