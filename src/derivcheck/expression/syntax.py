"""Text -> Python's syntax tree, with its errors as ours. Parsing runs nothing."""

import ast
import warnings

import sympy as sp

from derivcheck.errors import ExpressionError
from derivcheck.expression import bounds
from derivcheck.expression.scanning import VOCABULARY

COMPARISONS: dict[type[ast.cmpop], type] = {
    ast.Lt: sp.StrictLessThan,
    ast.LtE: sp.LessThan,
    ast.Gt: sp.StrictGreaterThan,
    ast.GtE: sp.GreaterThan,
    ast.Eq: sp.Equality,
    ast.NotEq: sp.Unequality,
}


def syntax_tree(text: str) -> ast.expr:
    """The tree of one expression. Raises `ExpressionError` where it is malformed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        column = min(max((error.offset or 1) - 1, 0), len(text) - 1)
        raise ExpressionError(text, column, 1, "the expression breaks off or is malformed here", VOCABULARY) from None
    except ValueError:
        raise ExpressionError(
            text, 0, 1, "the expression holds a number that is too long", f"Keep numbers under {bounds.MOST_BITS} bits."
        ) from None
