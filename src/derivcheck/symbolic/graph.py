"""An expression as a hash-consed graph: equal subexpressions are one node.

Trees of derivatives swell exponentially; graphs do not. A node is identified by its index, and every argument of a node
has a smaller index, so ascending indices are a topological order and nothing here recurses. Sums collect equal terms
and products are sorted, so that the binomials of Leibniz' rule appear by themselves
(Griewank & Walther, Evaluating Derivatives, 2008, ch. 2; hash-consing: Ershov 1958).
"""

import operator
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import reduce
from typing import Any, NamedTuple, TypeVar

Number = int | Fraction
Ref = int  # index of a node in its graph


class Constant(NamedTuple):
    """pi or E."""

    name: str


class Variable(NamedTuple):
    """x_j, by its place among the variables of the problem."""

    place: int


class Sum(NamedTuple):
    """constant + Σ coefficient·node; a lone number is a sum without terms."""

    constant: Number
    terms: tuple[tuple[Ref, Number], ...]


class Product(NamedTuple):
    """Π node**exponent, exponents rational and not 0; a lone power is a product of one factor."""

    factors: tuple[tuple[Ref, Number], ...]


class Function(NamedTuple):
    """head(arguments), such as sin(x). Heads are sympy's class names in lower case."""

    head: str
    arguments: tuple[Ref, ...]


class Relation(NamedTuple):
    """`difference operator 0`, the operator one of < <= > >= == !=."""

    operator: str
    difference: Ref


COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


class Logic(NamedTuple):
    """and, or, not over conditions; `and` of nothing is true."""

    operator: str
    conditions: tuple[Ref, ...]


class Cases(NamedTuple):
    """Piecewise: the value of the first condition that holds. Values and conditions alternate in `arguments`."""

    arguments: tuple[Ref, ...]

    def pairs(self) -> list[tuple[Ref, Ref]]:
        return list(zip(self.arguments[::2], self.arguments[1::2], strict=True))


Node = Constant | Variable | Sum | Product | Function | Relation | Logic | Cases


def power(base: Number, exponent: int) -> Number:
    """base**exponent, exactly: an int stays one, because fractions are ten times slower."""
    return base**exponent if exponent >= 0 else 1 / Fraction(base) ** -exponent


class Graph:
    """Makes nodes, each once. It grows with what is asked of it, so a graph belongs to one run and one thread."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.variables: list[int] = []  # of each node: bit j says whether it is made of x_j
        self._index: dict[tuple[type, Node], Ref] = {}
        self.zero = self.number(0)
        self.one = self.number(1)

    def node(self, node: Node) -> Ref:
        """The index of this node, new or known."""
        key = (type(node), node)
        ref = self._index.get(key)
        if ref is None:
            ref = self._index[key] = len(self.nodes)
            self.nodes.append(node)
            self.variables.append(self._variables_of(node, ref))
        return ref

    def _variables_of(self, node: Node, ref: Ref) -> int:
        if isinstance(node, Variable):
            return 1 << node.place
        return reduce(operator.or_, (self.variables[argument] for argument in self.arguments(ref)), 0)

    def number(self, value: Number) -> Ref:
        return self.node(Sum(value, ()))

    def value_of(self, ref: Ref) -> Number | None:
        """The number, if this node is one."""
        node = self.nodes[ref]
        return node.constant if isinstance(node, Sum) and not node.terms else None

    def sum(self, terms: Iterable[tuple[Ref, Number]], constant: Number = 0) -> Ref:
        """constant + Σ c·node. Sums inside are merged, equal terms collected, terms sorted."""
        collected: dict[Ref, Number] = {}
        for ref, c in terms:
            node = self.nodes[ref]
            inner = node.terms if isinstance(node, Sum) else ((ref, 1),)
            constant += c * node.constant if isinstance(node, Sum) else 0
            for term, k in inner:
                collected[term] = collected.get(term, 0) + c * k
        kept = tuple(sorted((t, c) for t, c in collected.items() if c))
        if not constant and len(kept) == 1 and kept[0][1] == 1:
            return kept[0][0]
        return self.node(Sum(constant, kept))

    def product(self, factors: Iterable[tuple[Ref, Number]]) -> Ref:
        """Π node**exponent. Products inside are merged, equal factors collected, numbers taken out in front."""
        coefficient: Number = 1
        collected: dict[Ref, Number] = {}
        for ref, exponent in factors:
            number, inner = self._powers(ref, exponent)
            coefficient *= number
            for factor, e in inner:
                collected[factor] = collected.get(factor, 0) + e
        kept = tuple(sorted((f, e) for f, e in collected.items() if e))
        if not coefficient or not kept:
            return self.number(coefficient)
        lone = len(kept) == 1 and kept[0][1] == 1
        return self.sum([(kept[0][0] if lone else self.node(Product(kept)), coefficient)])

    def times(self, a: Ref, b: Ref) -> Ref:
        """a·b with both factors unchanged, numbers taken out in front; merged only if a single power is left.

        A flat product of derivatives has as many forms as its order has partitions. Kept in pairs, Leibniz' rule meets
        the same factors again: d variables at order k need a number of nodes polynomial in k.
        """
        (c, x), (k, y) = self._scaled(a), self._scaled(b)
        powers: dict[Ref, Number] = {}
        for factor, e in (*self._powers(x, 1)[1], *self._powers(y, 1)[1]):
            powers[factor] = powers.get(factor, 0) + e
        if sum(e != 0 for e in powers.values()) < 2:
            return self.product([(self.number(c * k), 1), (x, 1), (y, 1)])
        pair = ((x, 2),) if x == y else ((min(x, y), 1), (max(x, y), 1))
        return self.sum([(self.node(Product(pair)), c * k)])

    def ratio(self, x: Ref, p: Ref) -> Ref:
        """x/p with nothing cancelled: x/x is undefined at 0, as Mod(x, x) is."""
        if self.value_of(p):
            return self.product([(x, 1), (p, -1)])
        return self.node(Product(((x, 1), (p, -1)) if x < p else ((p, -1), (x, 1))))

    def _scaled(self, ref: Ref) -> tuple[Number, Ref]:
        """A node as a number times a node."""
        node = self.nodes[ref]
        if isinstance(node, Sum) and not node.terms:
            return node.constant, self.one
        if isinstance(node, Sum) and not node.constant and len(node.terms) == 1:
            return node.terms[0][1], node.terms[0][0]
        return 1, ref

    def _powers(self, ref: Ref, exponent: Number) -> tuple[Number, Sequence[tuple[Ref, Number]]]:
        """ref**exponent as a number times powers. (c·a·b)**e splits only for whole e: (-2)**0.5 is not real."""
        node = self.nodes[ref]
        whole = Fraction(exponent).denominator == 1
        if isinstance(node, Sum) and not node.terms and whole and (node.constant or exponent > 0):
            return power(node.constant, int(exponent)), ()
        if whole and isinstance(node, Sum) and not node.constant and len(node.terms) == 1:
            term, c = node.terms[0]
            return power(c, int(exponent)), self._powers(term, exponent)[1]
        if isinstance(node, Product) and whole:
            return 1, [(f, e * exponent) for f, e in node.factors]
        return 1, [(ref, exponent)]

    def arguments(self, ref: Ref) -> tuple[Ref, ...]:
        """The nodes that this node is made of."""
        match self.nodes[ref]:
            case Sum(_, pairs) | Product(pairs):
                return tuple(r for r, _ in pairs)
            case Function(_, refs) | Logic(_, refs) | Cases(refs):
                return refs
            case Relation(_, difference):
                return (difference,)
        return ()

    def reachable(self, roots: Iterable[Ref], arguments: Callable[[Ref], Iterable[Ref]] | None = None) -> list[Ref]:
        """All nodes that the roots are made of, arguments first. `arguments` can leave out some of a node's own."""
        arguments = arguments or self.arguments
        found: set[Ref] = set()
        waiting = list(roots)
        while waiting:
            ref = waiting.pop()
            if ref not in found:
                found.add(ref)
                waiting.extend(arguments(ref))
        return sorted(found)

    def numbers(self, root: Ref) -> set[Number]:
        """The constants that are added somewhere in what the root is made of: where it may branch."""
        nodes = [self.nodes[ref] for ref in self.reachable([root])]
        return {node.constant for node in nodes if isinstance(node, Sum) and node.constant}

    def written(self, root: Ref) -> int:
        """Symbols of the node written out as a tree, which may have exponentially more than its graph has nodes."""
        sizes: dict[Ref, int] = {}
        for ref in self.reachable([root]):
            sizes[ref] = 1 + sum(sizes[argument] for argument in self.arguments(ref))
        return sizes[root]


Step = Callable[[dict[Ref, Any]], Any]
Values = TypeVar("Values", bound=dict[Ref, Any])


def evaluate(steps: Sequence[tuple[Ref, Callable[[Values], Any]]], values: Values) -> Values:
    """Run a program: every step computes the value of one node from those before it, in any arithmetic."""
    for ref, step in steps:
        values[ref] = step(values)
    return values
