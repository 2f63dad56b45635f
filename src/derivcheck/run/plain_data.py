"""Results as plain data for a file of ours and back, checked against the types of their fields: files get damaged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints


def encoded(value: Any) -> Any:
    """Dataclasses become objects, enums their names; NaN and infinities stay, which Python's JSON writes and reads."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: encoded(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, Mapping):
        return {k: encoded(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [encoded(v) for v in value]
    return value


def decoded(kind: Any, data: Any) -> Any:
    """The value of type `kind` that was encoded. Raises ValueError, KeyError or OverflowError for anything else."""
    if is_dataclass(kind):
        return _record(kind, _of(dict, data))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind[_of(str, data)]
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        (some,) = (one for one in inner if one is not type(None))
        return None if data is None else decoded(some, data)
    if origin is tuple:
        items = _of(list, data)
        kinds = inner[:1] * len(items) if inner[-1] is Ellipsis else inner
        return tuple(decoded(one, item) for one, item in zip(kinds, items, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        return {_of(inner[0], key): decoded(inner[1], item) for key, item in _of(dict, data).items()}
    return float(data) if kind is float and type(data) is int else _of(kind, data)


def _record(kind: Any, data: dict[str, Any]) -> Any:
    """Fields that are missing or unknown mean another version."""
    hints = _hints(kind)
    if set(hints) != set(data):
        raise ValueError(f"not the fields of {kind.__name__}")
    return kind(**{name: decoded(hints[name], data[name]) for name in hints})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _of(kind: Any, data: Any) -> Any:
    if type(data) is not kind:
        raise ValueError(f"not {kind}")
    return data
