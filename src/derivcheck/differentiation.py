"""∂^α of a graph node, by the chain rule over hash-consed nodes.

    ∂_j Σ c·a   = Σ c·∂_j a
    ∂_j Π a^e   = Σ e·a^(e-1)·∂_j a·(the other factors)
    ∂_j h(a, b) = h_1(a, b)·∂_j a + h_2(a, b)·∂_j b       with h_k from sympy's own `fdiff`

Every ∂_j of a node is kept, so a partial of order k costs one more pass over the nodes of order k-1. Heads that jump
have derivative 0 beside the jump; whether the derivative exists *at* the jump is the referee's question, which it
answers by comparing both sides, so no Dirac delta appears.
"""

from collections.abc import Callable, Sequence

import sympy as sp

from derivcheck.dag import Cases, Function, Graph, Number, Product, Ref, Sum, Variable
from derivcheck.errors import Unsupported
from derivcheck.multi_index import MultiIndex
from derivcheck.translation import sympy_head, to_graph


class SymbolicPartials:
    """The partials of one formula in its variables, made when asked for and then kept."""

    def __init__(self, formula: sp.Expr, variables: Sequence[str], deadline: float | None = None) -> None:
        self.graph = Graph(deadline)
        self.symbols = [sp.Symbol(name, real=True) for name in variables]
        self.inputs = [self.graph.node(Variable(j)) for j in range(len(variables))]
        self.root = to_graph(self.graph, formula, dict(zip(self.symbols, self.inputs, strict=True)))
        self._partials: dict[MultiIndex, Ref] = {(0,) * len(variables): self.root}
        self._derivatives: dict[tuple[Ref, int], Ref] = {}

    def __getitem__(self, alpha: MultiIndex) -> Ref:
        """The node of ∂^α f. Raises `Unsupported` where sympy has no rule, `TimedOut` past the deadline."""
        if alpha not in self._partials:
            j = max(place for place, times in enumerate(alpha) if times)
            parent = self[(*alpha[:j], alpha[j] - 1, *alpha[j + 1 :])]
            self._partials[alpha] = self.derivative(parent, j)
        return self._partials[alpha]

    def derivative(self, root: Ref, j: int) -> Ref:
        """∂_j of a node: one walk over what it is made of, arguments first."""
        known = self._derivatives
        if (root, j) not in known:
            for ref in self.graph.reachable([root]):
                if (ref, j) not in known:
                    known[ref, j] = self._rule(ref, j)
        return known[root, j]

    def _rule(self, ref: Ref, j: int) -> Ref:
        graph = self.graph

        def d(argument: Ref) -> Ref:
            return self._derivatives[argument, j]

        match graph.nodes[ref]:
            case Variable(place):
                return graph.one if place == j else graph.zero
            case Sum(_, terms):
                return graph.sum([(d(t), c) for t, c in terms])
            case Product(factors):
                return graph.sum(
                    [(self._without(factors, k, d(f)), e) for k, (f, e) in enumerate(factors) if d(f) != graph.zero]
                )
            case Function(head, arguments):
                inner = [(k, d(a)) for k, a in enumerate(arguments) if d(a) != graph.zero]
                return graph.sum(
                    [
                        (graph.product([(outer(graph, head, arguments, k), 1), (da, 1)]), 1)
                        for k, da in inner
                        if _acts(head, k)
                    ]
                )
            case Cases() as cases:
                pieces = [(d(value), condition) for value, condition in cases.pairs()]
                values = {value for value, _ in pieces}
                return (
                    values.pop() if len(values) == 1 else graph.node(Cases(tuple(r for pair in pieces for r in pair)))
                )
        return graph.zero

    def _without(self, factors: tuple[tuple[Ref, Number], ...], k: int, inner: Ref) -> Ref:
        """a_k^(e-1)·∂a_k·(the other factors)."""
        lowered = [(f, e - 1 if i == k else e) for i, (f, e) in enumerate(factors)]
        return self.graph.product([*lowered, (inner, 1)])


def _acts(head: str, k: int) -> bool:
    """Whether the head depends on its k-th argument smoothly. Differences that only decide a branch do not count."""
    return not (head in ("sign", "heaviside", "floor") or (head in ("max", "min", "mod") and k == 2))


def outer(graph: Graph, head: str, arguments: tuple[Ref, ...], k: int) -> Ref:
    """h_k: the derivative of a head by its k-th argument (from 0), at these arguments."""
    if head in OWN_RULES:
        return OWN_RULES[head](graph, arguments, k)
    dummies = [sp.Dummy(f"a{i}", real=True) for i in range(len(arguments))]
    numbers = [graph.value_of(a) for a in arguments]
    actual = [d if n is None else sp.Rational(n) for d, n in zip(dummies, numbers, strict=True)]
    rule = _fdiff(head, actual, k)
    return to_graph(graph, rule, dict(zip(dummies, arguments, strict=True)))


def _fdiff(head: str, arguments: list[sp.Expr], k: int) -> sp.Expr:
    application = sympy_head(head)(*arguments, evaluate=False)
    try:
        rule = application.fdiff(k + 1)
    except (sp.core.function.ArgumentIndexError, AttributeError, TypeError):
        rule = None
    if rule is None or rule.has(sp.Derivative, sp.Subs, sp.Integral, sp.meijerg):
        raise Unsupported(f"sympy has no derivative of {head} in argument {k + 1}")
    return rule


def _pow(graph: Graph, arguments: tuple[Ref, ...], k: int) -> Ref:
    """∂(x^y) is y·x^(y-1) by x and log(x)·x^y by y. (sympy writes the first as x^y·y/x, which is NaN at 0.)"""
    x, y = arguments
    if k == 0:
        lower = graph.sum([(y, 1)], -1)
        number = graph.value_of(lower)
        power = graph.node(Function("pow", (x, lower))) if number is None else graph.product([(x, number)])
        return graph.product([(y, 1), (power, 1)])
    return graph.product([(graph.node(Function("log", (x,))), 1), (graph.node(Function("pow", arguments)), 1)])


def _chosen(graph: Graph, arguments: tuple[Ref, ...], k: int, sign: int) -> Ref:
    """max(a, b) has derivative 1 by the argument that is chosen: H(a - b) or H(b - a)."""
    towards = graph.sum([(arguments[2], sign if k == 0 else -sign)])
    return graph.node(Function("heaviside", (towards,)))


def _mod(graph: Graph, arguments: tuple[Ref, ...], k: int) -> Ref:
    """Mod(x, p) = x - p·floor(x/p), beside the jumps."""
    return graph.one if k == 0 else graph.sum([(graph.node(Function("floor", (arguments[2],))), -1)])


OWN_RULES: dict[str, Callable[[Graph, tuple[Ref, ...], int], Ref]] = {
    "pow": _pow,
    "abs": lambda graph, arguments, k: graph.node(Function("sign", arguments)),
    "max": lambda graph, arguments, k: _chosen(graph, arguments, k, 1),
    "min": lambda graph, arguments, k: _chosen(graph, arguments, k, -1),
    "mod": _mod,
}
