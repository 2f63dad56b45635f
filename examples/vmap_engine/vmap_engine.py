"""An engine of a third party: every partial by `torch.func.grad` of one point, mapped over all points by `vmap`.

Install it with `pip install ./examples/vmap_engine`; `derivcheck --list-engines` shows `vmap` then.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import grad, vmap

from derivcheck.engines.extend import Evaluate, Partials, Problem, call, point_function


def prepare(problem: Problem) -> Evaluate:
    """Differentiate a function of numbers once per entry of a multi-index: alpha = (2, 1) is x1, x1, x2."""
    each = [vmap(derivative(point_function(problem), alpha)) for alpha in problem.partials]

    def evaluate(points: Tensor) -> Partials:
        """Points (d, n) to values (n, m). `run` turns an operation without a derivative into a row that says so."""
        return Partials(torch.stack([call(partial, *points) for partial in each], dim=1))

    return evaluate


def derivative(function: Callable[..., Tensor], alpha: tuple[int, ...]) -> Callable[..., Tensor]:
    for place, times in enumerate(alpha):
        for _ in range(times):
            function = grad(function, argnums=place)
    return function
