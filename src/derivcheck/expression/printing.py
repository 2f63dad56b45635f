"""A sympy expression -> the text that `parsing` reads, so that both ways to give a formula have one meaning.

Symbols without assumptions are taken as real. What sympy has already simplified under stronger assumptions, such as
sqrt(x**2) = x for a positive x, holds only on a domain that fits them: `require_domain`.
"""

from collections.abc import Mapping
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.logic.boolalg import And, BooleanAtom, Not, Or
from sympy.printing.str import StrPrinter

from derivcheck.errors import ExpressionError, RequestError, printable
from derivcheck.expression.intervals import Interval
from derivcheck.expression.parsing import parse, symbol
from derivcheck.expression.vocabulary import CONSTANTS, FUNCTIONS

SYNTAX = (
    sp.Symbol, sp.Rational, sp.Float, sp.Add, sp.Mul, sp.Pow, sp.Piecewise, ExprCondPair, Relational, And, Or, Not,
    BooleanAtom,
)  # fmt: skip
UNEVALUATED = (sp.Derivative, sp.Integral, sp.Sum, sp.Product, sp.Limit, sp.Subs)
DOUBLE = 53  # bits of a Float that was made from a Python float


def text_of(expression: Any) -> str:
    """The expression as text. Raises `RequestError` that names a symbol or a function which no formula may have."""
    if isinstance(expression, str):
        return expression
    if not isinstance(expression, sp.Expr):
        cause = f"an expression is text or a sympy expression, not {type(expression).__name__}"
        raise RequestError(cause, 'Give one such as "x1**2*sin(x2)".')
    real = expression.xreplace({s: symbol(name) for name, s in symbols(expression).items()})
    for node in sp.preorder_traversal(real):
        _require_known(node)
    text: str = _Printer().doprint(real)
    return text


def symbols(expression: Any) -> dict[str, sp.Symbol]:
    """The symbols of a sympy expression by name; empty for a text."""
    found: dict[str, sp.Symbol] = {}
    for each in () if isinstance(expression, str) else expression.free_symbols:
        name = str(getattr(each, "name", each))
        if name in found:
            cause = f"two different symbols are named {printable(name)}"
            raise RequestError(cause, "Make it once, with one set of assumptions.")
        _require_name(name)
        _require_real(name, each)
        found[name] = each
    return found


def _require_name(name: str) -> None:
    try:
        is_name = parse(name).names == (name,)
    except ExpressionError:
        is_name = False
    if not is_name:
        raise RequestError(
            f"the symbol {printable(name)} cannot be a variable",
            "Its name must be letters, digits and _, and must not be that of a constant or a function.",
        )


def _require_real(name: str, each: sp.Symbol) -> None:
    if each.is_extended_real is False or not each.is_commutative:
        raise RequestError(f"the symbol {name} is not a real number", f"Make it with Symbol({name!r}, real=True).")


def _require_known(node: sp.Basic) -> None:
    if isinstance(node, SYNTAX) or node in CONSTANTS.values():
        return
    name = node.func.__name__
    if name in FUNCTIONS and not isinstance(node, AppliedUndef) and node.func.__module__.startswith("sympy."):
        return
    if isinstance(node, UNEVALUATED):
        raise RequestError(f"the sympy expression has a {name} that is not evaluated", "Call its method doit() first.")
    shown = name if node.args else str(node)
    cause = f"the sympy expression has {printable(shown)}, which no formula may have"
    raise RequestError(cause, "derivcheck --list-functions shows all functions; the constants are pi and E.")


def require_domain(
    expression: Any, variables: tuple[str, ...], domain: tuple[Interval, ...], params: Mapping[str, Any]
) -> None:
    """Refuse a domain that contradicts what sympy was told of a symbol, when it may have simplified accordingly."""
    ends = dict(zip(variables, domain, strict=True))
    for name, each in symbols(expression).items():
        if name not in params and name in ends and (told := _contradicted(each, *ends[name])):
            low, high = ends[name]
            raise RequestError(
                f"the symbol {name} is {told}, but its domain is {low:g}:{high:g}",
                f"Choose another domain, give {name} a value in params, or make it with Symbol({name!r}, real=True).",
            )


def _contradicted(each: sp.Symbol, low: float, high: float) -> str:
    """The assumption that some number of [low, high] breaks; an end at 0 breaks none."""
    if each.is_nonnegative and low < 0:
        return "positive" if each.is_positive else "nonnegative"
    if each.is_nonpositive and high > 0:
        return "negative" if each.is_negative else "nonpositive"
    return "an integer" if each.is_integer and not (low == high and low.is_integer()) else ""


class _Printer(StrPrinter):  # type: ignore[misc]
    """sympy's own text, with the operators of the parser, and Floats by the shortest text that is the same double."""

    def _print_Float(self, expr: sp.Float) -> str:
        return repr(float(expr)) if expr._prec <= DOUBLE else str(super()._print_Float(expr))

    def _print_Relational(self, expr: Relational) -> str:
        return f"{self._print(expr.lhs)} {expr.rel_op} {self._print(expr.rhs)}"

    def _print_And(self, expr: And) -> str:
        return " & ".join(f"({self._print(part)})" for part in expr.args)

    def _print_Or(self, expr: Or) -> str:
        return " | ".join(f"({self._print(part)})" for part in expr.args)

    def _print_Not(self, expr: Not) -> str:
        return f"~({self._print(expr.args[0])})"
