"""∂^α of a graph node, by the chain rule over hash-consed nodes.

    ∂_j Σ c·a   = Σ c·∂_j a
    ∂_j (a·b)   = ∂_j a·b + a·∂_j b                       a longer product is one of two halves
    ∂_j a^e     = e·a^(e-1)·∂_j a
    ∂_j h(a, b) = h_1(a, b)·∂_j a + h_2(a, b)·∂_j b       with h_k from sympy's own `fdiff`

Every ∂_j of a node is kept and products stay pairs, so ∂^α(a·b) comes out as Leibniz' sum over ∂^β a·∂^(α-β) b of nodes
that are there already: the graph of all partials to order k grows like a power of k, not exponentially. A node that is
not made of x_j has ∂_j 0 and is not visited: d squares cost d steps, not d². Heads that jump have derivative 0 beside
the jump; whether the derivative exists *at* the jump is the referee's question, which it answers by comparing both
sides, so no Dirac delta appears.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import lru_cache

import sympy as sp

from derivcheck.errors import TimedOut, Unsupported
from derivcheck.multi_index import MultiIndex
from derivcheck.problem import Problem
from derivcheck.symbolic.graph import Cases, Function, Graph, Number, Product, Ref, Sum, Variable
from derivcheck.symbolic.translation import sympy_head, to_graph

MOST_RULES = 1000  # of sympy's derivatives kept, some kB each; a formula has as many as different functions
CLOCK_EVERY = 64  # nodes visited between two looks at the clock: a look takes as long as visiting a twentieth of a node


class SymbolicPartials:
    """The partials of one formula in its variables, made when asked for and then kept. Belongs to one run."""

    def __init__(self, formula: sp.Expr, variables: Sequence[str]) -> None:
        self.graph = Graph()
        self.symbols = [sp.Symbol(name, real=True) for name in variables]
        self.inputs = [self.graph.node(Variable(j)) for j in range(len(variables))]
        self.root = to_graph(self.graph, formula, dict(zip(self.symbols, self.inputs, strict=True)))
        self._begin(len(variables))

    def _begin(self, dimension: int) -> None:
        self._partials: dict[MultiIndex, Ref] = {(0,) * dimension: self.root}
        self._derivatives: dict[tuple[Ref, int], Ref] = {}
        self._pairs: dict[Ref, tuple[Ref, Ref]] = {}

    @classmethod
    def of_graph(cls, graph: Graph, root: Ref, symbols: list[sp.Symbol]) -> SymbolicPartials:
        """The partials of a node of a graph that is there already."""
        made = cls.__new__(cls)
        made.graph, made.root, made.symbols = graph, root, symbols
        made.inputs = [graph.node(Variable(j)) for j in range(len(symbols))]
        made._begin(len(symbols))
        return made

    def partial(self, alpha: MultiIndex, deadline: float | None = None) -> Ref:
        """The node of ∂^α f. Raises `Unsupported` where sympy has no rule, `TimedOut` past the deadline, which is a
        time of `time.monotonic`."""
        if alpha not in self._partials:
            j = max(place for place, times in enumerate(alpha) if times)
            parent = self.partial((*alpha[:j], alpha[j] - 1, *alpha[j + 1 :]), deadline)
            self._partials[alpha] = self.derivative(parent, j, deadline)
        return self._partials[alpha]

    def derivative(self, root: Ref, j: int, deadline: float | None = None) -> Ref:
        """∂_j of a node, after those of what it is made of. Only what is not known yet is visited."""
        variables, bit = self.graph.variables, 1 << j
        if not variables[root] & bit:
            return self.graph.zero
        known, waiting, visits = self._derivatives, [root], 0
        while waiting:
            visits += 1
            if deadline is not None and visits % CLOCK_EVERY == 0 and time.monotonic() > deadline:
                raise TimedOut("the symbolic derivative took longer than --timeout")
            ref = waiting[-1]
            missing = [part for part in self._parts(ref) if variables[part] & bit and (part, j) not in known]
            if missing:
                waiting.extend(missing)
                continue
            if (ref, j) not in known:
                known[ref, j] = self._rule(ref, j)
            waiting.pop()
        return known[root, j]

    def _parts(self, ref: Ref) -> tuple[Ref, ...]:
        """The nodes whose derivatives that of a node is made of."""
        node = self.graph.nodes[ref]
        if isinstance(node, Product) and len(node.factors) > 1:
            return self._halves(ref, node)
        return self.graph.arguments(ref)

    def _halves(self, ref: Ref, product: Product) -> tuple[Ref, Ref]:
        """A product of many as one of two: each half is differentiated once, whatever it is multiplied by."""
        if ref not in self._pairs:
            middle = len(product.factors) // 2
            left, right = (self.graph.product(part) for part in (product.factors[:middle], product.factors[middle:]))
            self._pairs[ref] = left, right
        return self._pairs[ref]

    def _rule(self, ref: Ref, j: int) -> Ref:
        graph, variables, bit = self.graph, self.graph.variables, 1 << j

        def d(argument: Ref) -> Ref:
            return self._derivatives[argument, j] if variables[argument] & bit else graph.zero

        match graph.nodes[ref]:
            case Variable(place):
                return graph.one if place == j else graph.zero
            case Sum(_, terms):
                return graph.sum([(d(t), c) for t, c in terms if variables[t] & bit])
            case Product(((a, e),)):
                return graph.sum([(graph.times(graph.product([(a, e - 1)]), d(a)), e)])
            case Product() as product:
                a, b = self._halves(ref, product)
                return graph.sum([(graph.times(d(a), b), 1), (graph.times(a, d(b)), 1)])
            case Function(head, arguments):
                inner = [(k, d(a)) for k, a in enumerate(arguments) if d(a) != graph.zero and _acts(head, k)]
                return graph.sum([(graph.times(outer(graph, head, arguments, k), da), 1) for k, da in inner])
            case Cases() as cases:
                pieces = [(d(value), condition) for value, condition in cases.pairs()]
                values = {value for value, _ in pieces}
                return (
                    values.pop() if len(values) == 1 else graph.node(Cases(tuple(r for pair in pieces for r in pair)))
                )
        return graph.zero


def symbolic_of(problem: Problem) -> SymbolicPartials:
    """The partials of a problem's formula: those of the run that it belongs to, or new ones outside of a run. Raises
    `Unsupported` if there is no formula."""
    if isinstance(problem.symbolic, SymbolicPartials):
        return problem.symbolic
    if isinstance(problem.symbolic, Unsupported):
        raise problem.symbolic
    if problem.formula is None:
        raise Unsupported("the torch code that is the formula is not traced yet")
    return SymbolicPartials(problem.formula, problem.variables)


def _acts(head: str, k: int) -> bool:
    """Whether the head depends on its k-th argument smoothly. Differences that only decide a branch do not count."""
    return not (head in ("sign", "heaviside", "floor") or (head in ("max", "min", "mod") and k == 2))


def outer(graph: Graph, head: str, arguments: tuple[Ref, ...], k: int) -> Ref:
    """h_k: the derivative of a head by its k-th argument (from 0), at these arguments."""
    if head in OWN_RULES:
        return OWN_RULES[head](graph, arguments, k)
    dummies, rule = _fdiff(head, tuple(graph.value_of(a) for a in arguments), k)
    return to_graph(graph, rule, dict(zip(dummies, arguments, strict=True)))


@lru_cache(maxsize=MOST_RULES)
def _fdiff(head: str, numbers: tuple[Number | None, ...], k: int) -> tuple[tuple[sp.Dummy, ...], sp.Expr]:
    """sympy's derivative of a head by its k-th argument, and the dummies that stand in it for those that are not
    numbers. It is kept: sympy takes up to 0.1 s, and every point may have a branch of its own."""
    dummies = tuple(sp.Dummy(f"a{i}", real=True) for i in range(len(numbers)))
    actual = [d if n is None else sp.Rational(n) for d, n in zip(dummies, numbers, strict=True)]
    application = sympy_head(head)(*actual, evaluate=False)
    try:
        rule = application.fdiff(k + 1)
    except (sp.core.function.ArgumentIndexError, AttributeError, TypeError):
        rule = None
    if rule is None or rule.has(sp.Derivative, sp.Subs, sp.Integral, sp.meijerg):
        raise Unsupported(f"sympy has no derivative of {head} in argument {k + 1}")
    return dummies, rule


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
