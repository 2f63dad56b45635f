"""Graph -> torch: every node becomes what a person would write, because that is what derivcheck checks.

x1/x2 is a division, x**(1/2) a square root, x**2 a power with a number as exponent (a tensor exponent has NaN
derivatives at 0). Nothing is repaired: a torch operation without a backward ends the row with its name. The only
exception is Piecewise: each branch is computed at its own points only, so no NaN comes from the branch not taken.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from fractions import Fraction
from functools import reduce
from operator import and_, or_
from typing import Any

import torch
from torch import Tensor

from derivcheck.errors import Unsupported
from derivcheck.symbolic.graph import (
    COMPARE,
    Cases,
    Constant,
    Function,
    Graph,
    Logic,
    Number,
    Product,
    Ref,
    Relation,
    Step,
    Sum,
    Variable,
    evaluate,
)
from derivcheck.symbolic.torch_heads import NUMERIC_FIRST, TORCH_HEADS, missing

Value = Tensor | float
PointFunction = Callable[..., Tensor]  # d columns of shape (n,) -> (n,)
Lowered = Callable[[Sequence[Tensor]], list[Tensor]]  # d columns (n,) -> one column (n,) per root


def lower(graph: Graph, roots: Sequence[Ref]) -> Lowered:
    """Compile the roots to one function: d columns (n,) -> one column (n,) per root, shared nodes computed once."""
    inputs = {ref: node.place for ref, node in enumerate(graph.nodes) if isinstance(node, Variable)}
    steps = _program(graph, roots)

    def lowered(columns: Sequence[Tensor]) -> list[Tensor]:
        values = evaluate(steps, {ref: columns[place] for ref, place in inputs.items()})
        return [_column(values[root], columns[0]) for root in roots]

    return lowered


def lower_one(graph: Graph, root: Ref) -> PointFunction:
    """Compile one root to what a person would have written: f(x1, x2, ...) -> (n,)."""
    lowered = lower(graph, [root])
    return lambda *columns: lowered(columns)[0]


def _column(value: Value, like: Tensor) -> Tensor:
    """A constant becomes a column, so that every result has shape (n,)."""
    if isinstance(value, Tensor) and value.shape == like.shape:
        return value
    number = torch.tensor(float(value), dtype=torch.float64).to(like)  # infinite where the dtype ends before it
    return number.expand_as(like).clone()


def _program(graph: Graph, roots: Sequence[Ref]) -> list[tuple[Ref, Step]]:
    """The nodes to compute at all points, arguments first; the values of a Piecewise are not among them.

    Each step drops what no later step needs, so that the next one reuses its memory, which is still in the cache.
    """
    walk = graph.reachable(roots, lambda ref: _arguments(graph, ref))
    variables = {ref for ref in walk if isinstance(graph.nodes[ref], Variable)}
    needed, steps = {*roots} | variables, []
    for ref in reversed([ref for ref in walk if ref not in variables]):
        step, last = _step(graph, ref), {*_arguments(graph, ref)} - needed
        needed |= last
        steps.append((ref, _dropping(step, last) if last else step))
    return steps[::-1]


def _arguments(graph: Graph, ref: Ref) -> Sequence[Ref]:
    node = graph.nodes[ref]
    return [condition for _, condition in node.pairs()] if isinstance(node, Cases) else graph.arguments(ref)


def _dropping(step: Step, last: Collection[Ref]) -> Step:
    def dropping(values: dict[Ref, Any]) -> Any:
        result = step(values)
        for ref in last:
            del values[ref]
        return result

    return dropping


def _step(graph: Graph, ref: Ref) -> Step:
    match graph.nodes[ref]:
        case Constant(name):
            constant = math.pi if name == "pi" else math.e
            return lambda v: constant
        case Sum(constant, terms):
            return _sum(constant, terms)
        case Product(factors):
            return _product(factors)
        case Function(head, arguments):
            return _function(head, arguments)
        case Relation(operator, difference):
            compare = COMPARE[operator]
            return lambda v: compare(v[difference], 0.0)
        case Logic(operator, conditions):
            return _logic(operator, conditions)
        case Cases() as cases:
            return _cases(graph, cases)
    raise AssertionError(f"no lowering of {graph.nodes[ref]}")


def _float(number: Number) -> float:
    try:
        return float(number)
    except OverflowError:
        raise Unsupported("a number of the expression is beyond the range of float64") from None


def _sum(constant: Number, terms: Sequence[tuple[Ref, Number]]) -> Step:
    """The constant if it is not 0, the positive terms, then the others subtracted: 1 - x, not -x + 1 or 0 + 1 - x."""
    start = _float(constant)
    ordered = [(t, _float(c)) for t, c in sorted(terms, key=lambda pair: pair[1] < 0)]
    first, rest = (ordered[0], ordered[1:]) if ordered and not start else (None, ordered)

    def step(v: Mapping[Ref, Any]) -> Any:
        total = start if first is None else _times(v[first[0]], first[1])
        for term, c in rest:
            part = _times(v[term], abs(c))
            total = total - part if c < 0 else total + part
        return total

    return step


def _times(value: Value, factor: float) -> Value:
    """factor·value without a multiplication by 1 or -1."""
    if abs(factor) == 1:
        return value if factor == 1 else -value
    return value * factor


def _product(factors: Sequence[tuple[Ref, Number]]) -> Step:
    """Numerator over denominator, each a product of powers."""
    above = [(f, e) for f, e in factors if e > 0]
    below = [(f, -e) for f, e in factors if e < 0]

    def multiply(v: Mapping[Ref, Any], powers: Sequence[tuple[Ref, Number]]) -> Any:
        total = _power(v[powers[0][0]], powers[0][1])
        for f, e in powers[1:]:
            total = total * _power(v[f], e)
        return total

    if not below:
        return lambda v: multiply(v, above)
    if not above:
        return lambda v: 1 / _nonzero(multiply(v, below))
    return lambda v: multiply(v, above) / _nonzero(multiply(v, below))


def _nonzero(value: Value) -> Value:
    return value if isinstance(value, Tensor) or value else math.nan


def _power(base: Value, exponent: Number) -> Value:
    if exponent == 1:
        return base
    if exponent == Fraction(1, 2):
        return torch.sqrt(_tensor(base))
    return _tensor(base) ** (int(exponent) if Fraction(exponent).denominator == 1 else float(exponent))


def _tensor(value: Value) -> Tensor:
    return value if isinstance(value, Tensor) else torch.tensor(value, dtype=torch.float64)


def _function(head: str, arguments: tuple[Ref, ...]) -> Step:
    op = TORCH_HEADS.get(head) or missing(head)
    numeric = int(head in NUMERIC_FIRST)

    def step(v: Mapping[Ref, Any]) -> Any:
        return op(*(v[a] for a in arguments[:numeric]), *(_tensor(v[a]) for a in arguments[numeric:]))

    return step


def _logic(operator: str, conditions: tuple[Ref, ...]) -> Step:
    """Conditions are tensors of bool, or bools if no variable is in them."""
    if operator == "not":
        return lambda v: v[conditions[0]] ^ True
    join = and_ if operator == "and" else or_
    return lambda v: reduce(join, (v[c] for c in conditions), operator == "and")


def _cases(graph: Graph, cases: Cases) -> Step:
    """Each branch is run on the points where its condition is the first to hold, and put back in its places."""
    inputs = [ref for ref, node in enumerate(graph.nodes) if isinstance(node, Variable)]
    branches = [(value, condition, _program(graph, [value])) for value, condition in cases.pairs()]

    def step(v: Mapping[Ref, Any]) -> Any:
        like = v[inputs[0]]
        result, free = torch.zeros_like(like), torch.ones_like(like, dtype=torch.bool)
        for value, condition, steps in branches:
            places = (free & v[condition]).nonzero().squeeze(1)
            free = free & (v[condition] ^ True)
            if len(places):
                inner = evaluate(steps, {ref: v[ref][places] for ref in inputs})
                result = result.index_put((places,), _column(inner[value], like[places]))
        return result

    return step
