"""An opaque field: each of its partials is one function in the graph of a trace.

Transforms of `torch.func` differentiate a custom operation wrongly where they are nested: the second tangent of a jvp
of a jvp is 0 (torch 2.13). Inside of them the field is therefore written as its own Taylor polynomial around the very
point where it is taken, in operations of torch: its powers are 0 there, and its derivatives are the partials.
"""

from __future__ import annotations

from itertools import combinations_with_replacement
from math import factorial, prod

import torch
from torch import Tensor

from derivcheck.multi_index import MultiIndex, from_sequence
from derivcheck.pde.operation import partial
from derivcheck.symbolic.graph import Function
from derivcheck.tracing.recording import Recording

HEAD = "field:"
MOST_ORDERS = 4  # of derivatives inside of torch.func: a beam has 4; what has more is found out by the replay
STEP = 0.37  # between the values that stand for partials of a field: any distinct ones of ordinary size would do


def head(field: int, alpha: MultiIndex) -> str:
    """The name of ∂^alpha of a field as a function of the graph."""
    return f"{HEAD}{field}:{','.join(map(str, alpha))}"


def is_field(name: str) -> bool:
    """Whether a function of the graph is a partial of a field."""
    return name.startswith(HEAD)


def read_head(name: str) -> tuple[int, MultiIndex]:
    """The field and the multi-index that `head` named."""
    field, _, alpha = name.removeprefix(HEAD).partition(":")
    return int(field), tuple(map(int, alpha.split(",")))


class Opaque:
    """The source of a field without a formula: writes its nodes into a recording."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording

    def value(self, X: Tensor, weight: Tensor | None, field: int, alpha: MultiIndex) -> Tensor:
        with self.recording.paused():  # positive: the code may take a root or a logarithm of it
            result = 1 + STEP * (field + sum(alpha)) + STEP * X.detach().abs().sum(1)
        arrays = self.recording.arrays
        name, rows = head(field, alpha), arrays.numbers(X).tolist()
        made = [arrays.graph.node(Function(name, tuple(row))) for row in rows]
        arrays.shadows.write(result, torch.tensor(made, dtype=torch.int64))
        return result

    def polynomial(self, X: Tensor, field: int) -> Tensor:
        """The field at the rows of X, as a function of X that torch differentiates itself: (N, d) -> (N,)."""
        middle = X.detach()
        steps = (X - middle).unbind(1)
        total = partial(middle, None, self, field, (0,) * len(steps))
        for order in range(1, MOST_ORDERS + 1):
            for places in combinations_with_replacement(range(len(steps)), order):
                alpha = from_sequence(places, len(steps))
                term = partial(middle, None, self, field, alpha) * (1 / prod(map(factorial, alpha)))
                for j in places:
                    term = term * steps[j]
                total = total + term
        return total

    def direction(self, field: int) -> int:
        return field  # never asked: an opaque field has no weight

    def is_zero(self, cotangent: Tensor) -> bool:
        arrays = self.recording.arrays
        return bool((arrays.numbers(cotangent) == arrays.graph.zero).all())
