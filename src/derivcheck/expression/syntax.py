"""Text -> Python's syntax tree, with its errors as ours. Parsing runs nothing."""

import ast
import warnings

from derivcheck.errors import ExpressionError
from derivcheck.expression import bounds
from derivcheck.expression.scanning import VOCABULARY


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
