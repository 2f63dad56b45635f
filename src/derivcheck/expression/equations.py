"""Equations of fields as text -> sympy: u_t + u*u_x - nu*u_xx, D(k(x)*u_x, x), laplacian(u), u(x, 0); several by `;`.

An equation `a = b` means a - b. The grammar is that of an expression, with the same bounds, and nothing is evaluated.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import sympy as sp

from derivcheck.errors import ExpressionError, RequestError, did_you_mean
from derivcheck.expression.fields import Fields, Partial
from derivcheck.expression.forms import EQUALS
from derivcheck.expression.parsing import Builder, symbol
from derivcheck.expression.reading import read
from derivcheck.expression.scanning import require_short, scan
from derivcheck.expression.syntax import syntax_tree

OPERATORS = {"D": "D(expression, x, x)", "laplacian": "laplacian(u)", "div": "div(u, v)"}


@dataclass(frozen=True)
class Equation:
    """An expression that should be 0. Its names are coordinates, fields, and parameters without a value."""

    formula: sp.Expr
    text: str
    unknown: tuple[str, ...]
    """Names that are neither coordinates nor fields: parameters of the code, or mistakes."""


def equations(text: str, fields: Fields, params: Mapping[str, Fraction | sp.Expr]) -> list[Equation]:
    """Every equation of the text, in order. Raises `ExpressionError` with the place."""
    require_short(text)
    parts = [part for part in read(text).split(";") if part.strip()]
    if not parts:
        scan("")  # raises that it is empty
    return [_equation(part, fields, params) for part in parts]


def _equation(part: str, fields: Fields, params: Mapping[str, Fraction | sp.Expr]) -> Equation:
    text = part.strip(" \t\r\n")
    sides = EQUALS.split(text)
    if len(sides) == 2 and sides[1].strip() in ("0", "0.0"):
        text = sides[0].strip()
    elif len(sides) == 2:
        text = f"{sides[0].strip()} - ({sides[1].strip()})"
    scan(text)
    builder = _Reader(text, params, fields)
    try:
        formula = builder.expression(syntax_tree(text))
    except RecursionError:
        raise ExpressionError(text, 0, 1, "the expression is nested too deeply", "Simplify it.") from None
    known = {*fields.coordinates, *params}
    return Equation(formula, text, tuple(name for name in builder.names if name not in known))


class _Reader(Builder):
    """Names and calls of fields, and the operators on them; everything else as in an expression."""

    def __init__(self, text: str, params: Mapping[str, Fraction | sp.Expr], fields: Fields) -> None:
        super().__init__(text, params)
        self.fields = fields

    def field(self, node: ast.Name) -> Partial | None:
        if node.id in self.params or node.id in self.fields.coordinates:
            return None
        try:
            return self.fields.read(node.id)
        except RequestError as error:
            raise self.error(node, error.cause, error.cure) from None

    def name(self, node: ast.Name) -> sp.Expr:
        partial = self.field(node)
        if partial is not None:
            return self.fields.of(partial)
        if node.id in self.fields.coordinates:
            return symbol(node.id)
        return super().name(node)

    def call(self, node: ast.Call) -> sp.Expr:
        if isinstance(node.func, ast.Name) and not node.keywords:
            partial = self.field(node.func)
            if partial is not None:
                return self.elsewhere(node, partial)
            if node.func.id in OPERATORS:
                return {"D": self.total, "laplacian": self.laplacian, "div": self.divergence}[node.func.id](node)
        return super().call(node)

    def elsewhere(self, node: ast.Call, partial: Partial) -> sp.Expr:
        """u(x, 0): a partial at a place."""
        wanted = ", ".join(self.fields.coordinates)
        if len(node.args) != len(self.fields.coordinates):
            cause = f"a field has {len(self.fields.coordinates)} coordinates here, not {len(node.args)}"
            raise self.error(node, cause, f"Write {ast.unparse(node.func)}({wanted}) with a number or a formula each.")
        return self.fields.of(partial._replace(at=tuple(map(self.expression, node.args))))

    def total(self, node: ast.Call) -> sp.Expr:
        """D(expression, x, x)"""
        if len(node.args) < 2:
            raise self.error(node, "D takes an expression and coordinates", "Write D(k*u_x, x).")
        formula = self.expression(node.args[0])
        for argument in node.args[1:]:
            formula = self.fields.derivative(formula, self.coordinate(argument))
        return formula

    def coordinate(self, node: ast.expr) -> int:
        if isinstance(node, ast.Name) and node.id in self.fields.coordinates:
            return self.fields.coordinates.index(node.id)
        hint = did_you_mean(node.id, self.fields.coordinates) if isinstance(node, ast.Name) else ""
        raise self.error(node, "this is no coordinate", hint or f"They are {', '.join(self.fields.coordinates)}.")

    def space(self) -> list[int]:
        """The coordinates without time, which is called t."""
        return [j for j, name in enumerate(self.fields.coordinates) if name != "t"]

    def laplacian(self, node: ast.Call) -> sp.Expr:
        """Σ ∂²/∂x_j² over all coordinates but t, or over those that are named."""
        if not node.args:
            raise self.error(node, "laplacian takes an expression", "Write laplacian(u), or laplacian(u, x, y).")
        formula = self.expression(node.args[0])
        places = [self.coordinate(argument) for argument in node.args[1:]] or self.space()
        return sp.Add(*(self.fields.derivative(self.fields.derivative(formula, j), j) for j in places))

    def divergence(self, node: ast.Call) -> sp.Expr:
        """Σ ∂_j of the j-th argument, over all coordinates but t."""
        places = self.space()
        if len(node.args) != len(places):
            names = ", ".join(self.fields.coordinates[j] for j in places)
            cure = f"It takes one for each of {names}."
            raise self.error(node, f"div takes {len(places)} components, not {len(node.args)}", cure)
        return sp.Add(*(self.fields.derivative(self.expression(a), j) for a, j in zip(node.args, places, strict=True)))
