"""The kinds of rules: how an operation on tensors becomes one on nodes.

*Elementwise*, a function of values at each element; *reduced*, a function of the values along some axes; *scanned*, one
that keeps them; *placed*, which moves elements and is done by torch itself on the refs; *composed*, written in torch in
terms of other operations; *constant*, whose result does not depend on the data. Every rule takes the recording's
arrays, the operation, and its arguments, and returns the refs of its result, or of each of its results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from derivcheck.errors import Unsupported
from derivcheck.tracing.arrays import IGNORED, Arrays
from derivcheck.tracing.values import Value

Rule = Callable[[Arrays, Any, Sequence[Any], dict[str, Any]], Any]
CONSTANT = "constant"  # in place of the refs of a result that does not depend on the data
DATA = frozenset("self src source values value tensors input tensor other grad grad_output weight fill_value".split())
"""Arguments of operations that move elements which hold those elements; the others say where."""


def bound(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments by name."""
    return {**dict(zip((a.name for a in func._schema.arguments), args, strict=False)), **kwargs}


def name_of(func: Any) -> str:
    """torch.ops.aten.special_i0e.default -> i0e, add_.Tensor -> add; those of other libraries by full name."""
    space, _, name = func._schema.name.partition("::")
    if space not in ("aten", "prims"):
        return str(func._schema.name)
    name = name if name.startswith("__") or not name.endswith("_") else name[:-1]
    return str(name.removeprefix("special_"))


def _used(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in kwargs.items() if name not in IGNORED and value is not None}


def elementwise(function: Callable[..., Value], condition: int | None = None) -> Rule:
    """Positional arguments become values, the one at the place `condition` a condition; named ones are passed on."""

    def rule(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
        used = _used(kwargs)
        reads = [arrays.conditions if place == condition else arrays.numbers for place in range(len(args))]
        operands = [None if arg is None else read(arg) for read, arg in zip(reads, args, strict=True)]
        return arrays.each(lambda *values: function(*values, **used), *operands)

    return rule


def logical(function: Callable[..., Value]) -> Rule:
    """A function of conditions."""

    def rule(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
        if not name_of(func).startswith("logical") and args[0].dtype != torch.bool:
            raise Unsupported("acts on the bits of whole numbers, which has no formula")
        return arrays.each(function, *map(arrays.conditions, args))

    return rule


def axes(dim: Any, ndim: int) -> list[int]:
    """The axes that an argument `dim` names: all where it names none."""
    if dim is None or (not isinstance(dim, int) and len(dim) == 0):
        return list(range(ndim))
    return sorted(d % max(ndim, 1) for d in ([dim] if isinstance(dim, int) else dim))


def at_end(refs: Tensor, dims: Sequence[int]) -> Tensor:
    """The refs with these axes as one, the last."""
    if refs.ndim == 0:
        return refs.reshape(1)
    rest = [d for d in range(refs.ndim) if d not in dims]
    return refs.permute(*rest, *dims).flatten(len(rest)) if dims else refs.unsqueeze(-1)


def reduce(
    arrays: Arrays, function: Callable[[list[Value]], Value], refs: Tensor, dim: Any, keepdim: bool = False
) -> Tensor:
    """A function of the values along some axes of a tensor's refs."""
    dims = axes(dim, refs.ndim)
    result = arrays.rows(function, at_end(refs, dims))
    for d in dims if keepdim and refs.ndim else ():
        result = result.unsqueeze(d)
    return result


def reduced(function: Callable[[list[Value]], Value], conditions: bool = False) -> Rule:
    """An operation (self, dim, keepdim); of conditions, such as `any`."""

    def rule(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
        given = {**_used(kwargs), **dict(zip(("self", "dim", "keepdim"), args, strict=False))}
        refs = (arrays.conditions if conditions else arrays.numbers)(args[0])
        return reduce(arrays, function, refs, given.get("dim", given.get("dims")), given.get("keepdim", False))

    return rule


def scanned(function: Callable[[list[Value]], list[Value]]) -> Rule:
    """An operation (self, dim) that keeps the axis."""

    def rule(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
        refs = arrays.numbers(args[0])
        if refs.ndim == 0:
            return arrays.scans(function, refs.reshape(1)).reshape(())
        moved = refs.movedim(args[1], -1)
        return arrays.scans(function, moved).movedim(-1, args[1])

    return rule


def composed(function: Callable[..., Any]) -> Rule:
    """An operation that is written in torch, for its arguments by position and name."""

    def rule(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        return arrays.composed(function, *args, **_used(kwargs))

    return rule


def constant(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """A result that has the shape of a tensor but not its numbers."""
    return (CONSTANT,) * len(func._schema.returns)


def unknown(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
    """A result without a formula, such as the position of a maximum."""
    return


def placed(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Torch itself moves the refs. They travel as float64, which more operations take, and the zeros that torch fills
    in are the node 0, which is the number 0."""
    functional = _functional(func)
    names = [argument.name for argument in func._schema.arguments]
    given = {**dict(zip(names, args, strict=False)), **{k: v for k, v in kwargs.items() if k not in IGNORED}}
    as_bool = all(t.dtype == torch.bool for t in _tensors(args[0]))
    moved = {name: _moved(arrays, name, value, as_bool) for name, value in given.items()}
    positional = [moved[name] for name in names[: len(args)]]
    named = {name: moved[name] for name in given if name in names[len(args) :]}
    result = functional(*positional, **named)
    if isinstance(result, Tensor):
        return result.to(torch.int64)
    return tuple(part.to(torch.int64) for part in result)


def _tensors(value: Any) -> list[Tensor]:
    return [t for t in (value if isinstance(value, tuple | list) else [value]) if isinstance(t, Tensor)]


def _functional(func: Any) -> Any:
    """The operation that returns what one that writes in place would write: copy for copy_."""
    name = func._schema.name.partition("::")[2]
    if not name.endswith("_") or name.endswith("__"):
        return func
    return getattr(getattr(torch.ops.aten, name[:-1]), func._overloadname)


def _moved(arrays: Arrays, name: str, value: Any, as_bool: bool) -> Any:
    """An argument as the operation on refs takes it: elements as their refs, places as they are."""
    if isinstance(value, tuple | list) and any(isinstance(v, Tensor) for v in value):
        return [_moved(arrays, name, v, as_bool) for v in value]
    if name in DATA and isinstance(value, Tensor | int | float):
        refs = (arrays.conditions if as_bool else arrays.numbers)(value)
        return refs.double() if isinstance(value, Tensor) else float(refs)
    return place(arrays, value) if isinstance(value, Tensor) else value


def place(arrays: Arrays, index: Tensor) -> Tensor:
    """An index or a mask, which must be the same at all points."""
    if not arrays.shadows.tracks(index):
        return index.cpu()
    values = [Value(arrays.graph, ref) for ref in arrays.refs(index).flatten().tolist()]
    known = [value.truth if index.dtype == torch.bool else value.number for value in values]
    if None in known:
        raise Unsupported("chooses elements by the data, which has no formula")
    return torch.tensor(known, dtype=index.dtype).reshape(index.shape)
