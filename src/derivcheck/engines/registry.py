"""The engines by name: the built-in ones, and those of plugins. Torch is imported with the first engine, not before."""

from __future__ import annotations

import warnings
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from derivcheck.errors import RequestError, did_you_mean, printable

if TYPE_CHECKING:
    from derivcheck.engines.extend import Engine

GROUP = "derivcheck.engines.v1"
BUILT_IN = {
    "reverse": "derivcheck.engines.reverse:prepare",
    "symbolic": "derivcheck.engines.symbolic:prepare",
    "forward": "derivcheck.engines.forward:prepare",
    "forward-over-reverse": "derivcheck.engines.forward_over_reverse:prepare",
    "jet": "derivcheck.engines.jet:prepare",
    "compiled": "derivcheck.engines.compiled:prepare",
}


def engine(name: str) -> Engine:
    """The engine of this name, built in or from a plugin. Raises `RequestError`, with the list, if there is none."""
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        found: Engine = getattr(import_module(module), attribute)
        return found
    for plugin in (_load(point) for point in entry_points(group=GROUP) if point.name == name):
        if plugin is not None:
            return plugin
    raise _unknown(name)


def require(name: str) -> None:
    """Raise `RequestError`, with the list, if there is no engine of this name. Nothing is imported."""
    if name not in BUILT_IN and name not in names():
        raise _unknown(name)


def _unknown(name: str) -> RequestError:
    near = did_you_mean(name, names())
    return RequestError(f"--engine {printable(name)}: unknown", f"{near} Choose from {', '.join(names())}.".lstrip())


def names() -> list[str]:
    """All engines: the built-in ones, then those of plugins."""
    return [*BUILT_IN, *sorted(point.name for point in entry_points(group=GROUP) if point.name not in BUILT_IN)]


def _load(point: EntryPoint) -> Engine | None:
    """The engine of a plugin. One that does not load is a warning that names its distribution, not an error."""
    try:
        loaded: Engine = point.load()
        return loaded
    except Exception as error:
        owner = point.dist.name if point.dist else "an unknown distribution"
        warnings.warn(f"engine {point.name} of {owner} does not load: {type(error).__name__}: {error}", stacklevel=2)
        return None
