"""What an engine is. This module is the stable surface for engines of third parties.

An engine is a function `prepare(problem) -> evaluate(points) -> Partials`. Preparing is timed once, evaluating many
times. To add one, write one file in this folder and one line in `registry.BUILT_IN`, or publish it under the
entry-point group `derivcheck.engines.v1`. What it cannot do it says by raising `Unsupported`, or per column in
`Partials.unsupported`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

from derivcheck.engines.calling import point_function, run
from derivcheck.errors import Unsupported
from derivcheck.problem import Problem

__all__ = ["Engine", "Evaluate", "Partials", "Problem", "Unsupported", "point_function", "run"]


@dataclass(frozen=True)
class Partials:
    """The m partials of a problem at n points."""

    values: Tensor
    """Shape (n, m), in the problem's dtype, on its device."""
    cut: frozenset[int] = frozenset()
    """Columns that are 0 because autograd found no graph. Where the derivative is 0, that is right."""
    unsupported: Mapping[int, str] = field(default_factory=dict)
    """Columns that could not be computed (filled with NaN), with the reason."""


Evaluate = Callable[[Tensor], Partials]  # points (d, n), one contiguous row a variable
Engine = Callable[[Problem], Evaluate]
