"""JAX, where it is installed: compiled before it is measured, which our engines are not. These rows only inform."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from derivcheck import problem
from derivcheck.engines import registry
from tests.bench import order_two
from tests.bench.row import NotInstalled, Row, Side, Sides, Sizes, timed

NESTED = "tanh(exp(sin(x)))"


def rows(sizes: Sizes) -> list[Row]:
    """The work of order two, and one derivative of high order by both of JAX's ways."""
    n, order, few = sizes.points, sizes.low_order, sizes.engine_points
    work = f"derivative {order} of {NESTED}, n = {few:,}"
    first = f"5 partials of {order_two.EXPRESSION} to order 2, n = {n:,}"

    def row(name: str, work: str, engine: str, peer: str, prepare: partial[Sides]) -> Row:
        return Row(name, work, f"engine {engine}", peer, prepare)

    return [
        row("jax-reverse", first, "reverse", "jax jit(vmap(grad(grad)))", partial(five, n, "reverse")),
        row("jax-symbolic", first, "symbolic", "jax jit(vmap(grad(grad)))", partial(five, n, "symbolic")),
        row("jax-grad", work, "symbolic", "jax jit(vmap(grad(...grad)))", partial(high, few, order, nested_grad)),
        row("jax-jet", work, "jet", "jax.experimental.jet, jit", partial(high, few, order, taylor, "jet")),
    ]


def jax_with_float64() -> Any:
    """JAX, whose default is float32. Raises `NotInstalled`."""
    try:
        jax = import_module("jax")
    except ImportError:
        raise NotInstalled("jax is not installed") from None
    jax.config.update("jax_enable_x64", True)
    return jax


def side(jax: Any, function: Callable[..., Any], *columns: Tensor) -> Side:
    """A compiled function of columns (n,), waited for: JAX computes while Python continues."""
    arrays = [jax.numpy.from_dlpack(column) for column in columns]
    compiled = jax.jit(function)
    return timed(lambda: jax.block_until_ready(compiled(*arrays)), lambda found: [torch.from_dlpack(v) for v in found])


def five(n: int, engine: str) -> Sides:
    """`jax.grad(fun, argnums=0)` of itself, under `jax.vmap(fun)` and `jax.jit(fun)`: signatures of jax 0.10.2."""
    jax = jax_with_float64()

    def f(x1: Any, x2: Any) -> Any:
        return x1**2 * jax.numpy.sin(x2)

    by_x1, by_x2 = jax.grad(f, 0), jax.grad(f, 1)
    partials = [by_x1, by_x2, jax.grad(by_x1, 0), jax.grad(by_x1, 1), jax.grad(by_x2, 1)]
    points = torch.rand(2, n, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    ours = order_two.sides(n, engine, order_two.by_article, keep=True).ours
    return Sides(ours, side(jax, jax.vmap(lambda x1, x2: [p(x1, x2) for p in partials]), *points))


def high(n: int, order: int, peer: Callable[[Any, int], Callable[..., Any]], engine: str = "symbolic") -> Sides:
    """One derivative of one variable."""
    jax = jax_with_float64()
    points = torch.rand(1, n, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    evaluate = registry.engine(engine)(problem.create(NESTED, partials=[",".join(["x"] * order)]))
    return Sides(timed(lambda: list(evaluate(points).values.T)), side(jax, peer(jax, order), points[0]))


def nested_grad(jax: Any, order: int) -> Callable[..., Any]:
    """As many `jax.grad` as the order."""
    found = partial(_nested, jax)
    for _ in range(order):
        found = jax.grad(found)
    mapped = jax.vmap(found)
    return lambda x: [mapped(x)]


def taylor(jax: Any, order: int) -> Callable[..., Any]:
    """`jet(fun, primals, series, factorial_scaled=True)`, as jax 0.10.2 has it, with the series (1, 0, ...).

    Its docstring: by default the term of order n in the output is the derivative of order n.
    """
    jet = import_module("jax.experimental.jet").jet

    def function(x: Any) -> list[Any]:
        series = (jax.numpy.ones_like(x), *[jax.numpy.zeros_like(x)] * (order - 1))
        _, coefficients = jet(partial(_nested, jax), (x,), (series,))
        return [coefficients[order - 1]]

    return function


def _nested(jax: Any, x: Any) -> Any:
    return jax.numpy.tanh(jax.numpy.exp(jax.numpy.sin(x)))
