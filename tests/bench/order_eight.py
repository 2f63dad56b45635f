"""All partials to order 8 of a nested function: the symbolic stage against sympy, Taylor mode against reverse mode."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import sympy as sp
import torch
from torch import Tensor

from derivcheck import problem
from derivcheck.engines import registry
from derivcheck.multi_index import MultiIndex, canonical
from derivcheck.symbolic.differentiation import SymbolicPartials
from derivcheck.symbolic.lowering import Lowered, lower
from tests.bench.row import Row, Sides, Sizes, timed

EXPRESSION = "tanh(exp(sin(x1*x2))*cos(x1+x2))"
POINT = (0.3, 0.7)
POINTS = 100


def rows(sizes: Sizes) -> list[Row]:
    """The formulas of all partials, their values, and how the first grow with the order."""
    low, high = sizes.low_order, sizes.high_order
    count = len(created(high).partials)
    work = f"{count} partials of {EXPRESSION} to order {high}"
    peer = "sympy.diff, lambdify(cse=True)"
    numbers, orders = f"{work}, n = {POINTS}", (f"order {high}", f"order {low}")
    return [
        Row(
            "formulas", f"{work}: formulas", "graph, lowered", peer, partial(formulas, high), least=150, peer_once=True
        ),
        Row("jet", numbers, "engine jet", "engine reverse", partial(values, high), least=50, most_runs=3),
        Row("orders", f"formulas to order {high}", *orders, partial(growth, low, high), most=25),
    ]


def created(order: int) -> problem.Problem:
    return problem.create(EXPRESSION, order=order)


def formulas(order: int) -> Sides:
    """Differentiate and make a function of it; the functions are then called at one point."""
    made = created(order)

    def graph() -> Lowered:
        symbolic = SymbolicPartials(made.formula, made.variables)
        return lower(symbolic.graph, [symbolic.partial(alpha) for alpha in made.partials])

    def called(lowered: Lowered) -> list[Tensor]:
        return lowered([torch.tensor([x], dtype=torch.float64) for x in POINT])

    return Sides(timed(graph, called, fresh=True), timed(lambda: by_sympy(made), at_the_point, fresh=True))


def by_sympy(made: problem.Problem) -> Callable[..., list[float]]:
    """One `diff(f, x)` per partial, of the partial before it; then all of them by one `lambdify`.

    The signature in sympy 1.14: `lambdify(args, expr, modules=None, printer=None, use_imps=True, dummify=False,
    cse=False, docstring_limit=1000)`; `cse=True` computes common parts once, "math" is the fastest at one point.
    """
    symbols = sp.symbols("x1 x2", real=True)
    x1, x2 = symbols
    known: dict[MultiIndex, sp.Expr] = {(0, 0): sp.tanh(sp.exp(sp.sin(x1 * x2)) * sp.cos(x1 + x2))}
    for alpha in made.partials[1:]:
        j = canonical(alpha)[-1]
        parent = tuple(times - (k == j) for k, times in enumerate(alpha))
        known[alpha] = sp.diff(known[parent], symbols[j])
    return sp.lambdify(symbols, [known[alpha] for alpha in made.partials], modules="math", cse=True)


def at_the_point(function: Callable[..., list[float]]) -> list[Tensor]:
    return [torch.tensor([value], dtype=torch.float64) for value in function(*POINT)]


def values(order: int) -> Sides:
    """Two engines at the same points."""
    made = created(order)
    points = torch.rand(2, POINTS, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    jet, reverse = (registry.engine(name)(made) for name in ("jet", "reverse"))
    return Sides(timed(lambda: list(jet(points).values.T)), timed(lambda: list(reverse(points).values.T)))


def growth(low: int, high: int) -> Sides:
    """The symbolic stage to two orders; the partials that both have are compared at one point."""
    common, further = created(low), created(high)

    def stage(made: problem.Problem) -> SymbolicPartials:
        symbolic = SymbolicPartials(made.formula, made.variables)
        for alpha in made.partials:
            symbolic.partial(alpha)
        return symbolic

    def called(symbolic: SymbolicPartials) -> list[Tensor]:
        lowered = lower(symbolic.graph, [symbolic.partial(alpha) for alpha in common.partials])
        return lowered([torch.tensor([x], dtype=torch.float64) for x in POINT])

    ours, peer = (timed(partial(stage, made), called, fresh=True) for made in (further, common))
    return Sides(ours, peer)
