"""A domain that would do: tried out, for an expression that is nowhere real on the one it was given."""

import random
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

CANDIDATES = ((0, 1), (1, 2), (-1, 1), (2, 3), (-1, 0), (0, 10), (-10, 0), (1, 100), (-2, -1), (-100, 100), (0.1, 0.2))
COMBINATIONS = 200  # random mixtures tried where no interval does for all variables
POINTS = 64
ENOUGH = 0.95  # share of points at which everything must be finite


def defined_domain(values: Callable[[Tensor], Tensor], variables: Sequence[str]) -> str:
    """Options such as `--domain 1:2` for which values (n, m) at points (d, n) are finite; empty if none was found."""
    choose = random.Random(0)
    d = len(variables)
    mixtures = [[choose.choice(CANDIDATES) for _ in range(d)] for _ in range(COMBINATIONS if d > 1 else 0)]
    for intervals in [*([c] * d for c in CANDIDATES), *mixtures]:
        ends = torch.tensor(intervals, dtype=torch.float64)
        fractions = torch.rand((POINTS, d), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        points = (ends[:, 0] + (ends[:, 1] - ends[:, 0]) * fractions).T.contiguous()
        if torch.isfinite(values(points)).all(1).double().mean() >= ENOUGH:
            return _options(intervals, variables)
    return ""


def _options(intervals: Sequence[tuple[float, float]], variables: Sequence[str]) -> str:
    if len(set(intervals)) == 1:
        return f"--domain {intervals[0][0]}:{intervals[0][1]}"
    return " ".join(f"--domain {v}={low}:{high}" for v, (low, high) in zip(variables, intervals, strict=True))
