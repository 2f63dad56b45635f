"""The referees of a run: which roots a partial needs beside its own, because it exists only where those below it do."""

from __future__ import annotations

from itertools import compress, product
from typing import TYPE_CHECKING

import torch

from derivcheck import ulp
from derivcheck.exact.referee import Referee
from derivcheck.exact.rescue import Rescue
from derivcheck.multi_index import MultiIndex

if TYPE_CHECKING:
    from derivcheck.symbolic.differentiation import SymbolicPartials


class Referees:
    """The referees of one run: one per tuple of partials and dtype to be judged, made when first asked for."""

    def __init__(self, symbolic: SymbolicPartials) -> None:
        self.symbolic = symbolic
        self._made: dict[tuple[tuple[MultiIndex, ...], torch.dtype], Referee] = {}

    def of(self, partials: tuple[MultiIndex, ...], dtype: torch.dtype) -> Referee:
        """The referee of these partials. All those below a partial must exist for it to exist."""
        if (partials, dtype) not in self._made:
            self._made[partials, dtype] = _referee(self.symbolic, partials, dtype)
        return self._made[partials, dtype]


def _referee(symbolic: SymbolicPartials, partials: tuple[MultiIndex, ...], dtype: torch.dtype) -> Referee:
    belows = {alpha: _below(alpha) for alpha in partials}
    order = [*partials, *sorted(set().union(*belows.values()) - set(partials))]
    place = {alpha: i for i, alpha in enumerate(order)}
    below = [[place[beta] for beta in (belows.get(alpha) or _below(alpha)) if beta != alpha] for alpha in order]
    roots = [symbolic.partial(alpha) for alpha in order]
    u, smallest = ulp.unit_roundoff(dtype), ulp.smallest_subnormal(dtype)
    referee = Referee(symbolic.graph, roots, below, u, smallest, count=len(partials))
    referee.rescue = Rescue(referee, symbolic, order)
    return referee


def _below(alpha: MultiIndex) -> set[MultiIndex]:
    """All β <= α: whichever way to ∂^α is taken, only these lie on it."""
    used = list(compress(range(len(alpha)), alpha))
    found = set()
    for times in product(*(range(alpha[j] + 1) for j in used)):
        beta = [0] * len(alpha)
        for j, k in zip(used, times, strict=True):
            beta[j] = k
        found.add(tuple(beta))
    return found
