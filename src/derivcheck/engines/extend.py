"""What an engine is. This module is the stable surface for engines of third parties.

An engine is a function `prepare(problem) -> evaluate(points) -> Partials`. It is prepared and timed once, and evaluated
many times. To add one, write one file in this folder and one line in `registry.BUILT_IN`, or publish it under the
entry-point group `derivcheck.engines.v1`. If it cannot compute anything it raises `Unsupported` with the reason; if it
cannot compute some of the partials it lists them in `Partials.unsupported`. A complete engine of order 1:

    def prepare(problem):
        if problem.order > 1:
            raise Unsupported("it computes first derivatives only")
        function = point_function(problem)

        def evaluate(points):
            columns = [x.clone().requires_grad_() for x in points]
            value = call(function, *columns)
            slopes = torch.autograd.grad(value.sum(), columns)
            rows = [slopes[alpha.index(1)] if any(alpha) else value for alpha in problem.partials]
            return Partials(torch.stack(rows, 1).detach())

        return evaluate
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

from derivcheck.engines.calling import call, dtype_of, point_function
from derivcheck.errors import Unsupported
from derivcheck.problem import Problem

__all__ = ["Engine", "Evaluate", "Partials", "Problem", "Unsupported", "call", "dtype_of", "point_function"]


@dataclass(frozen=True)
class Partials:
    """The m partials of a problem at n points."""

    values: Tensor
    """Shape (n, m), in the dtype and on the device of the points."""
    cut: frozenset[int] = frozenset()
    """Columns that are 0 because autograd found no graph. If the derivative is 0, that is right."""
    unsupported: Mapping[int, str] = field(default_factory=dict)
    """Columns that could not be computed (filled with NaN), with the reason."""


Evaluate = Callable[[Tensor], Partials]  # points (d, n), one contiguous row per variable
Engine = Callable[[Problem], Evaluate]
