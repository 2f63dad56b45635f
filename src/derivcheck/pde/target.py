"""The code under test and how it is called: where its network is, what its arguments mean, what it returns."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import Any

from torch import Tensor, nn

from derivcheck.engines import loading
from derivcheck.engines.calling import own_signature
from derivcheck.errors import FunctionError, RequestError, did_you_mean
from derivcheck.expression.residuals import Residual
from derivcheck.pde.call import Call
from derivcheck.pde.networks import Component, Evaluate, StandIn

MATRIX = "X"  # what a call names all coordinates as, (n, d)
EMPTY = inspect.Parameter.empty


class Target:
    """The function with its owner: the object of a method, or None."""

    def __init__(self, given: str | Callable[..., Any], asked: Residual) -> None:
        self.asked = asked
        self.name = given if isinstance(given, str) else getattr(given, "__qualname__", type(given).__name__)
        self.given_owner, self.function = _resolved(given)
        self.short = str(getattr(self.function, "__name__", "function"))
        self.call = Call(asked.call, self._names()) if asked.call else None
        self.parameters = _parameters(self.function, self.is_method)
        self.network = StandIn(asked.coordinates, asked.fields) if asked.fields else None
        self.owner = self._owner()
        self.lock = RLock()

    @property
    def is_method(self) -> bool:
        """Whether its first parameter is an object that is still to be made."""
        return inspect.isclass(self.given_owner)

    def _names(self) -> dict[str, str]:
        """What --call may use."""
        names = {self.short: "the function", MATRIX: "the matrix of all coordinates, (n, d)"}
        names |= dict.fromkeys(self.asked.coordinates, "a column (n, 1)")
        names |= dict.fromkeys(self.asked.fields, "a field, called like a network")
        return names | ({self.asked.net: "the network"} if self.asked.net else {})

    def __call__(self, columns: Sequence[Tensor], matrix: Tensor, evaluate: Evaluate | None) -> Any:
        """What the code returns at columns (n, 1), or at the matrix (n, d), while its network computes `evaluate`."""
        with self.lock, self._in_module():
            if self.network is not None:
                self.network.evaluate = evaluate
            if self.call is not None:
                return self.call.run({**self._values(columns, matrix), self.short: self._bound()})
            positional, named = self._arguments(columns, matrix)
            return self._bound()(*positional, **named)

    def _bound(self) -> Callable[..., Any]:
        """The function with its object."""
        if self.owner is None:
            return self.function
        bound: Callable[..., Any] = getattr(self.owner, self.short)
        return bound

    def _values(self, columns: Sequence[Tensor], matrix: Tensor) -> dict[str, Any]:
        values: dict[str, Any] = {MATRIX: matrix, **dict(zip(self.asked.coordinates, columns, strict=True))}
        if self.network is not None:
            values |= {u: Component(self.network, k) for k, u in enumerate(self.asked.fields)}
            values |= {self.asked.net: self.network} if self.asked.net else {}
        return values

    def _arguments(self, columns: Sequence[Tensor], matrix: Tensor) -> tuple[list[Any], dict[str, Any]]:
        """By the names of the parameters: the network, columns, fields; one other is the matrix."""
        values = self._values(columns, matrix)
        known = {name for name in values if name != MATRIX}
        others = [p.name for p in self.parameters if p.name not in known and p.default is EMPTY]
        if len(others) > 1 or (others and any(p.name in self.asked.coordinates for p in self.parameters)):
            shown = ", ".join(others)
            raise RequestError(
                f"{self.name}: what its parameter{'s' * (len(others) > 1)} {shown} should be is not known",
                f'Say how it is called, such as --call "{self.short}(X, {self.asked.net or "net"}(X))".',
            )
        values |= dict.fromkeys(others, matrix)
        used = [p for p in self.parameters if p.name in known or p.name in others]
        positional = [values[p.name] for p in used if self._is_leading(p, used)]
        return positional, {p.name: values[p.name] for p in used[len(positional) :]}

    def _is_leading(self, parameter: inspect.Parameter, used: Sequence[inspect.Parameter]) -> bool:
        """Whether no parameter before it is left out."""
        place = self.parameters.index(parameter)
        return all(p in used and p.kind is not p.KEYWORD_ONLY for p in self.parameters[: place + 1])

    def _owner(self) -> Any:
        """The object of the method, with the network where it belongs."""
        if self.given_owner is None:
            return None
        owner = _made(self.given_owner, self.network, self.asked.net) if self.is_method else _copied(self.given_owner)
        if self.network is not None and self.asked.net and self._is_attribute(owner):
            setattr(owner, self.asked.net.removeprefix("self."), self.network)
        return owner

    def _is_attribute(self, owner: Any) -> bool:
        """Whether the network is an attribute. Raises `RequestError` if there is no such place."""
        if any(p.name == self.asked.net for p in self.parameters) or self.call is not None:
            return False
        name = self.asked.net.removeprefix("self.")
        if hasattr(owner, name) or not hasattr(owner, "__dict__"):
            return True
        names = [key for key, value in vars(owner).items() if callable(value)] + list(vars(owner).get("_modules", {}))
        cure = did_you_mean(name, names) or f"It has {', '.join(names) or 'no attribute that can be called'}."
        raise RequestError(f"--net {self.asked.net}: {type(owner).__name__} has no such attribute", cure)

    @contextmanager
    def _in_module(self) -> Iterator[None]:
        """Put the network where a function finds a global of its module."""
        scope, name = getattr(inspect.unwrap(self.function), "__globals__", {}), self.asked.net
        elsewhere = self.owner is not None or self.call or any(p.name == name for p in self.parameters)
        if self.network is None or not name or elsewhere:
            yield
            return
        if name not in scope:
            if any(p.name in self.asked.fields for p in self.parameters):
                yield  # fields are passed as functions, one by one
                return
            names = [p.name for p in self.parameters] + [k for k, v in scope.items() if isinstance(v, nn.Module)]
            cure = did_you_mean(name, names) or f"Its parameters are {', '.join(names) or 'none'}."
            raise RequestError(f"--net {name}: {self.name} has no such parameter, and its module no such name", cure)
        before, scope[name] = scope[name], self.network
        try:
            yield
        finally:
            scope[name] = before


def _resolved(given: str | Callable[..., Any]) -> tuple[Any, Callable[..., Any]]:
    """The owner and the function. The owner of a method named by its class is the class."""
    if isinstance(given, str):
        *_, outer, last = loading.found(given)
        if inspect.isclass(outer) and not isinstance(inspect.getattr_static(outer, last.__name__, None), staticmethod):
            return (None, last) if inspect.ismethod(last) else (outer, last)
    else:
        last = given
    if inspect.isclass(last) or not callable(last):
        name = given if isinstance(given, str) else str(given)
        raise FunctionError(f"--function {name} is not a function", "Name a method too: FILE.py:Class.method.")
    if isinstance(last, nn.Module):
        return last, last.forward
    owner = getattr(last, "__self__", None)
    return (
        (owner, last)
        if owner is not None and not inspect.ismodule(owner) and not inspect.isclass(owner)
        else (None, last)
    )


def _parameters(function: Callable[..., Any], is_method: bool) -> list[inspect.Parameter]:
    found = own_signature(function)
    if found is None:
        return []
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = [p for p in found.parameters.values() if p.kind not in kinds]
    return parameters[1:] if is_method else parameters


def _made(cls: Any, network: StandIn | None, net: str) -> Any:
    """An object of the class: made with the network as its one argument, or with none; else without `__init__`."""
    needed = [p for p in _parameters(cls.__init__, True) if p.default is EMPTY]
    names = [p.name for p in needed]
    chosen = net if net in names else names[0] if len(names) == 1 else ""
    for named in ([{chosen: network}] if chosen and network is not None else []) + [{}]:
        try:
            return cls(**named)
        except Exception:
            continue
    made = cls.__new__(cls)
    if isinstance(made, nn.Module):
        nn.Module.__init__(made)
    setattr(made, net.removeprefix("self.") or "net", network)
    return made


def _copied(owner: Any) -> Any:
    """An object of its own, so that the network of the caller's stays where it is."""
    try:
        return copy.deepcopy(owner)
    except Exception:
        return copy.copy(owner)


def trainable(target: Target) -> dict[str, Tensor]:
    """Parameters of the code itself, by name: of its object, and of its module where the function names them."""
    scope = getattr(inspect.unwrap(target.function), "__globals__", {})
    code = getattr(inspect.unwrap(target.function), "__code__", None)
    names = code.co_names if code is not None else ()
    found: dict[str, Tensor] = {}
    for name, value in [*_attributes(target.owner), *((n, scope[n]) for n in names if n in scope)]:
        if isinstance(value, Tensor) and value.requires_grad and value.is_leaf:
            found[name] = value
        elif isinstance(value, nn.Module) and value is not target.network:
            found |= {f"{name}.{inner}": p for inner, p in value.named_parameters() if p.requires_grad}
    own = {id(p) for p in target.network.parameters()} if target.network is not None else set()
    return {name: value for name, value in found.items() if id(value) not in own}


def _attributes(owner: Any) -> list[tuple[str, Any]]:
    if owner is None or not hasattr(owner, "__dict__"):
        return []
    attributes = dict(vars(owner))
    parameters, modules = attributes.pop("_parameters", {}), attributes.pop("_modules", {})
    return [*attributes.items(), *parameters.items(), *modules.items()]
