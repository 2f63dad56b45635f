"""Symbolic partials on the graph against sympy.diff, evaluated by mpmath: two programs that share nothing."""

import itertools
import random

import mpmath
import pytest
import sympy as sp

from derivcheck.errors import ExpressionError, TimedOut, Unsupported
from derivcheck.expression.parsing import parse
from derivcheck.multi_index import up_to_order
from derivcheck.symbolic import differentiation
from derivcheck.symbolic.differentiation import SymbolicPartials
from derivcheck.symbolic.translation import to_sympy
from tests.expressions import BINARY, expression

NAMES = ["x1", "x2"]


def value(formula, point):
    """Forty digits of a formula at a point, None where it is not real and finite."""
    with mpmath.workdps(40):
        exact = {sp.Symbol(n, real=True): sp.Rational(x) for n, x in zip(NAMES, point, strict=True)}
        try:
            number = sp.N(formula.subs(exact).doit(), 40)
        except ValueError:  # mpmath: outside the domain of the function
            return None
    return number if number.is_Float and number.is_finite else None


def agree(a, b):
    return a is None or b is None or abs(a - b) <= 1e-25 * (abs(a) + abs(b)) + sp.Float("1e-60")


def smooth(seed):
    """A random expression of depth 3 without kinks, so that sympy.diff needs no delta functions."""
    texts = (expression(1000 * seed + k, 3, NAMES) for k in itertools.count())
    return next(filter(None, map(parsed_if_smooth, texts)))


def parsed_if_smooth(text):
    try:
        return None if any(head in text for head in ("abs", "Max", "Min")) else parse(text)
    except ExpressionError:
        return None


@pytest.mark.parametrize("block", range(10))
def test_partials_up_to_order_four_are_those_of_sympy_on_200_random_expressions(block):
    compared = 0
    for seed in range(20 * block, 20 * block + 20):
        parsed = smooth(seed)
        symbols = [sp.Symbol(n, real=True) for n in NAMES]
        ours = SymbolicPartials(parsed.formula, NAMES)
        draw = random.Random(seed)
        alpha = draw.choice(up_to_order(4, [0, 1], 2))
        steps = [s for s, times in zip(symbols, alpha, strict=True) for _ in range(times)]
        theirs = sp.diff(parsed.formula, *steps) if steps else parsed.formula
        point = [sp.Rational(draw.randrange(1, 64), 64), sp.Rational(draw.randrange(1, 64), 64)]
        a, b = value(to_sympy(ours.graph, ours.partial(alpha), ours.symbols), point), value(theirs, point)
        assert agree(a, b), (parsed.formula, alpha, point)
        compared += a is not None
    assert compared >= 3


def test_the_binomials_of_leibniz_appear_by_themselves():
    x = sp.Symbol("x", real=True)
    ours = SymbolicPartials(parse("exp(x)*sin(2*x)").formula, ["x"])
    assert sp.simplify(to_sympy(ours.graph, ours.partial((4,)), [x]) - sp.diff(sp.exp(x) * sp.sin(2 * x), x, 4)) == 0
    assert len(ours.graph.reachable([ours.partial((4,))])) < 12


def test_mixed_partials_by_either_order_are_one_node():
    ours = SymbolicPartials(parse("x1**2*x2**3*exp(x1)").formula, NAMES)
    assert ours.derivative(ours.derivative(ours.root, 0), 1) == ours.derivative(ours.derivative(ours.root, 1), 0)


def test_the_graph_grows_slowly_with_the_order():
    ours = SymbolicPartials(parse("tanh(exp(sin(x1*x2))*cos(x1+x2))").formula, NAMES)
    sizes = []
    for order in (4, 8):
        for alpha in up_to_order(order, [0, 1], 2):
            ours.partial(alpha)
        sizes.append(len(ours.graph.nodes))
    assert sizes[1] < 25 * sizes[0]


@pytest.mark.parametrize(
    ("text", "derivative"),
    [
        ("Abs(x)", "sign(x)"),
        ("sign(x)", "0"),
        ("floor(x)*x", "floor(x)"),
        ("Mod(x, 3)", "1"),
        ("Heaviside(x)*x**2", "2*x*Heaviside(x)"),
        ("Piecewise((x**3, x < 1), (x, True))", "Piecewise((3*x**2, x < 1), (1, True))"),
        ("besselj(0, x)", "-besselj(1, x)"),
        ("polygamma(2, x)", "polygamma(3, x)"),
        ("zeta(2, x)", "-2*zeta(3, x)"),
    ],
)
def test_heads_with_rules_of_their_own(text, derivative):
    ours = SymbolicPartials(parse(text).formula, ["x"])
    expected = parse(derivative).formula
    for point in (sp.Rational(7, 3), sp.Rational(1, 3)):
        at = {sp.Symbol("x", real=True): point}
        difference = to_sympy(ours.graph, ours.partial((1,)), ours.symbols).subs(at) - expected.subs(at)
        assert abs(sp.N(difference.doit(), 30)) < 1e-25


@pytest.mark.parametrize("text", ["uppergamma(x, 2)", "zeta(x, 2)", "lowergamma(x, 1)"])
def test_a_derivative_that_sympy_leaves_unevaluated_is_unsupported(text):
    with pytest.raises(Unsupported, match="sympy has no derivative"):
        SymbolicPartials(parse(text).formula, ["x"]).partial((1,))


def test_the_symbolic_stage_stops_at_its_deadline():
    ours = SymbolicPartials(parse("tanh(exp(sin(x1*x2))*cos(x1+x2))").formula, NAMES)
    with pytest.raises(TimedOut, match="--timeout"):
        ours.partial((9, 9), deadline=0.0)


def test_every_function_of_two_arguments_has_both_derivatives():
    for name in BINARY:
        ours = SymbolicPartials(parse(f"{name}(x1, x2)").formula, NAMES)
        assert ours.partial((1, 0)) != ours.partial((0, 1))


def test_sympy_is_asked_once_for_a_derivative_however_many_graphs_need_it(monkeypatch):
    """Each point may have a branch with a graph of its own, such as asec(1e300 % x), and sympy takes 0.1 s for asec."""
    asked = []
    original = sp.asec.fdiff
    monkeypatch.setattr(sp.asec, "fdiff", lambda *arguments: asked.append(arguments) or original(*arguments))
    differentiation._fdiff.cache_clear()
    for text in ("asec(x)", "asec(2*x)", "x*asec(x**2)"):
        SymbolicPartials(parse(text).formula, ["x"]).partial((2,))
    assert len(asked) == 1


def test_of_a_sum_of_many_variables_only_the_term_with_the_variable_is_visited():
    names = [f"x{k}" for k in range(200)]
    ours = SymbolicPartials(parse("+".join(f"{name}**2" for name in names)).formula, names)
    for j in range(200):
        twice = ours.graph.sum([(ours.inputs[j], 2)])
        assert ours.partial(tuple(int(j == k) for k in range(200))) == twice
    assert len(ours._derivatives) < 4 * 200
