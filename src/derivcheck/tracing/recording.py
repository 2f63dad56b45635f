"""Running torch code on a few points while every operation acts on nodes too.

A dispatch mode sees each operation below autograd: an `autograd.Function` is entered through its forward, and `detach`
and `no_grad` change nothing. Views need no rule, since tensors that share a storage share its shadow. An operation
whose arguments do not depend on the input is a constant, the floats that torch computes. (A trace by `make_fx` would
lose both the line of the user's code and the tensors that nested `torch.func` transforms wrap.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch._decomp import decomposition_table
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from derivcheck.errors import Unsupported
from derivcheck.symbolic.graph import Graph, Ref, Variable
from derivcheck.tracing.arrays import Arrays
from derivcheck.tracing.kinds import CONSTANT, Rule, name_of
from derivcheck.tracing.refusals import refusal
from derivcheck.tracing.rules import RULES, VIEWS
from derivcheck.tracing.values import UNKNOWN, Value

MOST_NODES = 1_000_000  # half a kilobyte each; to differentiate and enclose so many would take minutes per point


class Recording(TorchDispatchMode):
    """Inside, operations on tensors that depend on the input make nodes of `graph`.

    `cure` is the sentence that ends a refusal.
    """

    def __init__(self, graph: Graph, cure: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.graph, self.cure = graph, cure
        self.arrays = Arrays(graph, self)
        self.refused: Unsupported | None = None
        self._paused = False

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Inside, operations make no nodes."""
        before, self._paused = self._paused, True
        try:
            yield
        finally:
            self._paused = before

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing here is compiled. True, torch's default, would import its compiler."""
        return False

    def run(
        self, function: Callable[..., Tensor], points: Tensor, places: Sequence[Sequence[int]], requires_grad: bool
    ) -> list[Ref]:
        """The node of the result at each of n points. `points` is (d, n); `places[j][i]` is the variable that x_j is
        at point i. Raises `Unsupported` with the operation that has no formula."""
        columns = [row.clone().requires_grad_(requires_grad) for row in points]
        for column, names in zip(columns, places, strict=True):
            nodes = torch.tensor([self.graph.node(Variable(place)) for place in names])
            self.arrays.shadows.write(column.detach(), nodes)
        result = self.inside(lambda: function(*columns).reshape(points.shape[1]))
        values = [Value(self.graph, ref) for ref in self.arrays.numbers(result.detach()).tolist()]
        return [value.ref for value in values]

    def inside(self, call: Callable[[], Any]) -> Any:
        """What torch code returns while it is recorded."""
        try:
            with torch.enable_grad(), self:
                result = call()
        except Exception:
            if self.refused is None:
                raise
        if self.refused is not None:  # whatever became of it on its way through the user's code
            raise self.refused
        return result

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if self._paused:
            return func(*args, **(kwargs or {}))
        try:
            return self._operation(func, args, kwargs or {})
        except Unsupported as error:
            if self.refused is None:
                self.refused = refusal(func, str(error), self.cure)
            raise self.refused from None

    def _operation(self, func: Any, args: Any, kwargs: Any) -> Any:
        rule = RULES.get(name_of(func))
        if rule is None and torch.Tag.nondeterministic_seeded in func.tags:
            raise Unsupported("draws random numbers")
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        if not any(map(self.arrays.shadows.tracks, tensors)) or (rule is None and _is_view(func)):
            return func(*args, **kwargs)
        if len(self.graph.nodes) > MOST_NODES:
            raise Unsupported(f"comes after {MOST_NODES:,} nodes, which is too large a formula")
        if rule is None:
            return self._decomposed(func, args, kwargs)
        refs = self._refs(rule, func, args, kwargs)
        result = func(*args, **kwargs)
        try:
            self._write(result, refs)
        except RuntimeError as error:  # a real number that becomes complex
            raise Unsupported(f"has a rule for results of another shape: {error}") from error
        return result

    def _refs(self, rule: Rule, func: Any, args: Any, kwargs: Any) -> Any:
        """By the rule; an argument that it does not know, such as an empty matrix, is a reason to refuse."""
        try:
            return rule(self.arrays, func, args, kwargs)
        except (TypeError, IndexError, ValueError, RuntimeError, KeyError, AssertionError) as error:
            raise Unsupported(f"has a rule that does not take these arguments: {error}") from error

    def _decomposed(self, func: Any, args: Any, kwargs: Any) -> Any:
        """The operation as torch itself writes it in terms of others."""
        decomposition = decomposition_table.get(func, func.decompose)
        with self:
            result = decomposition(*args, **kwargs)
        if result is NotImplemented:
            raise Unsupported("has no rule to be traced by")
        return result

    def _write(self, result: Any, refs: Any) -> None:
        """Give the results their nodes. What has none is unknown, and refused where it is used."""
        results = result if isinstance(result, tuple | list) else (result,)
        given = refs if isinstance(refs, tuple | list) else (refs,)
        for k, tensor in enumerate(results):
            known = given[k] if k < len(given) else None
            if isinstance(tensor, Tensor) and tensor.numel() and known is not CONSTANT:
                self.arrays.shadows.write(tensor, torch.tensor(UNKNOWN) if known is None else known)


def _is_view(func: Any) -> bool:
    """Whether its results share memory with an argument, by the schema, by name, or because it reshapes in place."""
    if torch.Tag.inplace_view in func.tags:
        return True
    aliases = [result.alias_info for result in func._schema.returns]
    return name_of(func) in VIEWS or any(alias is not None and not alias.is_write for alias in aliases)
