"""Forward mode, nested: `torch.func.jvp` of `torch.func.jvp`.

A tangent e_j pushed through f gives ∂_j f along with f itself, so each level of nesting adds one derivative: for the
chain j_1, ..., j_k one run gives f, ∂_j1 f, ..., ∂_jk...∂_j1 f, at 2^k times the cost of f (Griewank & Walther,
Evaluating Derivatives, 2008, ch. 3). The tangents are ±2^k drawn at random and divided out at the end, for the reason
that `reverse` gives for cotangents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from derivcheck import multi_index
from derivcheck.engines.calling import call, own_warnings_ignored, point_function
from derivcheck.engines.extend import Evaluate, Partials
from derivcheck.engines.reverse import powers_of_two
from derivcheck.errors import Unsupported
from derivcheck.multi_index import Steps

if TYPE_CHECKING:
    from derivcheck.problem import Problem

Base = Callable[..., tuple[Tensor, ...]]  # d columns (n,) -> tensors (n,), which are differentiated further


def prepare(problem: Problem) -> Evaluate:
    """Every partial by forward mode alone."""
    function = point_function(problem)
    return along(problem, {(): 0}, lambda points: lambda *columns: (call(function, *columns),), 0)


def along(problem: Problem, heads: Mapping[Steps, int], base_at: Callable[[Tensor], Base], order: int) -> Evaluate:
    """Partials of `order` and more by forward mode over the function `base_at(points)`.

    The result number `heads[s]` of that function is the partial along s, which has `order` steps.
    """
    sequences = [multi_index.canonical(alpha) for alpha in problem.partials]
    chains = _longest({s[order:] for s in sequences if s[:order] in heads})
    draw = powers_of_two(problem.seed)
    _load()

    def evaluate(points: Tensor) -> Partials:
        n, device, dtype = points.shape[1], points.device, points.dtype
        tangents = [draw(n, order + level, device, dtype) for level in range(max(map(len, chains)))]
        found: dict[Steps, Tensor] = {}
        reasons: dict[int, str] = {}
        base = base_at(points)
        for chain in chains:
            try:
                levels = _push(base, chain, tangents)(*points)
            except Unsupported as reason:
                on_the_way = [k for k, s in enumerate(sequences) if s[order:] == chain[: len(s) - order]]
                reasons |= dict.fromkeys(on_the_way, str(reason))
                continue
            for k, results in enumerate(levels):
                found |= {(*head, *chain[:k]): results[i] / _scale(tangents[:k]) for head, i in heads.items()}
        missing = torch.full_like(points[0], torch.nan)
        columns = [found.get(s, missing).detach() for s in sequences]
        lacking = {k: reason for k, reason in reasons.items() if sequences[k] not in found}
        return Partials(torch.stack(columns).T, unsupported=lacking)

    return evaluate


@cache
def _load() -> None:
    """The first tangent makes torch load its rules for forward mode."""
    with own_warnings_ignored():
        torch.func.jvp(torch.neg, (torch.zeros(()),), (torch.ones(()),))


def _longest(chains: set[Steps]) -> list[Steps]:
    """The chains that are not the beginning of another one, which are computed on its way."""
    return sorted(c for c in chains if not any(c == other[: len(c)] and c != other for other in chains))


def _scale(tangents: Sequence[Tensor]) -> Tensor | float:
    product: Tensor | float = 1.0
    for tangent in tangents:
        product = tangent * product
    return product


def _push(base: Base, chain: Steps, tangents: Sequence[Tensor]) -> Callable[..., tuple[tuple[Tensor, ...], ...]]:
    """(base, its derivative along the first of the chain, along the first two, ...) as a function of the columns."""
    if not chain:
        return lambda *columns: (base(*columns),)
    inner, j, tangent = _push(base, chain[:-1], tangents), chain[-1], tangents[len(chain) - 1]

    def pushed(*columns: Tensor) -> tuple[tuple[Tensor, ...], ...]:
        """The other columns get no tangent: one of 0 would turn every infinite slope by them into NaN."""
        before, after = columns[:j], columns[j + 1 :]
        levels, moved = call(
            lambda column: torch.func.jvp(lambda x: inner(*before, x, *after), (column,), (tangent,)), columns[j]
        )
        return (*levels, moved[-1])

    return pushed
