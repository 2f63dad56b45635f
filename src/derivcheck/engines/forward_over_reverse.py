"""Forward mode over one reverse pass: the usual way to a fast Hessian.

One vector-Jacobian product gives the whole gradient at the cost of some evaluations of f, whatever d is; each further
order is a tangent pushed through that pass, so one tangent a variable gives the Hessian
(Pearlmutter, Neural Computation 6, 1994; Griewank & Walther, Evaluating Derivatives, 2008, ch. 5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from derivcheck.engines.calling import leaves, point_function, run
from derivcheck.engines.extend import Evaluate, Partials
from derivcheck.engines.forward import Base, along
from derivcheck.engines.reverse import powers_of_two

if TYPE_CHECKING:
    from derivcheck.problem import Problem


def prepare(problem: Problem) -> Evaluate:
    """First order by reverse mode, what is above it by forward mode, the value by itself."""
    function, draw = point_function(problem), powers_of_two(problem.seed)
    heads: dict[tuple[int, ...], int] = {(j,): j for j in range(len(problem.variables))}

    def gradient_at(points: Tensor) -> Base:
        v = draw(points.shape[1], 0, points.device, points.dtype)

        def gradient(*columns: Tensor) -> tuple[Tensor, ...]:
            pull = run(lambda *c: torch.func.vjp(function, *c)[1], *columns)
            return tuple(g / v for g in run(pull, v))

        return gradient

    values = [k for k, alpha in enumerate(problem.partials) if not any(alpha)]
    derivatives = along(problem, heads, gradient_at, 1) if len(values) < len(problem.partials) else None

    def evaluate(points: Tensor) -> Partials:
        found = derivatives(points) if derivatives else Partials(torch.empty_like(points[:1]).T)
        if values:
            columns = leaves(points) if problem.function else points
            found.values[:, values] = run(function, *columns).detach().unsqueeze(1)
        return found

    return evaluate
