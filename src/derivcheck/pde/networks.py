"""What is put where the code has its network: a module that takes what networks take and computes the field."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from derivcheck.errors import RequestError
from derivcheck.pde.operation import is_transformed

Evaluate = Callable[[Tensor], list[Tensor]]  # rows (N, d) -> one column (N,) per field


class StandIn(nn.Module):
    """net(X), net(x, t), net(torch.cat([x, t], 1)) and net({"x": x, "t": t}): (..., d) -> (..., m).

    The fields are the columns of the result in order. A dict of columns is answered by a dict.
    """

    def __init__(self, coordinates: Sequence[str], fields: Sequence[str]) -> None:
        super().__init__()
        self.coordinates, self.fields = tuple(coordinates), tuple(fields)
        self.evaluate: Evaluate | None = None
        """What it computes; set before each call of the code."""
        self.weight = nn.Parameter(torch.zeros(1, dtype=torch.float64))  # optimizers refuse a network without any
        self.dtypes: set[torch.dtype] = set()
        self.is_transformed = False
        """Whether it was called inside of a transform of torch.func."""

    def forward(self, *given: Any, **named: Any) -> Any:
        by_name = given[0] if given and isinstance(given[0], Mapping) else named if named and not given else None
        if by_name is not None:
            given = tuple(by_name[name] for name in self.coordinates if name in by_name)
        elif len(given) == 1 and isinstance(given[0], list | tuple):
            given = tuple(given[0])
        X = self._rows(given)
        self.dtypes.add(X.dtype)
        self.is_transformed |= is_transformed()
        assert self.evaluate is not None
        columns = self.evaluate(X.reshape(-1, X.shape[-1]))
        result = torch.stack(columns, 1).reshape(*X.shape[:-1], len(columns))
        if by_name is None:
            return result
        return {name: result[..., k : k + 1] for k, name in enumerate(self.fields)}

    def _rows(self, given: Sequence[Any]) -> Tensor:
        """The rows (..., d) that the arguments are."""
        tensors = [value for value in given if isinstance(value, Tensor)]
        if len(tensors) == 1 and tensors[0].ndim and tensors[0].shape[-1] == len(self.coordinates):
            return tensors[0] if tensors[0].is_floating_point() else tensors[0].double()
        if len(tensors) == len(self.coordinates):
            columns = [value.reshape(-1, 1) for value in tensors]
            count = max(map(len, columns))
            return torch.cat([c.expand(count, 1) if len(c) == 1 else c for c in columns], 1)
        shapes = ", ".join(str(tuple(value.shape)) for value in tensors) or "nothing"
        raise NetworkCall(
            f"the network is called with {shapes}, but the field has the {len(self.coordinates)} coordinates "
            f"{', '.join(self.coordinates)}",
            "Name every coordinate that the network takes, in its order: --vars x,t.",
        )


class NetworkCall(RequestError):
    """The code calls its network in a way that a field of these coordinates cannot answer."""


class Component(nn.Module):
    """One field as a function of its own: u(x, t) -> a column."""

    def __init__(self, network: StandIn, field: int) -> None:
        super().__init__()
        self.network, self.field = network, field

    def forward(self, *given: Any, **named: Any) -> Any:
        result = self.network(*given, **named)
        if isinstance(result, dict):
            return result[self.network.fields[self.field]]
        return result[..., self.field : self.field + 1]
