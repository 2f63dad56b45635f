"""Arithmetic on nodes: what rules of operations are written in, x / (1 + exp(-x)) for silu.

A value is a node of a graph, or what a graph has no node for: an infinity, as masks add it, or a number that depends on
the data in a way without a formula, such as the position of a maximum. Arithmetic with infinities is that of floats
where the sign of the result is known, otherwise the result is undefined, which is the node log(-1).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from fractions import Fraction

from derivcheck.errors import Unsupported
from derivcheck.symbolic.graph import COMPARE, Cases, Constant, Function, Graph, Logic, Number, Ref, Relation

INFINITY, MINUS_INFINITY, UNKNOWN = -1, -2, -3  # in place of a node
# Functions with limits at both infinities, (at -inf, at inf), and those with one at inf alone.
LIMITS = {"exp": (0.0, math.inf), "exp2": (0.0, math.inf), "expm1": (-1.0, math.inf), "tanh": (-1.0, 1.0),
    "erf": (-1.0, 1.0), "erfc": (2.0, 0.0), "sign": (-1.0, 1.0), "abs": (math.inf, math.inf),
    "sinh": (-math.inf, math.inf), "cosh": (math.inf, math.inf), "asinh": (-math.inf, math.inf),
    "log": (math.nan, math.inf), "log1p": (math.nan, math.inf), "log2": (math.nan, math.inf)}  # fmt: skip


class Value:
    """A node of a graph, with arithmetic. A condition is a value too."""

    __slots__ = "graph", "ref"

    def __init__(self, graph: Graph, ref: Ref) -> None:
        if ref == UNKNOWN:
            raise Unsupported("uses a position that the data decide, such as that of a maximum, which has no formula")
        self.graph, self.ref = graph, ref

    @property
    def number(self) -> Number | float | None:
        """Its number, if it is one: exact, or an infinity."""
        if self.ref >= 0:
            return self.graph.value_of(self.ref)
        return math.inf if self.ref == INFINITY else -math.inf

    @property
    def is_condition(self) -> bool:
        return self.ref >= 0 and isinstance(self.graph.nodes[self.ref], Relation | Logic)

    @property
    def truth(self) -> bool | None:
        """Of a condition: whether it always holds, or never does."""
        node = self.graph.nodes[self.ref]
        return node.operator == "and" if isinstance(node, Logic) and not node.conditions else None

    def of(self, number: Number | float) -> Value:
        """A number beside this value, exactly the float that it is."""
        return number_value(self.graph, number)

    def node(self, node: Function | Cases | Relation | Logic | Constant) -> Value:
        return Value(self.graph, self.graph.node(node))

    def _with(self, other: Value | Number | float) -> Value:
        return other if isinstance(other, Value) else self.of(other)

    def plus(self, other: Value, scale: Number = 1) -> Value:
        """self + scale·other"""
        if self.ref >= 0 and other.ref >= 0:
            return Value(self.graph, self.graph.sum([(self.ref, 1), (other.ref, scale)]))
        if other.ref >= 0:
            return self
        scaled = other * self.of(scale)
        return scaled if self.ref >= 0 or self.ref == scaled.ref else undefined(self.graph)

    def __add__(self, other: Value | Number | float) -> Value:
        return self.plus(self._with(other))

    __radd__ = __add__

    def __sub__(self, other: Value | Number | float) -> Value:
        return self.plus(self._with(other), -1)

    def __rsub__(self, other: Number | float) -> Value:
        return self.of(other) - self

    def __neg__(self) -> Value:
        if self.ref < 0:
            return Value(self.graph, INFINITY + MINUS_INFINITY - self.ref)
        return Value(self.graph, self.graph.sum([(self.ref, -1)]))

    def __mul__(self, other: Value | Number | float) -> Value:
        other = self._with(other)
        if self.ref >= 0 and other.ref >= 0:
            return Value(self.graph, self.graph.product([(self.ref, 1), (other.ref, 1)]))
        a, b = self.number, other.number
        return undefined(self.graph) if a is None or b is None else self.of(float(a) * float(b))

    __rmul__ = __mul__

    def __truediv__(self, other: Value | Number | float) -> Value:
        return self * self._with(other) ** -1

    def __rtruediv__(self, other: Number | float) -> Value:
        return self.of(other) / self

    def __pow__(self, exponent: Value | Number | float) -> Value:
        """A number as exponent makes a power of it; any other, a function of both."""
        power = exponent.number if isinstance(exponent, Value) else exponent
        if power is None:
            assert isinstance(exponent, Value)
            if self.number == 0:
                at_zero = where(exponent.compare("==", 0), self.of(1), undefined(self.graph))
                return where(exponent > 0, self, at_zero)
            return apply("pow", self, exponent)
        return self.of(1) if power == 0 else self._raised(power)

    def _raised(self, power: Number | float) -> Value:
        if self.ref >= 0 and math.isfinite(power):
            return Value(self.graph, self.graph.product([(self.ref, exact(power))]))
        if self.ref == INFINITY:
            return self.of(math.inf if power > 0 else 0)
        return self.of(0) if power == -1 else undefined(self.graph)

    def compare(self, operator: str, other: Value | Number | float) -> Value:
        """The condition `self operator other`."""
        other = self._with(other)
        a, b = self.number, other.number
        if a is not None and b is not None:
            return truth(self.graph, COMPARE[operator](a, b))
        if b is not None and math.isinf(b):  # any number is below inf
            return truth(self.graph, COMPARE[operator](0, b))
        if a is not None and math.isinf(a):
            return truth(self.graph, COMPARE[operator](a, 0))
        return self.node(Relation(operator, (self - other).ref))

    def __lt__(self, other: Value | Number | float) -> Value:
        return self.compare("<", other)

    def __le__(self, other: Value | Number | float) -> Value:
        return self.compare("<=", other)

    def __gt__(self, other: Value | Number | float) -> Value:
        return self.compare(">", other)

    def __ge__(self, other: Value | Number | float) -> Value:
        return self.compare(">=", other)


def exact(number: Number | float) -> Number:
    """A finite number as the graph has it: an int if it is whole, else a fraction."""
    whole = Fraction(number)
    return int(whole) if whole.denominator == 1 else whole


def number_value(graph: Graph, number: Number | float) -> Value:
    """A number as a value; infinities and NaN too."""
    if isinstance(number, float) and not math.isfinite(number):
        return undefined(graph) if math.isnan(number) else Value(graph, INFINITY if number > 0 else MINUS_INFINITY)
    return Value(graph, graph.number(exact(number)))


def undefined(graph: Graph) -> Value:
    """What has no value: log(-1), which is NaN in torch and no ball encloses."""
    return Value(graph, graph.node(Function("log", (graph.number(-1),))))


def truth(graph: Graph, holds: bool) -> Value:
    return Value(graph, graph.node(Logic("and" if holds else "or", ())))


FOLDED: dict[str, Callable[[Number], Number]] = {
    "floor": math.floor,
    "abs": lambda x: max(x, -x),
    "sign": lambda x: (x > 0) - (x < 0),
}
"""Functions whose value at a rational number is rational: positions are computed with them."""


def apply(head: str, *arguments: Value) -> Value:
    """A function of the graph, at its limits where an argument is infinite."""
    graph = arguments[0].graph
    if head in FOLDED and arguments[0].ref >= 0 and (number := graph.value_of(arguments[0].ref)) is not None:
        return number_value(graph, FOLDED[head](number))
    if all(argument.ref >= 0 for argument in arguments):
        return Value(graph, graph.node(Function(head, tuple(argument.ref for argument in arguments))))
    low, high = LIMITS.get(head, (math.nan, math.nan))
    return number_value(graph, high if arguments[0].ref == INFINITY else low)


def where(condition: Value, yes: Value, no: Value) -> Value:
    """The branch that a condition chooses. One that is infinite has no value."""
    if (chosen := condition.truth) is not None:
        return yes if chosen else no
    if yes.ref == no.ref:
        return yes
    branches = [branch.ref if branch.ref >= 0 else undefined(yes.graph).ref for branch in (yes, no)]
    always = truth(condition.graph, True)
    return condition.node(Cases((branches[0], condition.ref, branches[1], always.ref)))


def larger(a: Value, b: Value) -> Value:
    return _extreme("max", a, b, ">=")


def smaller(a: Value, b: Value) -> Value:
    return _extreme("min", a, b, "<=")


def _extreme(head: str, a: Value, b: Value, operator: str) -> Value:
    if a.ref == b.ref:
        return a
    if (chosen := a.compare(operator, b)).truth is not None:
        return a if chosen.truth else b
    return a.node(Function(head, (a.ref, b.ref, (a - b).ref)))


def both(a: Value, b: Value) -> Value:
    return _joined("and", a, b)


def either(a: Value, b: Value) -> Value:
    return _joined("or", a, b)


def _joined(operator: str, a: Value, b: Value) -> Value:
    """Conditions joined, without those that are always true or always false."""
    for one, other in ((a, b), (b, a)):
        if one.truth is not None:
            return other if one.truth == (operator == "and") else one
    return a if a.ref == b.ref else a.node(Logic(operator, (a.ref, b.ref)))


def opposite(condition: Value) -> Value:
    known = condition.truth
    return condition.node(Logic("not", (condition.ref,))) if known is None else truth(condition.graph, not known)


def total(values: Iterable[Value], graph: Graph) -> Value:
    """The sum, as one node; 0 of nothing."""
    parts = list(values)
    if all(value.ref >= 0 for value in parts):
        return Value(graph, graph.sum([(value.ref, 1) for value in parts]))
    return sum(parts, number_value(graph, 0))


def as_number(value: Value) -> Value:
    """A condition as 1 or 0."""
    return where(value, value.of(1), value.of(0)) if value.is_condition else value


def as_condition(value: Value) -> Value:
    """A number as whether it is not 0."""
    return value if value.is_condition else value.compare("!=", 0)
