"""Calling what is differentiated: the user's function in its layout, or the expression as a person would write it."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from derivcheck.errors import Unsupported
from derivcheck.problem import Problem
from derivcheck.symbolic.differentiation import symbolic_partials
from derivcheck.symbolic.lowering import PointFunction, lower_one

# How torch says so: of a kernel, of forward mode, of a torch.autograd.Function without `jvp` or `setup_context`.
LACKING = (
    "not implemented",
    "has not been implemented",
    "must override the setup_context",
    "must implement the jvp",
    "does not support forward AD",
    "is not differentiable with respect to",
)


def dtype_of(problem: Problem) -> torch.dtype:
    """The problem's dtype, which it names so that the command line can start without torch."""
    dtype: torch.dtype = getattr(torch, problem.dtype)
    return dtype


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
