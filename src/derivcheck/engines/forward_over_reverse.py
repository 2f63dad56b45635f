"""Forward mode over one reverse pass: the usual way to a fast Hessian.

One vector-Jacobian product gives the whole gradient at the cost of a few evaluations of f, whatever d is; each further
order is a tangent pushed through that pass, so one tangent per variable gives the Hessian
(Pearlmutter, Neural Computation 6, 1994; Griewank & Walther, Evaluating Derivatives, 2008, ch. 5).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from derivcheck.engines.calling import call, leaves, point_function
from derivcheck.engines.extend import Evaluate, Partials
from derivcheck.engines.forward import Base, along
from derivcheck.engines.reverse import Cotangent, powers_of_two
from derivcheck.multi_index import Steps
from derivcheck.symbolic.lowering import PointFunction

if TYPE_CHECKING:
    from derivcheck.problem import Problem


def prepare(problem: Problem) -> Evaluate:
    """First order by reverse mode, higher orders by forward mode, the value by itself."""
    function = point_function(problem)
    heads: dict[Steps, int] = {(j,): j for j in range(len(problem.variables))}
    gradient_at = _gradient_of(function, powers_of_two(problem.seed))
    values = [k for k, alpha in enumerate(problem.partials) if not any(alpha)]
    derivatives = along(problem, heads, gradient_at, 1) if len(values) < len(problem.partials) else None

    def evaluate(points: Tensor) -> Partials:
        found = derivatives(points) if derivatives else Partials(torch.empty_like(points[:1]).T)
        if values:
            columns = leaves(points) if problem.function else points
            found.values[:, values] = call(function, *columns).detach().unsqueeze(1)
        return found

    return evaluate


def _gradient_of(function: PointFunction, draw: Cotangent) -> Callable[[Tensor], Base]:
    """points (d, n) -> a function of the columns that gives the d first derivatives, (n,) each."""

    def gradient_at(points: Tensor) -> Base:
        v = draw(points.shape[1], 0, points.device, points.dtype)

        def gradient(*columns: Tensor) -> tuple[Tensor, ...]:
            pull = call(lambda *c: torch.func.vjp(function, *c)[1], *columns)
            return tuple(g / v for g in call(pull, v))

        return gradient

    return gradient_at
