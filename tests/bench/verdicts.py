"""A whole verdict, with referee and noise, against the checks that torch brings, which compare finite differences."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

import derivcheck
from tests.bench.row import Row, Sides, Sizes, timed

EXPRESSION = "x1**2*sin(x2)"


def rows(sizes: Sizes) -> list[Row]:
    """Order 1 and order 2."""
    n = sizes.verdict_points
    first, second = (f"verdict on {EXPRESSION}, order {k}, n = {n:,}" for k in (1, 2))
    check, grad = torch.autograd.gradcheck, torch.autograd.gradgradcheck
    return [
        Row("gradcheck", first, "check(...)", "gradcheck", partial(sides, n, 1, check), least=20),
        Row("gradgradcheck", second, "check(...)", "gradgradcheck", partial(sides, n, 2, grad)),
    ]


def f(x1: torch.Tensor, x2: torch.Tensor) -> torch.Tensor:
    return x1**2 * torch.sin(x2)


def sides(n: int, order: int, peer: Callable[..., bool]) -> Sides:
    """Each says whether the derivatives are right.

    `gradcheck(func, inputs)` and `gradgradcheck(func, inputs)` with tensors that require a gradient, in float64:
    https://docs.pytorch.org/docs/stable/generated/torch.autograd.gradcheck.gradcheck.html
    """
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.rand(n, dtype=torch.float64, generator=generator).requires_grad_() for _ in range(2)]

    def check() -> bool:
        return derivcheck.check(EXPRESSION, order=order, points=n, timing=False).ok

    return Sides(timed(check, verdict, fresh=True), timed(lambda: peer(f, inputs), verdict))


def verdict(ok: Any) -> list[torch.Tensor]:
    """A verdict as the column that is compared."""
    return [torch.tensor([float(ok)])]
