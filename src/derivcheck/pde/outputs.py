"""What code that computes residuals returns: columns, rows, several of them in any structure, or one number, a loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from torch import Tensor
from torch.utils._pytree import tree_leaves

from derivcheck.errors import FunctionError

BROADCAST = (
    "A column (n, 1) met a row (n,), and torch made a matrix of all pairs. Keep one shape, such as u[:, 0:1] in place "
    "of u[:, 0]."
)
PROBED = 7  # points of the first call: a number that is no size of anything else in the code


class Output(NamedTuple):
    """Where one output is in what the code returns."""

    leaf: int
    """The place of its tensor among the tensors."""
    column: int
    columns: int
    """Of that tensor: its numbers per point."""
    is_loss: bool

    def of(self, result: Any, n: int) -> Tensor:
        """Its values at n points, (n,), or the loss, ()."""
        tensor = _tensors(result)[self.leaf]
        return tensor.reshape(()) if self.is_loss else tensor.reshape(n, self.columns)[:, self.column]


def outputs(result: Any, name: str) -> list[Output]:
    """Every output of a call at `PROBED` points. Raises `FunctionError` for a shape without one row per point."""
    tensors = _tensors(result)
    if not tensors:
        cause = f"{name} returns no tensor, but {type(result).__name__}"
        raise FunctionError(cause, "Return the residual, a column (n, 1).")
    found = [output for leaf, tensor in enumerate(tensors) for output in _of(leaf, tensor, name)]
    return [o for o in found if not o.is_loss] or found


def _tensors(result: Any) -> Sequence[Tensor]:
    return [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]


def _of(leaf: int, tensor: Tensor, name: str) -> Iterator[Output]:
    if tensor.numel() == 1:
        yield Output(leaf, 0, 1, is_loss=True)
        return
    shape = tuple(tensor.shape)
    inner = shape[1:] if len(shape) > 2 and shape[0] == 1 else shape
    if not inner or inner[0] != PROBED or PROBED in inner[1:]:
        shown = ", ".join("n" if size == PROBED else str(size) for size in shape)
        cure = BROADCAST if shape.count(PROBED) > 1 else "Return one row per point: (n, 1), (n,) or (n, k)."
        raise FunctionError(f"{name} returns the shape ({shown}{',' * (len(shape) == 1)}) for n points", cure)
    count = tensor.numel() // PROBED
    yield from (Output(leaf, k, count, is_loss=False) for k in range(count))
