"""sympy's derivative, evaluated by torch: the graph of every partial, lowered op by op, shared nodes computed once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from derivcheck.engines.calling import call
from derivcheck.engines.extend import Evaluate, Partials
from derivcheck.errors import Unsupported
from derivcheck.symbolic.differentiation import symbolic_of
from derivcheck.symbolic.graph import Graph, Ref
from derivcheck.symbolic.lowering import Lowered, lower

if TYPE_CHECKING:
    from derivcheck.problem import Problem


def prepare(problem: Problem) -> Evaluate:
    """Differentiate symbolically and compile. A partial that torch cannot compute costs only its own column."""
    symbolic = symbolic_of(problem)
    roots = [symbolic.partial(alpha) for alpha in problem.partials]
    together = _lowered(symbolic.graph, roots)

    @cache
    def each() -> list[Lowered]:
        """Only when it is needed: of 500 partials, to lower each takes 50 times as long as to lower all together."""
        return [_lowered(symbolic.graph, [root]) for root in roots]

    def evaluate(points: Tensor) -> Partials:
        columns = list(points)
        with torch.no_grad():
            try:
                return Partials(call(lambda *c: torch.stack(together(c)), *columns).T)
            except Unsupported:
                return _one_by_one(each(), columns)

    return evaluate


def _lowered(graph: Graph, roots: Sequence[Ref]) -> Lowered:
    """`lower`; what cannot be lowered, such as a constant beyond float64, raises when it is evaluated."""
    try:
        return lower(graph, roots)
    except Unsupported as error:
        reason = str(error)

    def refuse(columns: Sequence[Tensor]) -> list[Tensor]:
        raise Unsupported(reason)

    return refuse


def _one_by_one(each: list[Lowered], columns: list[Tensor]) -> Partials:
    values, unsupported = [], {}
    for k, root in enumerate(each):
        try:
            values.append(call(lambda *c, root=root: root(c)[0], *columns))
        except Unsupported as reason:
            values.append(torch.full_like(columns[0], torch.nan))
            unsupported[k] = str(reason)
    return Partials(torch.stack(values).T, unsupported=unsupported)
