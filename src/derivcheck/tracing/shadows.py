"""Which node every element of a tensor is: one shadow per storage.

The shadow of a storage has one ref per number in it, and a tensor reads its refs with its own sizes, strides and
offset. So views share refs exactly as they share memory, whatever made them, and a write through one is seen through
all. A complex number is two refs, as it is two numbers in memory.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from derivcheck.errors import Unsupported

Constants = Callable[[Tensor], Tensor]  # a tensor of numbers -> their refs, in the same shape


class Shadows:
    """The refs of all storages that depend on the input. What has no shadow is a constant, read when it is needed."""

    def __init__(self, constants: Constants, negated: Constants) -> None:
        self.constants, self.negated = constants, negated
        self._flat: dict[int, Tensor] = {}
        self._alive: list[Tensor] = []
        self._dtypes: dict[int, torch.dtype] = {}

    def tracks(self, tensor: Tensor) -> bool:
        """Whether some number of its storage depends on the input."""
        return tensor.layout == torch.strided and tensor.untyped_storage()._cdata in self._flat

    def read(self, tensor: Tensor) -> Tensor:
        """The refs of a tensor, int64: of its shape, with a last axis of two for complex ones."""
        if not self.tracks(tensor):
            return self.constants(tensor)
        refs = self._view(tensor).clone()
        if tensor.is_conj():
            refs[..., 1] = self.negated(refs[..., 1])
        return self.negated(refs) if tensor.is_neg() else refs

    def write(self, tensor: Tensor, refs: Tensor) -> None:
        """Let the elements of a tensor be these nodes. The storage of a constant gets its shadow first."""
        if not self.tracks(tensor):
            self._begin(tensor)
        view = self._view(tensor)
        if tensor.is_conj() or tensor.is_neg():
            raise Unsupported("writes through a lazy conjugate, which is not traced")
        view.copy_(refs.expand(view.shape))

    def _begin(self, tensor: Tensor) -> None:
        storage, dtype = tensor.untyped_storage(), tensor.dtype.to_real()
        count = storage.nbytes() // dtype.itemsize
        if tensor.numel() * (1 + tensor.is_complex()) == count:  # all of it is about to be written
            self._flat[storage._cdata] = torch.zeros(count, dtype=torch.int64)
        else:
            numbers = torch.empty(0, dtype=dtype, device=tensor.device)
            self._flat[storage._cdata] = self.constants(numbers.set_(storage, 0, (count,), (1,)))
        self._dtypes[storage._cdata] = dtype
        self._alive.append(tensor)  # or its address may be that of another storage later

    def _view(self, tensor: Tensor) -> Tensor:
        key = tensor.untyped_storage()._cdata
        if self._dtypes[key] != tensor.dtype.to_real():
            raise Unsupported(f"reads the bits of {self._dtypes[key]} as {tensor.dtype}, which has no formula")
        size, stride, offset = tuple(tensor.shape), tensor.stride(), tensor.storage_offset()
        if tensor.is_complex():
            size, stride, offset = (*size, 2), (*(2 * s for s in stride), 1), 2 * offset
        return self._flat[key].as_strided(size, stride, offset)
