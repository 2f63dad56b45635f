"""The conditions of a Piecewise: comparisons of expressions, joined by & | ~."""

import ast
from collections.abc import Callable
from typing import Protocol

import sympy as sp
from sympy.logic.boolalg import Boolean

from derivcheck.errors import ExpressionError
from derivcheck.expression.branches import AllOf, AnyOf, Negation
from derivcheck.expression.syntax import COMPARISONS


class Reader(Protocol):
    """What reads the sides of a comparison."""

    def expression(self, node: ast.expr) -> sp.Expr: ...

    def error(self, node: ast.AST, cause: str, cure: str) -> ExpressionError: ...


def condition(reader: Reader, node: ast.expr) -> Boolean:
    """The condition of a syntax tree, or `ExpressionError`. sympy decides nothing but 1 < 2."""
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        return sp.true if node.value else sp.false
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert):
        return Negation(condition(reader, node.operand))
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.BitAnd, ast.BitOr)):
        head = AllOf if isinstance(node.op, ast.BitAnd) else AnyOf
        return head(*(condition(reader, part) for part in _chain(node, type(node.op))))
    if isinstance(node, ast.Compare):
        return _comparison(reader, node)
    raise reader.error(
        node,
        "this is not a condition",
        "Compare with < <= > >= == != and join with & | ~, each part in parentheses.",
    )


def _chain(node: ast.expr, operator: type[ast.operator]) -> list[ast.expr]:
    """The parts of a & b & c, which the syntax tree nests."""
    parts = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, operator):
        parts.append(node.right)
        node = node.left
    return [node, *reversed(parts)]


def _comparison(reader: Reader, node: ast.Compare) -> Boolean:
    sides = [reader.expression(side) for side in (node.left, *node.comparators)]
    links = [COMPARISONS.get(type(op)) for op in node.ops]
    if None in links:
        raise reader.error(node, "this is not a comparison of numbers", "Compare with < <= > >= == !=.")
    parts = [_relation(link, a, b) for link, a, b in zip(links, sides, sides[1:], strict=False) if link]
    return parts[0] if len(parts) == 1 else AllOf(*parts)


def _relation(link: Callable[..., Boolean], a: sp.Expr, b: sp.Expr) -> Boolean:
    """A comparison; of two rationals, its answer. (pi < 3 is left to ball arithmetic, which takes any constant.)"""
    return link(a, b, evaluate=a.is_Rational and b.is_Rational)
