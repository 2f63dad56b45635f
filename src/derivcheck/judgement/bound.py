"""Errors against the exact value, the bound they are compared with, and what follows for one partial.

    err = |autograd - exact|        a point fails iff not (err <= bound), so a NaN always fails
    bound = 32·noise + 4u·|exact| + smallest subnormal

The noise is estimated only where the other two terms do not suffice, in stages of growing cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from derivcheck import ulp
from derivcheck.exact.enclosures import Exact, Status
from derivcheck.sampling.points import Points

# Roundings that any computation makes unasked: the argument, a constant, the operation and the result, u each.
ROUNDINGS = 4

# The bound is this multiple of the noise. An output moves by at most 2u, by 1u on average, and the largest of some runs
# underestimates the worst of many roundings by 4 to 8 (measured over 192 cases a dtype); times 4 to spare.
FACTOR = 32

Estimate = Callable[
    [Tensor, Tensor], Tensor
]  # (places (k,) among the judged points, their error (k, m)) -> noise (k, m)


@dataclass(frozen=True)
class Judged:
    """k refereed points, m partials. All float64 on the CPU, shape (k, m) unless said."""

    points: Points
    """The k points."""
    exact: Exact
    values: Tensor
    """What autograd gave."""
    error: Tensor
    bound: Tensor
    counted: Tensor
    """bool: the exact value exists and the dtype can represent it, so the point is judged."""
    noise: Tensor
    """The part of the bound that was estimated, before its factor."""

    def at(self, rows: Tensor) -> Judged:
        """These points alone."""
        points = Points(self.points.columns[:, rows], self.points.kinds[rows])
        parts = [part[rows] for part in (self.values, self.error, self.bound, self.counted, self.noise)]
        return Judged(points, self.exact.at(rows, range(self.values.shape[1])), *parts)

    @cached_property
    def fails(self) -> Tensor:
        """bool: the error is not within the bound. NaN fails, unless a rounding makes it a number."""
        return self.counted & ~((self.error <= self.bound) | torch.isinf(self.bound))

    @cached_property
    def excess(self) -> Tensor:
        """error / bound, the deciding number: above 1 is wrong. inf for NaN, -1 where not counted."""
        ratio = torch.nan_to_num(self.error / self.bound, nan=torch.inf, posinf=torch.inf)
        return torch.where(self.counted, torch.where(torch.isinf(self.bound), 0.0, ratio), -1.0)


def judge(
    points: Points,
    values: Tensor,
    exact: Exact,
    dtype: torch.dtype,
    estimates: Sequence[Estimate],
    tolerances: tuple[float, float] | None = None,
    known: Tensor | None = None,
) -> Judged:
    """Compare values (k, m) with the exact ones. Each estimate runs on those points alone that fail without it.

    `known` (k, m) is noise that is known already. Fixed `tolerances` (rtol, atol) replace the rule.
    """
    values = values.to("cpu", torch.float64)
    error, size = exact.error(values), exact.high.abs()
    counted = (exact.status == Status.SETTLED) & (size <= torch.finfo(dtype).max)
    if tolerances is not None:
        bound = tolerances[1] + tolerances[0] * size
        return Judged(points, exact, values, error, bound, counted, torch.zeros_like(size))
    floor = ROUNDINGS * ulp.unit_roundoff(dtype) * size + ulp.smallest_subnormal(dtype)
    noise = torch.zeros_like(floor) if known is None else known
    for estimate in estimates:
        failing = (counted & ~(error <= FACTOR * noise + floor) & ~torch.isinf(noise)).any(1).nonzero().squeeze(1)
        if not len(failing):
            break
        noise[failing] = torch.maximum(noise[failing], estimate(failing, error[failing]))
    return Judged(points, exact, values, error, FACTOR * noise + floor, counted, noise)
