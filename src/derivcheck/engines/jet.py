"""Taylor mode: one pass of truncated power series gives all partials of any order.

The inputs become x_j + v·h_j with v = ±1 or ±1/2 drawn at random for each point; the series of the result holds
v^|α|·∂^α f/α!. With one v for all points a function that leaks between them would look right (see `reverse`). For the
mathematics and its cost see `taylor.series`, for what each torch function does to a series `taylor.rules`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from derivcheck.engines.calling import call, point_function
from derivcheck.engines.extend import Evaluate, Partials
from derivcheck.engines.reverse import powers_of_two
from derivcheck.errors import Unsupported
from derivcheck.taylor.dispatch import TorchJet
from derivcheck.taylor.jet import UNSEEN, Jet
from derivcheck.taylor.series import Algebra

if TYPE_CHECKING:
    from derivcheck.problem import Problem

LARGEST = 2**18  # numbers in one series: 2 MB in float64, so that the few in use stay in the cache


def prepare(problem: Problem) -> Evaluate:
    """All partials at once, a few points at a time where there are many."""
    algebra, function = Algebra(problem.partials), point_function(problem)
    draw, most = powers_of_two(problem.seed), max(64, LARGEST // len(algebra))
    probed: list[bool] = []

    def evaluate(points: Tensor) -> Partials:
        if not probed and problem.function is not None:
            require_torch_alone(function, points)
            probed.append(True)
        steps = draw(points.shape[1], 0, points.device, points.dtype)
        parts = [_series(p, s) for p, s in zip(points.split(most, 1), steps.split(most), strict=True)]
        series, cut = torch.cat([part for part, _ in parts], 1), any(constant for _, constant in parts)
        columns = [algebra.partial(series, alpha) / steps ** sum(alpha) for alpha in problem.partials]
        constant = frozenset(k for k, alpha in enumerate(problem.partials) if cut and any(alpha))
        return Partials(torch.stack(columns).T, constant)

    def _series(points: Tensor, steps: Tensor) -> tuple[Tensor, bool]:
        """The series (M, n) of the function, and whether it is a constant."""
        inputs = [TorchJet.of(algebra.variable(j, x, steps), algebra) for j, x in enumerate(points)]
        with torch.enable_grad():  # a user's own torch.no_grad makes constants, as it does for autograd
            result = seen(function, *inputs)
        if isinstance(result, Jet):
            return result.series, not result.series[1:].any()
        return algebra.constant(result.detach()), True

    return evaluate


def seen(function: Callable[..., Any], *inputs: Jet) -> Any:
    """Run it; `Unsupported` where the inputs were unwrapped, which leaves tensors without numbers."""
    try:
        result = call(function, *inputs)
    except (RuntimeError, NotImplementedError) as error:
        if any(word in f"{type(error)}{error}" for word in ("meta", "Jet", "TorchScript", "torch._dynamo")):
            raise Unsupported(UNSEEN) from None
        raise
    if not isinstance(result, Jet) and result.is_meta:
        raise Unsupported(UNSEEN)
    return result


def require_torch_alone(function: Any, points: Tensor) -> None:
    """Refuse what a series would pass by: a backward of the user's own is what is to be checked, not its forward."""
    with torch.enable_grad():
        result = call(function, *(x[:2].clone().requires_grad_() for x in points))
    waiting, seen = [result.grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        if isinstance(node, torch.autograd.function.BackwardCFunction):
            name = type(node).__name__.removesuffix("Backward")
            raise Unsupported(f"{name} is a torch.autograd.Function, whose backward Taylor mode does not use")
        seen.add(node)
        waiting.extend(following for following, _ in node.next_functions)
