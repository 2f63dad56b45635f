"""All five partials of orders 1 and 2 at millions of points: against the loop people write and against torch.func."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, autograd
from torch.func import grad, hessian, vmap

from derivcheck import problem
from derivcheck.engines import registry
from derivcheck.engines.extend import Evaluate
from derivcheck.sampling.chunks import TRIALS, ChunkSize
from tests.bench.row import Row, Sides, Sizes, timed

EXPRESSION = "x1**2*sin(x2)"
PARTIALS = ["x1", "x2", "x1,x1", "x1,x2", "x2,x2"]
ARTICLE = "autograd.grad of an (n, 2) matrix"
FUNCTIONAL = "vmap(grad(f)), vmap(hessian(f))"


def rows(sizes: Sizes) -> list[Row]:
    """Values are dropped chunk by chunk as a check does it, and once kept as the peers do it."""
    n = sizes.points
    work = f"5 partials of {EXPRESSION} to order 2, n = {n:,}"

    def row(name: str, what: str, engine: str, peer: str, least: float | None, keep: bool = False) -> Row:
        call = by_article if peer == ARTICLE else by_functional
        return Row(name, what, f"engine {engine}", peer, partial(sides, n, engine, call, keep), least)

    return [
        row("reverse-article", work, "reverse", ARTICLE, 8),
        row("reverse-article-kept", f"{work}, values kept", "reverse", ARTICLE, None, keep=True),
        row("reverse-functional", work, "reverse", FUNCTIONAL, 6),
        row("symbolic-article", work, "symbolic", ARTICLE, 15),
        row("symbolic-article-kept", f"{work}, values kept", "symbolic", ARTICLE, None, keep=True),
    ]


def sides(n: int, engine: str, peer: Callable[[Tensor], list[Tensor]], keep: bool) -> Sides:
    """The same points as rows (2, n) for us and as the peer's matrix (n, 2)."""
    points = torch.rand(2, n, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    matrix = points.T.contiguous()
    evaluate = registry.engine(engine)(problem.create(EXPRESSION, partials=PARTIALS))
    size = calibrated(evaluate, points)
    if keep:
        return Sides(timed(lambda: kept(evaluate, points, size)), timed(lambda: peer(matrix)))
    compared: list[list[Tensor]] = []

    def values(_: None) -> list[Tensor]:
        if not compared:
            compared.append(kept(evaluate, points, size))
        return compared[0]

    return Sides(timed(lambda: dropped(evaluate, points, size), values), timed(lambda: peer(matrix)))


def calibrated(evaluate: Evaluate, points: Tensor) -> int:
    """The chunk size that a check settles for; every size is tried at the first points again."""
    chunk = ChunkSize()
    for _ in range(8 * TRIALS):
        part = points[:, : chunk.size].contiguous()
        start = time.perf_counter()
        evaluate(part)
        chunk.note(part.shape[1], time.perf_counter() - start)
    return chunk.size


def dropped(evaluate: Evaluate, points: Tensor, size: int) -> None:
    """All partials at all points; the values of a chunk make room for those of the next."""
    for chunk in points.split(size, 1):
        evaluate(chunk)


def kept(evaluate: Evaluate, points: Tensor, size: int) -> list[Tensor]:
    """All partials at all points, m columns (n,)."""
    columns = torch.empty(len(PARTIALS), points.shape[1], dtype=points.dtype)
    for chunk, place in zip(points.split(size, 1), columns.split(size, 1), strict=True):
        place.copy_(evaluate(chunk).values.T)
    return list(columns)


def by_article(matrix: Tensor) -> list[Tensor]:
    """The code of the article "在PyTorch中计算导数" (Computing derivatives in PyTorch), for both of its second rows.

    It takes y = x[:, 0]**2 * sin(x[:, 1]) of one (n, 2) matrix, `autograd.grad(outputs=y, inputs=x,
    grad_outputs=torch.ones_like(y), create_graph=True)[0]`, and the same of a column `grad[:, 0]`. The article's points
    are float32; here they are float64 on both sides. Documentation:
    https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html
    """
    x = matrix.detach().requires_grad_()
    y = x[:, 0] ** 2 * torch.sin(x[:, 1])
    first = autograd.grad(outputs=y, inputs=x, grad_outputs=torch.ones_like(y), create_graph=True)[0]
    ones = torch.ones_like(first[:, 0])
    by_x1 = autograd.grad(outputs=first[:, 0], inputs=x, grad_outputs=ones, retain_graph=True)[0]
    by_x2 = autograd.grad(outputs=first[:, 1], inputs=x, grad_outputs=ones)[0]
    return [first[:, 0].detach(), first[:, 1].detach(), by_x1[:, 0], by_x1[:, 1], by_x2[:, 1]]


def by_functional(matrix: Tensor) -> list[Tensor]:
    """`vmap(func)(x)` over `grad(func)` and `hessian(func)`, which maps (2,) to (2,) and (2, 2).

    https://docs.pytorch.org/docs/stable/generated/torch.func.hessian.html
    """

    def f(x: Tensor) -> Tensor:
        return x[0] ** 2 * torch.sin(x[1])

    first, second = vmap(grad(f))(matrix), vmap(hessian(f))(matrix)
    return [first[:, 0], first[:, 1], second[:, 0, 0], second[:, 0, 1], second[:, 1, 1]]
