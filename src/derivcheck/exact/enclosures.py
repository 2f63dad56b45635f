"""What the referee hands over: exact values, as sums of two float64, or why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import NamedTuple

import torch
from torch import Tensor


class Status(IntEnum):
    """What the referee says of one partial at one point."""

    SETTLED = 0
    UNDEFINED = 1  # not real or not finite there
    KINK = 2  # the one-sided derivatives differ
    UNSETTLED = 3  # the highest precision did not suffice
    REMOVABLE = 4  # not defined by the formula as it is written, but by its power series


class Enclosure(NamedTuple):
    """The exact value as an unevaluated sum high + low of two float64, which is 106 bits, or why there is none."""

    high: float
    low: float
    status: Status


@dataclass(frozen=True)
class Exact:
    """Enclosures of m partials at n points: `high`, `low` float64 (n, m), `status` int64 (n, m), all on the CPU."""

    high: Tensor
    low: Tensor
    status: Tensor

    def at(self, rows: Tensor | slice, columns: Sequence[int]) -> Exact:
        """These points (indices or a mask) and these partials alone."""
        chosen = None if list(columns) == list(range(self.high.shape[1])) else list(columns)
        parts = (part[rows] for part in (self.high, self.low, self.status))
        return Exact(*(part if chosen is None else part[:, chosen] for part in parts))

    def resolved(self, defined: Tensor) -> Exact:
        """Removable singularities as settled where the function is `defined` (n,), and as undefined elsewhere."""
        status = torch.where(defined.unsqueeze(1), int(Status.SETTLED), int(Status.UNDEFINED))
        return replace(self, status=torch.where(self.status == Status.REMOVABLE, status, self.status))

    def error(self, values: Tensor) -> Tensor:
        """|values - exact|, shape (n, m), for values of any dtype: high is subtracted first, which cancels exactly."""
        return self.signed_error(values).abs()

    def signed_error(self, values: Tensor) -> Tensor:
        """values - exact, shape (n, m)."""
        return (values.to("cpu", torch.float64) - self.high) - self.low
