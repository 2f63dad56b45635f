"""∂^α of a field as one operation of torch, whose derivative is the same operation with one more in α.

The code under test differentiates the field by itself, with `autograd.grad` or `torch.func`. As the backward of ∂^α u
is made of ∂^(α+e_j) u, what it computes is a formula of the partials of u, whatever u is: its differential equation.
Where the values come from is a matter of the source: an opaque field has names for them, a closed one has formulas.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from derivcheck.multi_index import MultiIndex


class Source(Protocol):
    """Where the values of partials come from."""

    def value(self, X: Tensor, weight: Tensor | None, field: int, alpha: MultiIndex) -> Tensor:
        """∂^alpha of a field at the rows of X, (N, d) -> (N,); `weight` (N,) is what the field is trained by."""

    def direction(self, field: int) -> int:
        """The field that is the derivative of a field by its weight."""

    def is_zero(self, cotangent: Tensor) -> bool:
        """Whether every entry is 0 whatever the point."""


def partial(X: Tensor, weight: Tensor | None, source: Source, field: int, alpha: MultiIndex) -> Tensor:
    """∂^alpha of a field at the rows of X: (N, d) -> (N,)."""
    found: Tensor = _Partial.apply(X, weight, source, field, alpha)  # type: ignore[no-untyped-call]
    return found


class _Partial(torch.autograd.Function):
    @staticmethod
    def forward(X: Tensor, weight: Tensor | None, source: Source, field: int, alpha: MultiIndex) -> Tensor:
        return source.value(X, weight, field, alpha)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        X, weight, ctx.source, ctx.field, ctx.alpha = inputs
        ctx.kept = None if is_transformed() else (X, weight)
        if ctx.kept is None:
            ctx.save_for_backward(X, weight)
            ctx.save_for_forward(X, weight)

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor) -> Any:
        X, weight = _inputs(ctx)
        if _is_nothing(ctx, cotangents[0]):
            return None, None, None, None, None
        columns = [cotangents[0] * _further(ctx, X, weight, j) for j in range(X.shape[1])]
        trained = cotangents[0] * _by_weight(ctx, X) if weight is not None else None
        return torch.stack(columns, 1), trained, None, None, None

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        X, weight = _inputs(ctx)
        parts = [tangents[0][:, j] * _further(ctx, X, weight, j) for j in range(X.shape[1])]
        if weight is not None and tangents[1] is not None:
            parts.append(tangents[1] * _by_weight(ctx, X))
        return sum(parts[1:], parts[0])

    @staticmethod
    def vmap(info: Any, in_dims: Any, X: Tensor, weight: Any, source: Any, field: Any, alpha: Any) -> Any:
        rows = _batched(X, in_dims[0], info.batch_size)
        weights = None if weight is None else _batched(weight, in_dims[1], info.batch_size).reshape(-1)
        flat = partial(rows.reshape(-1, rows.shape[-1]), weights, source, field, alpha)
        return flat.reshape(rows.shape[:2]), 0


def _batched(tensor: Tensor, dim: int | None, count: int) -> Tensor:
    return tensor.expand(count, *tensor.shape) if dim is None else tensor.movedim(dim, 0)


def _inputs(ctx: Any) -> Any:
    """They are kept beside what autograd frees: code that forgets `retain_graph` is examined to its end, since with a
    network of other layers it may run."""
    return ctx.kept if ctx.kept is not None else ctx.saved_tensors


def _is_nothing(ctx: Any, cotangent: Tensor) -> bool:
    """Whether nothing comes back: the code took another column of a gradient, or another field. To stop there keeps
    derivatives of order k from visiting all d^k partials."""
    return not cotangent.requires_grad and not is_transformed() and ctx.source.is_zero(cotangent)


def is_transformed() -> bool:
    """Whether a transform of `torch.func` is at work, which must see what is saved."""
    active: Callable[[], bool] = torch._C._are_functorch_transforms_active
    return active()


def _further(ctx: Any, X: Tensor, weight: Tensor | None, j: int) -> Tensor:
    alpha = tuple(a + (i == j) for i, a in enumerate(ctx.alpha))
    return partial(X, weight, ctx.source, ctx.field, alpha)


def _by_weight(ctx: Any, X: Tensor) -> Tensor:
    return partial(X, None, ctx.source, ctx.source.direction(ctx.field), ctx.alpha)
