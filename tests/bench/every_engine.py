"""Which way of computing one derivative of high order is fastest: each engine against reverse mode."""

from __future__ import annotations

from functools import partial

import torch

from derivcheck import problem
from derivcheck.engines import registry
from tests.bench.row import Row, Sides, Sizes, timed

GROUP = "engines"
EXPRESSIONS = ("tanh(exp(sin(x)))", "sin(x)/(1+x**2)")


def rows(sizes: Sizes) -> list[Row]:
    """One row an expression, order and engine; the ratio says how many times as fast as reverse mode it is."""
    names = [name for name in registry.BUILT_IN if name != "reverse" and (sizes.compiles or name != "compiled")]
    return [
        _row(text, order, name, sizes.engine_points)
        for text in EXPRESSIONS
        for order in sizes.engine_orders
        for name in names
    ]


def _row(text: str, order: int, name: str, n: int) -> Row:
    work = f"derivative {order} of {text}, n = {n:,}"
    prepare = partial(sides, text, order, name, n)
    return Row(f"engines-{name}-{order}-{EXPRESSIONS.index(text)}", work, name, "reverse", prepare, group=GROUP)


def sides(text: str, order: int, name: str, n: int) -> Sides:
    """The derivative alone, not those below it."""
    made = problem.create(text, partials=[",".join(["x"] * order)])
    points = torch.rand(1, n, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    ours, reverse = (registry.engine(engine)(made) for engine in (name, "reverse"))
    return Sides(timed(lambda: list(ours(points).values.T)), timed(lambda: list(reverse(points).values.T)))
