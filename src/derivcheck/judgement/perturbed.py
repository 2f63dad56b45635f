"""A mode in which every output moves by a rounding at random, forward and backward: what `noise` is measured in."""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from derivcheck.judgement.operations import Operations, call, floats, is_number
from derivcheck.ulp import smallest_subnormal, unit_roundoff

SINGLE = unit_roundoff(torch.float32)
LONG_BITS = 8  # a number whose last 8 bits are not all 0, such as 0.1 or pi, was rounded; one of fewer bits was not

# Operations that move data or decide, and round nothing. Views are recognised by their schema.
EXACT = frozenset(
    "detach neg abs clone copy_ sign where index index_put index_put_ index_select gather scatter masked_fill "
    "masked_scatter zeros_like new_zeros zeros empty_like new_empty empty empty_strided new_empty_strided fill_ zero_ "
    "cat stack maximum minimum max min amax amin relu threshold threshold_backward clamp clamp_min clamp_max floor "
    "ceil round trunc frac heaviside nan_to_num flip roll repeat sort topk unbind expand_copy "
    "rand randn randint bernoulli _efficientzerotensor _new_zeros_with_same_feature_meta".split()
)
# Operations that make numbers from scalars: their outputs are rounded only if the scalar was.
FACTORIES = frozenset(
    "full full_like new_full ones ones_like new_ones scalar_tensor arange linspace lift_fresh".split()
)

# Operations whose results, though floats, are decisions: a number that has jumped.
DECIDING = frozenset("floor ceil round trunc sign heaviside".split())


class Perturbed(Operations):
    """Inside this mode every rounding is redone at random: out·(1 + size·2u·r) rounded, r uniform in [-1, 1].

    With 2u the move is up to one spacing of floats either way, so that a number just above a power of two, whose
    neighbours are 2u away, can move at all. What is not finite is left alone: it is no rounding.
    """

    def __init__(self, seed: int, dtype: torch.dtype, size: int | Tensor = 1) -> None:
        super().__init__()
        self.u = unit_roundoff(dtype)
        self.size = size if isinstance(size, int) else 1
        self.sizes = None if isinstance(size, int) else size
        """(n,) one for each point, if they differ; numbers that belong to no point are then moved by one rounding."""
        self.placed = True
        """Whether all numbers, if they have as many as there are points, showed which of them belong to a point."""
        self.decisions: list[Tensor] = []
        """What operations made of floats that is no float, or jumps: conditions, indices, whole numbers."""
        self.generator = torch.Generator().manual_seed(seed % 2**63)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        if not _rounding(func):
            return self._noted(name, args, call(func, args, kwargs))
        if name == "_to_copy" and not _narrows(call(func, args, kwargs), args[0]):
            return call(func, args, kwargs)
        if not self.size:
            out = call(func, args, kwargs)
            return out if func._schema.is_mutable else self._noted(name, args, out)
        if has := _has_tensor(args):
            rounded = self._met if has > 1 else self._scalar
            args = tuple(_each(rounded, a) for a in args)
            kwargs = {key: _each(rounded, a) for key, a in (kwargs or {}).items()}
        moved = _each(self._factory if name in FACTORIES else self._tensor, out := call(func, args, kwargs or {}))
        if func._schema.is_mutable and isinstance(out, Tensor):
            return out.copy_(moved)
        return self._noted(name, args, moved)

    def _noted(self, name: str, args: Any, out: Any) -> Any:
        """The result of an operation, kept if it is a decision by floats."""
        if isinstance(out, Tensor) and (name in DECIDING or not _is_float(out)) and any(True for _ in floats(args)):
            self.decisions.append(out.detach().clone())
        return out

    def _tensor(self, out: Any) -> Any:
        """A coarser dtype than the one asked for stays as it is: float32 inside a float64 backward is a defect."""
        if isinstance(out, Tensor) and out.is_complex():
            return torch.view_as_complex(self._tensor(torch.view_as_real(out.resolve_conj()).contiguous()))
        if not is_number(out) or unit_roundoff(out.dtype) > self.u:
            return out
        size = self.size if self.sizes is None else self._sizes(out)
        width, tiny = 2 * unit_roundoff(out.dtype) * self.size, size * smallest_subnormal(out.dtype)
        r = torch.empty(out.shape, dtype=torch.float32).uniform_(-width, width, generator=self.generator)
        r = r.to(out.device, out.dtype) if self.sizes is None else r.to(out.device, out.dtype) * size
        moved = out + (out * r).nan_to_num(0.0, 0.0, 0.0)
        subnormal = (out != 0) & (out.abs() < torch.finfo(out.dtype).tiny)
        return torch.where(subnormal, out + r.sign() * tiny, moved) if bool(subnormal.any()) else moved

    def _sizes(self, out: Tensor) -> int | Tensor:
        """The sizes along the dimension of the points."""
        assert self.sizes is not None
        n = len(self.sizes)
        dimensions = [i for i, length in enumerate(out.shape) if length == n]
        if len(dimensions) == 1:
            return self.sizes.to(out.dtype).reshape(-1, *[1] * (out.dim() - 1 - dimensions[0]))
        self.placed &= out.numel() < n
        return 1

    def _factory(self, out: Any) -> Any:
        """What was made from 1 or 0.5 is exact; what was made from 0.1 or pi was rounded. In half precision, which has
        8 bits, that cannot be told; its own roundings are larger. A number of no dimension in more precision is a
        scalar to torch."""
        if not is_number(out) or torch.finfo(out.dtype).bits < 32:
            return out
        if out.dim() == 0 and unit_roundoff(out.dtype) < self.u:
            return torch.full_like(out, self._scalar(out.item()))
        return torch.where(_is_short(out.double(), unit_roundoff(out.dtype)), out, self._tensor(out))

    def _met(self, value: Any) -> Any:
        """A number of no dimension in more precision, such as exp(0.1), is rounded where it meets a column."""
        if isinstance(value, Tensor) and value.is_floating_point() and not value.dim():
            return value if unit_roundoff(value.dtype) >= self.u else torch.full_like(value, self._scalar(value.item()))
        return self._scalar(value)

    def _scalar(self, value: Any) -> Any:
        """A scalar operand such as 0.1 stands for a number that no float is: move it by one rounding of the dtype."""
        if type(value) is not float or value == 0 or bool(_is_short(torch.tensor(value, dtype=torch.float64), self.u)):
            return value
        r = float(torch.rand((), generator=self.generator)) * 2 - 1
        return value * (1 + 2 * self.u * self.size * r)


def _narrows(out: Tensor, source: Tensor) -> bool:
    """Whether a conversion rounds."""
    return out.is_floating_point() and unit_roundoff(out.dtype) > (
        unit_roundoff(source.dtype) if source.is_floating_point() else 0.0
    )


def _is_float(out: Tensor) -> bool:
    return out.is_floating_point() or out.is_complex()


def _each(change: Callable[[Any], Any], value: Any) -> Any:
    """`tree_map`, which takes longer than most operations, where there is a tree."""
    return tree_map(change, value) if isinstance(value, list | tuple | dict) else change(value)


def _has_tensor(args: Any) -> int:
    """0 without tensors, 1 if they are numbers of no dimension, 2 with a column among them."""
    return max((1 + bool(a.dim()) for a in args if isinstance(a, Tensor)), default=0)


@cache
def _rounding(func: Any) -> str:
    """The name of an operation that may round, or nothing."""
    name: str = func.overloadpacket.__name__
    is_view = any(r.alias_info is not None and not r.alias_info.is_write for r in func._schema.returns)
    return "" if (is_view and name not in FACTORIES) or name in EXACT else name


def _is_short(values: Tensor, u: float) -> Tensor:
    """Whether a float64 has `LONG_BITS` significant bits fewer than floats of unit roundoff u, or is not finite. In
    half precision, which has so few, whether it is such a float."""
    mantissa, _ = torch.frexp(values)
    scaled = mantissa / (u if u > SINGLE else u * 2**LONG_BITS)
    return (scaled == scaled.round()) | ~torch.isfinite(values)
