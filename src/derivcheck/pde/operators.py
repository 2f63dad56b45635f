"""Differential operators on expressions: what a function that computes a whole gradient or Hessian should return."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sympy as sp

from derivcheck.errors import RequestError, counted
from derivcheck.expression.equations import Equation
from derivcheck.expression.fields import Fields

Formulas = Sequence[sp.Expr]


def _gradient(e: Formulas, fields: Fields) -> list[sp.Expr]:
    return [fields.derivative(e[0], j) for j in _places(fields)]


def _jacobian(e: Formulas, fields: Fields) -> list[sp.Expr]:
    return [fields.derivative(row, j) for row in e for j in _places(fields)]


def _hessian(e: Formulas, fields: Fields) -> list[sp.Expr]:
    first = _gradient(e, fields)
    return [fields.derivative(row, j) for row in first for j in _places(fields)]


def _laplacian(e: Formulas, fields: Fields) -> list[sp.Expr]:
    return [sp.Add(*(fields.derivative(fields.derivative(row, j), j) for j in _places(fields))) for row in e]


def _divergence(e: Formulas, fields: Fields) -> list[sp.Expr]:
    return [sp.Add(*(fields.derivative(row, j) for j, row in enumerate(e)))]


def _curl(e: Formulas, fields: Fields) -> list[sp.Expr]:
    def d(i: int, j: int) -> sp.Expr:
        return fields.derivative(e[i], j)

    return [d(1, 0) - d(0, 1)] if len(e) == 2 else [d(2, 1) - d(1, 2), d(0, 2) - d(2, 0), d(1, 0) - d(0, 1)]


def _places(fields: Fields) -> range:
    return range(len(fields.coordinates))


OPERATORS: dict[str, Callable[[Formulas, Fields], list[sp.Expr]]] = {
    "gradient": _gradient,
    "jacobian": _jacobian,
    "hessian": _hessian,
    "laplacian": _laplacian,
    "divergence": _divergence,
    "curl": _curl,
}
OF_ONE = ("gradient", "hessian")
OF_COMPONENTS = ("divergence", "curl")  # one expression per coordinate


def applied(name: str, given: Sequence[Equation], fields: Fields) -> list[Equation]:
    """The entries of the operator on the expressions, row by row. Raises `RequestError` for a wrong number of them."""
    d = len(fields.coordinates)
    if name in OF_ONE and len(given) != 1:
        raise RequestError(f"--operator {name} takes one expression, not {len(given)}", "Use jacobian for several.")
    if name in OF_COMPONENTS and len(given) != d:
        cause = f"--operator {name} takes {counted(d, 'expression')} in {counted(d, 'variable')}, not {len(given)}"
        raise RequestError(cause, 'Separate them by semicolons: "x*y; y**2".')
    if name == "curl" and d not in (2, 3):
        raise RequestError(f"--operator curl has a meaning in 2 or 3 variables, not in {d}", "Name them: --vars x,y,z.")
    unknown = tuple(name for e in given for name in e.unknown)
    return [Equation(e, str(e), unknown) for e in OPERATORS[name]([e.formula for e in given], fields)]
