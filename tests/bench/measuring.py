"""Run the sides of a row in turn and keep every figure."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any

from derivcheck.errors import Unsupported
from tests.bench.row import AGREEMENT, DifferentWork, NotInstalled, Row, Sides, difference


@dataclass(frozen=True)
class Result:
    """A measured row; without ratios where it could not be measured, for the `reason`."""

    row: Row
    ours: tuple[float, ...] = ()
    peer: tuple[float, ...] = ()
    difference: float | None = None
    reason: str = ""

    @property
    def ratios(self) -> list[float]:
        """One for each pair of neighbouring runs; a peer that ran once is in every pair."""
        peers = self.peer * len(self.ours) if self.row.peer_once else self.peer
        return [self.row.ratio(a, b) for a, b in zip(self.ours, peers, strict=True)]

    @property
    def median(self) -> float:
        return statistics.median(self.ratios)

    def to_dict(self) -> dict[str, Any]:
        """Everything measured, as JSON can hold it."""
        row = self.row
        shown = {key: getattr(row, key) for key in ("name", "group", "work", "ours", "peer", "least", "most", "unit")}
        if self.reason:
            return {**shown, "reason": self.reason}
        return {
            **shown,
            "difference": self.difference,
            "ours_each": self.ours,
            "peer_each": self.peer,
            "ratios": self.ratios,
            "median": self.median,
            "met": row.met(self.median),
        }


def measure(row: Row, runs: int) -> Result:
    """Warm both sides up, compare what they computed, then take them in turn. Raises `DifferentWork`."""
    try:
        sides = row.prepare()
        apart, first = _compared(row, sides)
    except (NotInstalled, Unsupported) as reason:
        return Result(row, reason=str(reason))
    ours, peer = [], [first] if row.peer_once else []
    for _ in range(min(runs, row.most_runs)):
        ours.append(sides.ours().cost)
        if not row.peer_once:
            peer.append(sides.peer().cost)
    return Result(row, tuple(ours), tuple(peer), apart)


def _compared(row: Row, sides: Sides) -> tuple[float | None, float]:
    """How far the results of the warming calls are apart, and what the peer's cost."""
    ours, peer = sides.ours(), sides.peer()
    apart = difference(ours.values, peer.values)
    if apart is not None and apart > AGREEMENT:
        raise DifferentWork(f"{row.name}: {row.ours} and {row.peer} differ by {apart:.1e}, relatively")
    return apart, peer.cost
