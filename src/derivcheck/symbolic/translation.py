"""sympy -> graph and back: one small rule per kind of expression."""

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction

import sympy as sp
from sympy.codegen import cfunctions
from sympy.logic.boolalg import Boolean

from derivcheck.errors import Unsupported
from derivcheck.expression.branches import AllOf, AnyOf, Branches, Negation
from derivcheck.symbolic.graph import (
    Cases,
    Constant,
    Function,
    Graph,
    Logic,
    Number,
    Product,
    Ref,
    Relation,
    Sum,
    Variable,
)

OPERATORS = {
    sp.StrictLessThan: "<",
    sp.LessThan: "<=",
    sp.StrictGreaterThan: ">",
    sp.GreaterThan: ">=",
    sp.Equality: "==",
    sp.Unequality: "!=",
}
LOGIC = {AllOf: "and", AnyOf: "or", Negation: "not"}
CONSTANTS = {sp.pi: "pi", sp.E: "E"}
# Heads that sympy spells with a capital: the graph has them in lower case.
CAPITAL = {
    "abs": sp.Abs,
    "max": sp.Max,
    "min": sp.Min,
    "mod": sp.Mod,
    "heaviside": sp.Heaviside,
    "lambertw": sp.LambertW,
}


def number(value: sp.Rational) -> Number:
    """A sympy rational as an int, or as a fraction if it is not whole."""
    return int(value.p) if value.q == 1 else Fraction(int(value.p), int(value.q))


def to_graph(graph: Graph, expression: sp.Basic, names: Mapping[sp.Symbol, Ref]) -> Ref:
    """Add an expression to the graph. `names` maps each symbol to its node."""

    def go(e: sp.Basic) -> Ref:
        return to_graph(graph, e, names)

    if isinstance(expression, sp.Symbol):
        return names[expression]
    if isinstance(expression, sp.Rational):
        return graph.number(number(expression))
    if isinstance(expression, sp.Float):
        return graph.number(Fraction(str(expression)))
    if expression in CONSTANTS:
        return graph.node(Constant(CONSTANTS[expression]))
    if expression is sp.EulerGamma:  # sympy's digamma(3) is 3/2 - EulerGamma
        return graph.sum([(graph.node(Function("polygamma", (graph.zero, graph.one))), -1)])
    if isinstance(expression, sp.Add):
        return graph.sum([(go(a), 1) for a in expression.args])
    if isinstance(expression, sp.Mul):
        return graph.product([_power(graph, a, go) for a in expression.args])
    if isinstance(expression, sp.Pow):
        return graph.product([_power(graph, expression, go)])
    if isinstance(expression, Boolean):
        return _condition(graph, expression, go)
    if isinstance(expression, Branches):
        return graph.node(Cases(tuple(go(part) for part in expression.args)))
    return _function(graph, expression, go)


def _power(graph: Graph, e: sp.Expr, go: Callable[[sp.Basic], Ref]) -> tuple[Ref, Number]:
    """(base, exponent) where the exponent is a number; x**y is a function of both."""
    base, exponent = e.as_base_exp() if isinstance(e, sp.Pow) else (e, sp.S.One)
    if isinstance(exponent, sp.Rational):
        return go(base), number(exponent)
    return graph.node(Function("pow", (go(base), go(exponent)))), 1


def _condition(graph: Graph, e: Boolean, go: Callable[[sp.Basic], Ref]) -> Ref:
    if e in (sp.true, sp.false):
        return graph.node(Logic("and" if e is sp.true else "or", ()))
    if type(e) in OPERATORS:
        difference = graph.sum([(go(e.args[0]), 1), (go(e.args[1]), -1)])
        return graph.node(Relation(OPERATORS[type(e)], difference))
    if isinstance(e, sp.ITE):  # what sympy makes of a Piecewise in a condition
        return go(sp.Or(sp.And(e.args[0], e.args[1]), sp.And(sp.Not(e.args[0]), e.args[2])))
    return graph.node(Logic(LOGIC[type(e)], tuple(go(a) for a in e.args)))


def _function(graph: Graph, e: sp.Basic, go: Callable[[sp.Basic], Ref]) -> Ref:
    if not isinstance(e, sp.Function | sp.Max | sp.Min) or isinstance(e, sp.Derivative | sp.Subs):
        raise Unsupported(f"sympy leaves {type(e).__name__}(...) unevaluated, which is not a formula")
    head, refs = type(e).__name__.lower(), [go(a) for a in e.args]
    if head in ("max", "min"):
        return _extreme(graph, head, refs)
    if head == "ceiling":
        return graph.sum([(graph.node(Function("floor", (graph.sum([(refs[0], -1)]),))), -1)])
    if head == "mod":
        return graph.node(Function("mod", (*refs, graph.ratio(*refs))))
    return graph.node(Function(head, tuple(refs[:1] if head in ("heaviside", "lambertw") else refs)))


def _extreme(graph: Graph, head: str, refs: list[Ref]) -> Ref:
    """Max(a, b, c) as max(max(a, b), c); the third argument is the difference whose sign decides."""
    result = refs[0]
    for ref in refs[1:]:
        result = graph.node(Function(head, (result, ref, graph.sum([(result, 1), (ref, -1)]))))
    return result


def to_sympy(graph: Graph, root: Ref, symbols: list[sp.Symbol]) -> sp.Expr:
    """The formula of a node, to print."""
    made: dict[Ref, sp.Basic] = {}
    for ref in graph.reachable([root]):
        made[ref] = formula(graph, ref, symbols, made)
    return made[root]


def formula(graph: Graph, ref: Ref, symbols: list[sp.Symbol], made: dict[Ref, sp.Basic]) -> sp.Basic:
    """The formula of a node from those of its arguments."""
    match graph.nodes[ref]:
        case Constant(name):
            return sp.pi if name == "pi" else sp.E
        case Variable(place):
            return symbols[place]
        case Sum(constant, terms):
            return _joined(sp.Add, constant, [_joined(sp.Mul, c, [made[t]]) for t, c in terms])
        case Product(factors):
            return _joined(sp.Mul, 1, [_raised(made[f], sp.Rational(e)) for f, e in _flat(graph, factors)])
        case Relation(operator, difference):
            return {v: k for k, v in OPERATORS.items()}[operator](made[difference], 0, evaluate=False)
        case Logic(operator, conditions):
            return _joint(operator, [made[c] for c in conditions])
        case Cases() as cases:
            return Branches(*(made[part] for part in cases.arguments))
        case Function("pow", (base, exponent)):
            return _raised(made[base], made[exponent])
        case Function(head, arguments):
            return sympy_head(head)(
                *(made[a] for a in arguments[: 2 if head in ("max", "min", "mod") else None]), evaluate=False
            )


def _joint(operator: str, conditions: list[sp.Basic]) -> sp.Basic:
    """Conditions joined: `and` of nothing is true, `or` of nothing false."""
    if not conditions:
        return sp.true if operator == "and" else sp.false
    return {v: k for k, v in LOGIC.items()}[operator](*conditions)


def _flat(graph: Graph, factors: Iterable[tuple[Ref, Number]]) -> list[tuple[Ref, Number]]:
    """The factors of a product of products, for readers: x*y**2, not (x*y)*y."""
    collected: dict[Ref, Number] = {}
    waiting = list(factors)
    while waiting:
        ref, e = waiting.pop()
        node = graph.nodes[ref]
        if isinstance(node, Product) and Fraction(e).denominator == 1:
            waiting.extend((f, e * k) for f, k in node.factors)
        else:
            collected[ref] = collected.get(ref, 0) + e
    return sorted((f, e) for f, e in collected.items() if e)


def _joined(head: Callable[..., sp.Expr], number: Number, parts: list[sp.Expr]) -> sp.Expr:
    """A sum or product, unevaluated: sympy may compute a constant to as many digits as its sign takes."""
    kept = [sp.Rational(number), *parts] if number != head.identity or not parts else parts  # type: ignore[attr-defined]
    return kept[0] if len(kept) == 1 else head(*kept, evaluate=False)


def _raised(base: sp.Expr, exponent: sp.Expr) -> sp.Expr:
    return base if exponent == 1 else sp.Pow(base, exponent, evaluate=False)


def sympy_head(head: str) -> Callable[..., sp.Expr]:
    """The sympy class of a head: sin -> sympy.sin."""
    for place in (CAPITAL, vars(cfunctions), vars(sp)):
        if head in place:
            found: Callable[..., sp.Expr] = place[head]
            return found
    raise Unsupported(f"sympy has no function {head}")
