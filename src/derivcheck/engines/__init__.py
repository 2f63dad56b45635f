"""What an engine is, and which there are.

An engine is a function: `prepare(problem) -> evaluate(points) -> Partials`. Preparing is timed once, evaluating many
times. To add one, write one file and one line in `BUILT_IN`, or publish it under the entry-point group
`derivcheck.engines.v1`.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import sympy as sp
import torch
from torch import Tensor

from derivcheck.differentiation import SymbolicPartials
from derivcheck.errors import RequestError, Unsupported
from derivcheck.lowering import PointFunction, lower_one
from derivcheck.problem import Problem

GROUP = "derivcheck.engines.v1"
BUILT_IN = {
    "reverse": "derivcheck.engines.reverse:prepare",
    "symbolic": "derivcheck.engines.symbolic:prepare",
    "forward": "derivcheck.engines.forward:prepare",
    "forward-over-reverse": "derivcheck.engines.forward_over_reverse:prepare",
    "jet": "derivcheck.engines.jet:prepare",
    "compiled": "derivcheck.engines.compiled:prepare",
}


# How torch says so: of a kernel, of forward mode, of a torch.autograd.Function without `jvp` or `setup_context`.
LACKING = (
    "not implemented",
    "has not been implemented",
    "must override the setup_context",
    "must implement the jvp",
    "does not support forward AD",
    "is not differentiable with respect to",
)


@dataclass(frozen=True)
class Partials:
    """The m partials of a problem at n points."""

    values: Tensor
    """Shape (n, m), in the problem's dtype, on its device."""
    cut: frozenset[int] = frozenset()
    """Columns that are 0 because autograd found no graph. Where the derivative is 0, that is right."""
    unsupported: Mapping[int, str] = field(default_factory=dict)
    """Columns that could not be computed (filled with NaN), with the reason."""


Evaluate = Callable[[Tensor], Partials]  # points (d, n), one contiguous row a variable
Engine = Callable[[Problem], Evaluate]


@lru_cache(maxsize=8)
def symbolic_partials(formula: sp.Expr, variables: tuple[str, ...]) -> SymbolicPartials:
    """The graph of a formula, shared by all engines and the referee."""
    return SymbolicPartials(formula, variables)


def point_function(problem: Problem) -> PointFunction:
    """What is differentiated: the user's function if there is one, else the expression as a person would write it."""
    if problem.function is None:
        symbolic = symbolic_partials(problem.formula, problem.variables)
        return lower_one(symbolic.graph, symbolic.root)
    function = user_function(problem)
    return lambda *columns: function(*columns).reshape(columns[0].shape)


def user_function(problem: Problem) -> Callable[..., Any]:
    """The user's function as one of d columns: with layout `matrix` it gets them stacked, (n, d)."""
    function = problem.function
    assert function is not None
    return (lambda *columns: function(torch.stack(columns, dim=1))) if problem.layout == "matrix" else function


def run(function: Callable[..., Any], *columns: Tensor) -> Any:
    """Call; an operation that torch lacks for this dtype or device is `Unsupported`, not an error."""
    try:
        return function(*columns)
    except (RuntimeError, NotImplementedError) as error:
        if lacking(error):
            raise Unsupported(str(error).splitlines()[0]) from None
        raise


@contextmanager
def own_warnings_ignored() -> Iterator[None]:
    """While torch loads parts of itself, it warns of its own use of torch.jit and of NumPy that is not installed."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"\s*`torch\.jit\.", DeprecationWarning)
        warnings.filterwarnings("ignore", "Failed to initialize NumPy", UserWarning)
        yield


def lacking(error: Exception) -> bool:
    """Whether torch says that an operation has no kernel or no derivative of this kind, or a Function no `jvp`."""
    return any(words in str(error) for words in LACKING)


def engine(name: str) -> Engine:
    """The engine of this name, built in or from a plugin. Raises `RequestError` with the list where there is none."""
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        found: Engine = getattr(import_module(module), attribute)
        return found
    for point in entry_points(group=GROUP):
        if point.name == name:
            loaded = _load(point)
            if loaded is not None:
                return loaded
    raise RequestError(f"--engine {ascii(name)[1:-1]}: unknown", f"Choose from {', '.join(names())}.")


def names() -> list[str]:
    """All engines: the built-in ones, then those of plugins."""
    return [*BUILT_IN, *sorted(point.name for point in entry_points(group=GROUP) if point.name not in BUILT_IN)]


def _load(point: EntryPoint) -> Engine | None:
    """A plugin that does not load costs a warning with its distribution's name, never the run."""
    try:
        loaded: Engine = point.load()
        return loaded
    except Exception as error:
        owner = point.dist.name if point.dist else "an unknown distribution"
        warnings.warn(f"engine {point.name} of {owner} does not load: {type(error).__name__}: {error}", stacklevel=2)
        return None
