"""Taylor mode: one pass of truncated power series gives all partials of any order.

The inputs become x_j + v·h_j with v = ±1 or ±1/2 drawn at random for each point; the series of the result holds
v^|α|·∂^α f/α!. With one v for all points, a function that leaks between them would look right (see `reverse`). The
mathematics and its cost are described in `taylor.series`, the rules of torch's functions in `taylor.rules`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from derivcheck.engines.calling import call, point_function
from derivcheck.engines.extend import Evaluate, Partials
from derivcheck.engines.reverse import powers_of_two
from derivcheck.errors import Unsupported
from derivcheck.symbolic.lowering import PointFunction
from derivcheck.taylor.dispatch import TorchJet
from derivcheck.taylor.jet import UNSEEN, Jet
from derivcheck.taylor.series import Algebra

if TYPE_CHECKING:
    from derivcheck.problem import Problem

LARGEST_SERIES = 2**18  # numbers: 2 MB in float64, so that the few series in use stay in the cache
FEWEST_POINTS = 64  # at a time, however long their series: fewer cost more time in Python than in the arithmetic


def prepare(problem: Problem) -> Evaluate:
    """All partials at once, for as many points at a time as fit the cache."""
    algebra, function = Algebra(problem.partials), point_function(problem)
    draw, most = powers_of_two(problem.seed), max(FEWEST_POINTS, LARGEST_SERIES // len(algebra))
    probed: list[bool] = []

    def evaluate(points: Tensor) -> Partials:
        if not probed and problem.function is not None:
            require_torch_alone(function, points)
            probed.append(True)
        steps = draw(points.shape[1], 0, points.device, points.dtype)
        parts = [
            _series(function, algebra, p, s) for p, s in zip(points.split(most, 1), steps.split(most), strict=True)
        ]
        series, cut = torch.cat([part for part, _ in parts], 1), any(constant for _, constant in parts)
        columns = [algebra.partial(series, alpha) / steps ** sum(alpha) for alpha in problem.partials]
        constant = frozenset(k for k, alpha in enumerate(problem.partials) if cut and any(alpha))
        return Partials(torch.stack(columns).T, constant)

    return evaluate


def _series(function: PointFunction, algebra: Algebra, points: Tensor, steps: Tensor) -> tuple[Tensor, bool]:
    """The series (M, n) of the function, and whether it is a constant."""
    inputs = [TorchJet.of(algebra.variable(j, x, steps), algebra) for j, x in enumerate(points)]
    with torch.enable_grad():  # a user's own torch.no_grad makes constants, as it does for autograd
        result = _of_jets(function, *inputs)
    if isinstance(result, Jet):
        return result.series, not result.series[1:].any()
    return algebra.constant(result.detach()), True


def _of_jets(function: PointFunction, *inputs: Jet) -> Any:
    """The function of jets. Raises `Unsupported` if it unwraps them, which leaves tensors without numbers."""
    try:
        result = call(function, *inputs)
    except (RuntimeError, NotImplementedError) as error:
        if any(word in f"{type(error)}{error}" for word in ("meta", "Jet", "TorchScript", "torch._dynamo")):
            raise Unsupported(UNSEEN) from None
        raise
    if not isinstance(result, Jet) and result.is_meta:
        raise Unsupported(UNSEEN)
    return result


def require_torch_alone(function: PointFunction, points: Tensor) -> None:
    """Refuse a torch.autograd.Function: its backward is to be checked, and a series would see its forward only."""
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
