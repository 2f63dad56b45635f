"""Errors against the exact value, and the bound they are compared with.

    err = |autograd - exact|        a point fails iff not (err <= bound), so a NaN always fails
    bound = 8·noise + 4u·|exact| + smallest subnormal

The noise is estimated only where the other two terms do not suffice, in stages of growing cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from derivcheck import ulp
from derivcheck.exact.enclosures import Exact, Status
from derivcheck.sampling.points import Kind, Points, lengths

# Roundings that any computation makes unasked: the argument, a constant, the operation and the result, u each.
ROUNDINGS = 4
# The bound is this multiple of the noise, which is how far results are apart that move both ways: twice how far one
# moves. On 106 wrong functions, 56 right ones and 214 of torch's, 4 times the largest move raised alarms that were all
# true but two, at twice the bound; this is 16 times the largest move.
FACTOR = 8


class Estimate(NamedTuple):
    """One stage of estimating noise."""

    run: Callable[[Tensor], Tensor]
    """(places (k,) among the points) -> noise (k, m)."""
    batch: int = 0
    """How many points at a time, the worst first, until each partial is cleared or has a point that stays wrong; 0 for
    all at once."""


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
    """bool: the exact value exists and the point is judged."""
    noise: Tensor
    """The part of the bound that was estimated, before its factor."""
    remarked: Tensor
    """bool: a failure that is only remarked upon: at a point of extreme magnitude, which nobody asked for."""

    singular: Tensor
    """bool: it fails, but is not judged: a singularity of the exact partial lies within one rounding of the point."""
    unseen: Tensor
    """bool: beyond the bound, but an estimate that might raise it was not made here, because the partial is wrong at a
    worse point anyway."""

    def at(self, rows: Tensor) -> Judged:
        """These points alone."""
        exact = self.exact.at(rows, range(self.values.shape[1]))
        figures = [part[rows] for part in (self.values, self.error, self.bound, self.counted, self.noise)]
        flags = [part[rows] for part in (self.remarked, self.singular, self.unseen)]
        return Judged(Points(self.points.columns[:, rows], self.points.kinds[rows]), exact, *figures, *flags)

    def without(self, singular: Tensor) -> Judged:
        """The same with these (k, m) not judged."""
        every = self.singular | singular
        return replace(self, singular=every, counted=self.counted & ~every, remarked=self.remarked & ~every)

    def with_noise(self, noise: Tensor) -> Judged:
        """The same with another noise (k, m), in the bound too."""
        return replace(self, noise=noise, bound=self.bound + FACTOR * (noise - self.noise))

    @cached_property
    def usual(self) -> Tensor:
        """(m,) median of |exact| over the sampled points that are judged or singular; 0 if there are none."""
        kept = (self.counted | self.singular) & (self.points.kinds == Kind.SAMPLED).unsqueeze(1)
        size = self.exact.high.abs().masked_fill(~kept, torch.nan)
        return size.nanmedian(0).values.nan_to_num() if len(size) else torch.zeros(size.shape[1])

    @cached_property
    def fails(self) -> Tensor:
        """bool: the error is not within the bound. NaN fails."""
        return self.beyond & ~self.unseen

    @cached_property
    def beyond(self) -> Tensor:
        """bool: as `fails`, but the bound may lack an estimate that was not made."""
        return self.counted & ~(self.error <= self.bound)

    @cached_property
    def excess(self) -> Tensor:
        """error / bound, the deciding number: above 1 is wrong. inf for NaN, -1 where not counted."""
        ratio = torch.nan_to_num(self.error / self.bound, nan=torch.inf, posinf=torch.inf)
        return torch.where(self.counted, torch.where(self.error == 0, 0.0, ratio), -1.0)


def judge(
    points: Points,
    values: Tensor,
    exact: Exact,
    dtype: torch.dtype,
    estimates: Sequence[Estimate],
    tolerances: tuple[float, float] | None = None,
    known: Tensor | None = None,
    extreme: Tensor | None = None,
    measured: Tensor | None = None,
) -> Judged:
    """Compare values (k, m) with the exact ones. Each estimate runs on those points alone that fail without it.

    `known` (k, m) is noise that is known already. Fixed `tolerances` (rtol, atol) replace the rule. `extreme` (k, m) is
    where failures are only remarked upon. At the places `measured` the first estimate is made though it is not needed.
    """
    values = values.to("cpu", torch.float64)
    error, defined = distance(values, exact, dtype), exact.status == Status.SETTLED
    size = exact.high.abs().clamp(max=torch.finfo(dtype).max)
    noise = torch.zeros_like(size) if known is None else known.clone()
    unseen = torch.zeros_like(defined)
    if tolerances is not None:
        bound = tolerances[1] + tolerances[0] * size
    else:
        floor = ROUNDINGS * ulp.unit_roundoff(dtype) * size + ulp.smallest_subnormal(dtype)
        open_ = defined & torch.isfinite(error)
        for estimate in estimates:
            unseen = _estimate(estimate, noise, error, floor, open_, points, measured)
            measured = None
        bound = FACTOR * noise + floor
    aside = torch.zeros_like(defined) if extreme is None else extreme
    remarked, nowhere = defined & aside & ~(error <= bound), torch.zeros_like(defined)
    return Judged(points, exact, values, error, bound, defined & ~aside, noise, remarked, nowhere, unseen)


def distance(values: Tensor, exact: Exact, dtype: torch.dtype) -> Tensor:
    """|values - exact|. Infinity is right for what is beyond the largest float; below, it is off by what lacks."""
    most = torch.finfo(dtype).max
    near = torch.isinf(values) & (exact.high.abs() > most / 2) & (values.sign() == exact.high.sign())
    return torch.where(near, (most - exact.high.abs()).clamp(min=0), exact.error(values))


def _estimate(
    estimate: Estimate,
    noise: Tensor,
    error: Tensor,
    floor: Tensor,
    open_: Tensor,
    points: Points,
    measured: Tensor | None = None,
) -> Tensor:
    """Raise `noise` where the error (k, m) is not explained yet and `open_` says that it can be, and at the places
    `measured`. Returns where it was not tried, bool (k, m)."""

    def failing() -> Tensor:
        return open_ & ~(error <= FACTOR * noise + floor)

    seen = torch.zeros(len(error), dtype=torch.bool)
    seen[[] if measured is None else measured] = True
    excess = (failing() * torch.nan_to_num(error / floor)).amax(1)
    wanted = (failing().any(1) | seen).nonzero().squeeze(1)
    batches = _batches(estimate.batch, excess, failing, points) if estimate.batch else [wanted] if len(wanted) else []
    for places in batches:
        noise[places] = torch.maximum(noise[places], estimate.run(places))
        noise.copy_(_pooled(noise, points.columns))
        seen[places] = True
    return failing() & ~seen.unsqueeze(1)


def _pooled(noise: Tensor, columns: Tensor) -> Tensor:
    """The largest noise (k, m) of equal points (d, k), of which half precision has many: it is the noise of each."""
    which = torch.zeros(columns.shape[1], dtype=torch.int64)
    for column in columns:  # `unique` of whole points takes 20 times as long
        which = (which * columns.shape[1] + column.unique(return_inverse=True)[1]).unique(return_inverse=True)[1]
    places = which.unsqueeze(1).expand_as(noise)
    return torch.zeros_like(noise).scatter_reduce(0, places, noise, "amax").gather(0, places)


def _batches(size: int, excess: Tensor, failing: Callable[[], Tensor], points: Points) -> Iterator[Tensor]:
    """Places (k,) of failing points, the worst first and with them the plainest, one of which will be shown, as long as
    there is a partial none of whose points that were seen still fails: what is wrong at one stays wrong whatever the
    others are."""
    first, seen = failing(), torch.zeros(len(excess), dtype=torch.bool)
    while True:
        wrong = (failing() & seen.unsqueeze(1)).any(0)
        waiting = ((first & ~wrong).any(1) & ~seen).nonzero().squeeze(1)
        if not len(waiting):
            return
        places = waiting[excess[waiting].topk(min(size, len(waiting))).indices]
        if len(waiting) > size and not bool(seen.any()):
            plain = waiting[points.kinds[waiting] != Kind.SAMPLED]
            shortest = lengths(points.columns[:, plain]).topk(min(size // 2, len(plain)), largest=False).indices
            places = torch.cat([plain[shortest], places]).unique()
        seen[places] = True
        yield places
