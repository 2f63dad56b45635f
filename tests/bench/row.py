"""What a row of the benchmark is: two sides, how their results are compared, and what the ratio should be."""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from sympy.core.cache import clear_cache

AGREEMENT = 1e-9  # relative to the largest value of a partial: what order 8 in float64 leaves is 1e-12


class Measured(NamedTuple):
    """What one call of a side cost, and what it computed: columns (n,), or None where there are no numbers."""

    cost: float
    values: Any


Side = Callable[[], Measured]


class Sides(NamedTuple):
    """Both sides of a row, prepared: what is called is what is measured."""

    ours: Side
    peer: Side


class NotInstalled(Exception):
    """The peer, or a compiler, is not there: the row says so."""


class DifferentWork(Exception):
    """The sides computed different numbers."""


@dataclass(frozen=True)
class Row:
    """One line of the table. `least` and `most` are what the ratio should be; a row with neither only informs."""

    name: str
    work: str
    ours: str
    peer: str
    prepare: Callable[[], Sides]
    least: float | None = None
    """The peer's cost over ours: how many times as fast we should be."""
    most: float | None = None
    """Our cost over the peer's."""
    unit: str = "s"
    peer_once: bool = False
    """The peer takes so long that it runs once, and is not warmed up."""
    most_runs: int = 99
    group: str = "peers"
    judged: bool = True
    """Whether the ratio is compared with the aim, which holds for the full sizes only."""

    def ratio(self, ours: float, peer: float) -> float:
        """Above 1 is better, except in rows that have a `most`."""
        return ours / peer if self.most is not None else peer / ours

    def met(self, ratio: float) -> bool | None:
        """Whether the ratio is what it should be; None where nothing is asked."""
        if not self.judged:
            return None
        if self.least is not None:
            return ratio >= self.least
        return None if self.most is None else ratio <= self.most


@dataclass(frozen=True)
class Sizes:
    """How large the work is."""

    points: int = 4_000_000
    high_order: int = 8
    low_order: int = 4
    verdict_points: int = 1000
    engine_points: int = 10_000
    engine_orders: tuple[int, ...] = (1, 2, 3, 4)
    growth: tuple[int, int, int] | None = (10**6, 10**7, 10**8)
    checks: int = 200
    compiles: bool = True
    """Whether engines that compile for seconds take part."""


FULL = Sizes()
QUICK = Sizes(3000, 3, 2, 20, 200, (1, 2), None, 4, False)


def timed(call: Callable[[], Any], values: Callable[[Any], Any] = lambda result: result, fresh: bool = False) -> Side:
    """A side whose cost is wall time. `values` reads the numbers off the result, uncounted; `fresh` forgets first."""

    def side() -> Measured:
        if fresh:
            forget()
        start = time.perf_counter()
        result = call()
        seconds = time.perf_counter() - start
        return Measured(seconds, values(result))

    return side


def forget() -> None:
    """Empty every cache of sympy and of derivcheck: a check in a test suite meets a function for the first time."""
    clear_cache()
    for name, module in list(sys.modules.items()):
        if name.startswith("derivcheck"):
            for value in vars(module).values():
                if isinstance(value, functools._lru_cache_wrapper):
                    value.cache_clear()


def difference(ours: Sequence[torch.Tensor] | None, peer: Sequence[torch.Tensor] | None) -> float | None:
    """The largest distance of two columns, relative to the largest value there; NaN counts as infinitely far."""
    if ours is None or peer is None:
        return None
    pairs = zip(ours, peer, strict=True)
    return max(_distance(torch.as_tensor(a), torch.as_tensor(b)) for a, b in pairs)


def _distance(a: torch.Tensor, b: torch.Tensor) -> float:
    scale = float(b.abs().max()) or 1.0
    return float(torch.nan_to_num((a - b).abs().max() / scale, nan=float("inf")))
