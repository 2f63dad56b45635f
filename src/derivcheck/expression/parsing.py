"""Text -> sympy, by an allow list over Python's `ast`. Nothing in the text is ever evaluated.

`sympify` and `parse_expr` run code, and so does every sympy constructor that is given a string. Here each node of the
syntax tree is matched against the few kinds that an expression needs, and becomes an explicit sympy call. Values are
bounded, not tokens: 9**9**9**9 is refused when the power would be built. Decimals mean their exact value.
"""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from string import ascii_lowercase
from types import MappingProxyType
from typing import TypeVar

import sympy as sp

from derivcheck.errors import ExpressionError, RequestError, printable
from derivcheck.expression import bounds
from derivcheck.expression.branches import Branches
from derivcheck.expression.conditions import condition
from derivcheck.expression.reading import read
from derivcheck.expression.scanning import VOCABULARY, require_short, scan
from derivcheck.expression.suggestions import for_attribute, for_function
from derivcheck.expression.syntax import syntax_tree
from derivcheck.expression.texts import parse_number
from derivcheck.expression.vocabulary import ALSO_VARIABLES, CONSTANTS, FUNCTIONS, REFUSED, SWELLING, UNBOUNDED

Node = TypeVar("Node", bound=ast.expr)
# Functions that are powers: (base, exponent) from their arguments.
POWERS: dict[str, Callable[..., tuple[sp.Expr, sp.Expr]]] = {
    "pow": lambda x, y: (x, y),
    "sqrt": lambda x: (x, sp.Rational(1, 2)),
    "cbrt": lambda x: (x, sp.Rational(1, 3)),
    "root": lambda x, n: (x, 1 / n),
}
LARGE_POWER = f"Keep exponents within {bounds.LARGEST_EXPONENT} and numbers within {bounds.MOST_BITS} bits."
LONGEST_REASON = 100  # characters of what sympy says: a line with its place
NOT_REAL = "A real, finite expression is needed: check divisions by 0, logarithms and roots of constants."


@dataclass(frozen=True)
class Parsed:
    """A formula and every name in its text, in order of appearance, including those that cancelled out."""

    formula: sp.Expr
    names: tuple[str, ...]
    text: str
    """As it was read: in ASCII, with π as pi and ^ as **."""


def parse(text: str, params: Mapping[str, Fraction | sp.Expr] = MappingProxyType({})) -> Parsed:
    """Parse an expression with these names replaced by numbers, or raise `ExpressionError` with the place, the cause
    and the cure."""
    text = text.strip(" \t\r\n")
    require_short(text)
    text = read(text)
    scan(text)
    builder = Builder(text, params)
    try:
        formula = builder.expression(syntax_tree(text))
        if bounds.is_deep(formula):
            raise RecursionError
    except (RecursionError, MemoryError):
        raise ExpressionError(text, 0, 1, "the expression is nested too deeply", "Simplify it.") from None
    return Parsed(formula, tuple(builder.names), text)


def symbol(name: str) -> sp.Symbol:
    """The symbol of a variable: real, so that sqrt(x**2) is Abs(x). (`sp.symbols` would read `x:9` as a range.)"""
    return sp.Symbol(name, real=True)


class Builder:
    """Walks the syntax tree; `names` collects the variables in order of appearance."""

    def __init__(self, text: str, params: Mapping[str, Fraction | sp.Expr]) -> None:
        self.text, self.params = text, params
        self.names: dict[str, None] = {}
        self.sizes: dict[sp.Basic, int] = {}

    def error(self, node: ast.AST, cause: str, cure: str = VOCABULARY) -> ExpressionError:
        start = getattr(node, "col_offset", 0)
        return ExpressionError(self.text, start, getattr(node, "end_col_offset", start + 1) - start, cause, cure)

    def expression(self, node: ast.expr) -> sp.Expr:
        """One real number-valued expression."""
        if isinstance(node, ast.BinOp):
            return self.built(node, self.binary)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.UAdd, ast.USub)):
            operand = self.expression(node.operand)
            return operand if isinstance(node.op, ast.UAdd) else -operand
        if isinstance(node, ast.Constant):
            return self.number(node)
        if isinstance(node, ast.Name):
            return self.name(node)
        if isinstance(node, ast.Call):
            return self.built(node, self.call)
        if isinstance(node, ast.Compare):
            cure = "Compare only inside Piecewise((value, condition), (value, True))."
            raise self.error(node, "a comparison is not a number", cure)
        if isinstance(node, ast.Attribute) and (cure := for_attribute(node)):
            raise self.error(node, "a name has no parts here", cure)
        raise self.error(node, "this is not part of an expression")

    def built(self, node: Node, build: Callable[[Node], sp.Expr]) -> sp.Expr:
        """What sympy makes of a node. Its constructors may raise anything: erfinv(cosh(3)) a ValueError, for one."""
        try:
            return self.checked(node, build(node))
        except (ExpressionError, RecursionError, MemoryError):
            raise
        except Exception as reason:
            cause = f"sympy cannot evaluate this: {printable(str(reason))[:LONGEST_REASON]}"
            raise self.error(node, cause, NOT_REAL) from reason

    def checked(self, node: ast.AST, value: sp.Expr) -> sp.Expr:
        """Refuse what is infinite, complex or enormous, at the node that makes it so."""
        if bounds.written(value, self.sizes) > (most := bounds.most_written(value)):
            cause = f"written out, this has more than {most} symbols"
            raise self.error(node, cause, "Nest functions such as logit, which use their argument twice, less deeply.")
        complex_ = not value.free_symbols and value.is_real is False
        if complex_ or value.has(sp.nan, sp.zoo, sp.oo, -sp.oo, sp.I):
            raise self.error(node, "this is not a finite real number", NOT_REAL)
        if value.is_Rational and max(value.p.bit_length(), value.q.bit_length()) > bounds.MOST_BITS:
            raise self.error(
                node, f"this number has more than {bounds.MOST_BITS} bits", "No floating-point type holds it."
            )
        return value

    def number(self, node: ast.Constant) -> sp.Expr:
        if type(node.value) not in (int, float):
            raise self.error(node, f"{node.value!a} is not a real number")
        digits = self.text[node.col_offset : node.end_col_offset]
        try:
            exact = Fraction(node.value) if isinstance(node.value, int) else parse_number(digits)
        except RequestError:
            raise self.error(node, "this number is out of range", "float64 ends at 1.8e308.") from None
        return self.checked(node, sp.Rational(exact.numerator, exact.denominator))

    def name(self, node: ast.Name) -> sp.Expr:
        if node.id in CONSTANTS:
            return CONSTANTS[node.id]
        if node.id in REFUSED:
            raise self.error(
                node, f"{node.id} is not a finite real number", "Name a variable differently, or pass a finite number."
            )
        if node.id in FUNCTIONS and node.id not in ALSO_VARIABLES:
            raise self.error(node, f"the function {node.id} has no arguments here", f"Write {node.id}(...).")
        self.names[node.id] = None
        if node.id in self.params:
            number = self.params[node.id]
            is_exact = isinstance(number, Fraction)
            return self.checked(node, sp.Rational(number.numerator, number.denominator) if is_exact else number)
        return symbol(node.id)

    def binary(self, node: ast.BinOp) -> sp.Expr:
        if isinstance(node.op, (ast.Add, ast.Sub)):
            return sp.Add(*self.chain(node, ast.Add, ast.Sub, lambda x: -x))
        if isinstance(node.op, (ast.Mult, ast.Div)):
            return sp.Mul(*self.chain(node, ast.Mult, ast.Div, lambda x: 1 / x))
        if isinstance(node.op, ast.Pow):
            return self.power(node, self.expression(node.left), self.expression(node.right))
        if isinstance(node.op, ast.Mod):
            left, right = self.expression(node.left), self.expression(node.right)
            return FUNCTIONS["Mod"].build(left, self.nonzero(node.right, right))
        logical = isinstance(node.op, (ast.BitAnd, ast.BitOr))
        cure = "Join conditions with & and | inside Piecewise only." if logical else "Write / and floor(...)."
        raise self.error(node, "this operator does not work on numbers", cure)

    def chain(self, node: ast.expr, plus: type, minus: type, invert: Callable[[sp.Expr], sp.Expr]) -> list[sp.Expr]:
        """The operands of a + b - c + ..., so that one Add is built: adding one by one is quadratic, and recursive."""
        operands = []
        while isinstance(node, ast.BinOp) and isinstance(node.op, (plus, minus)):
            right = self.expression(node.right)
            if isinstance(node.op, ast.Div):
                self.nonzero(node.right, right)
            operands.append(invert(right) if isinstance(node.op, minus) else right)
            node = node.left
        return [self.expression(node), *reversed(operands)]

    def nonzero(self, node: ast.expr, value: sp.Expr) -> sp.Expr:
        if value.is_zero:
            raise self.error(node, "division by zero", NOT_REAL)
        return value

    def power(self, node: ast.AST, base: sp.Expr, exponent: sp.Expr) -> sp.Expr:
        if bounds.is_large_power(base, exponent):
            raise self.error(node, "this power is too large", LARGE_POWER)
        value = sp.Pow(base, exponent)
        largest, denominator = bounds.exponents(value)
        if largest > bounds.LARGEST_NESTED:
            raise self.error(node, "nested powers make too large an exponent", LARGE_POWER)
        nested = base.is_Pow and base.base.is_Pow
        if denominator > bounds.LARGEST_EXPONENT and nested and not base.free_symbols:  # sympy evaluates each twice
            raise self.error(node, "roots of a constant are nested too deeply", LARGE_POWER)
        if denominator > bounds.LARGEST_EXPONENT:  # of 64 nested square roots sympy makes x**(1/2**64)
            return sp.Pow(base, exponent, evaluate=False)
        return value

    def call(self, node: ast.Call) -> sp.Expr:
        if isinstance(node.func, ast.Attribute) and (cure := for_attribute(node.func)):
            raise self.error(node.func, "functions have no module here", cure)
        if not isinstance(node.func, ast.Name):
            raise self.error(
                node.func, "this cannot be called", "Write * for a product; only functions have arguments."
            )
        if node.keywords:
            raise self.error(node, "functions take no keyword arguments")
        name = node.func.id
        if name == "Piecewise":
            return self.piecewise(node)
        if name not in FUNCTIONS:
            raise self.error(node.func, f"there is no function {name}", for_function(name))
        return self.apply(node, name)

    def apply(self, node: ast.Call, name: str) -> sp.Expr:
        entry = FUNCTIONS[name]
        self.count(node, name)
        args = [self.expression(argument) for argument in node.args]
        if entry.order_at is not None:
            self.integer_order(node.args[entry.order_at], args[entry.order_at], name)
        if name in SWELLING and any(map(bounds.is_swelling, args)):
            cure = f"Keep numeric arguments within {bounds.LARGEST_SWELLING}."
            raise self.error(node, f"{name} of so large a number", cure)
        if name in POWERS:
            return self.power(node, *POWERS[name](*args))
        if name not in UNBOUNDED and any(map(bounds.is_large_constant, args)):
            raise self.error(node, f"{name} of a constant beyond a million", "Keep constants inside functions smaller.")
        return entry.build(*args)

    def count(self, node: ast.Call, name: str) -> None:
        """Refuse a wrong number of arguments."""
        least, most, given = FUNCTIONS[name].least, FUNCTIONS[name].most, len(node.args)
        if not least <= given <= most:
            number = f"{least} to {most}" if most > least else str(most)
            cause = f"{name} takes {number} argument{'s' * (most > 1)}, not {given}"
            raise self.error(node, cause, f"Write {name}({', '.join(ascii_lowercase[:least])}).")

    def integer_order(self, node: ast.expr, order: sp.Expr, name: str) -> None:
        least = 1 if name == "root" else 0
        if not (order.is_Integer and least <= order <= bounds.LARGEST_ORDER):
            raise self.error(
                node,
                f"{name} needs a whole number from {least} to {bounds.LARGEST_ORDER} here",
                f"Write {name} with a number such as 2.",
            )

    def piecewise(self, node: ast.Call) -> sp.Expr:
        pieces = []
        for piece in node.args:
            if not (isinstance(piece, ast.Tuple) and len(piece.elts) == 2):
                raise self.error(
                    piece, "Piecewise takes pairs", "Write Piecewise((value, condition), ..., (value, True))."
                )
            pieces.append((self.expression(piece.elts[0]), condition(self, piece.elts[1])))
        if not pieces or pieces[-1][1] is not sp.true:
            raise self.error(node, "Piecewise has no value for the remaining points", "End it with (value, True).")
        possible = [piece for piece in pieces if piece[1] is not sp.false]
        possible = possible[: 1 + next(k for k, piece in enumerate(possible) if piece[1] is sp.true)]
        return Branches.of(possible) if len(possible) > 1 else possible[0][0]
