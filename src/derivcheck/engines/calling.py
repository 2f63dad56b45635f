"""Calling what is differentiated: the user's function in its layout, or the expression as a person would write it."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from derivcheck.errors import Unsupported
from derivcheck.problem import Problem
from derivcheck.symbolic.differentiation import symbolic_of
from derivcheck.symbolic.lowering import PointFunction, lower_one

# What torch's errors say if an operation has no kernel or no derivative of a kind, and if a torch.autograd.Function has
# no `jvp` or no `setup_context`.
LACKING = (
    "not implemented",
    "has not been implemented",
    "must override the setup_context",
    "must implement the jvp",
    "does not support forward AD",
    "is not differentiable with respect to",
)


def dtype_of(problem: Problem) -> torch.dtype:
    """The problem's dtype, which it keeps as a name so that the command line can start without torch."""
    dtype: torch.dtype = getattr(torch, problem.dtype)
    return dtype


def point_function(problem: Problem) -> PointFunction:
    """What is differentiated: the user's function if there is one, else the expression as a person would write it."""
    if problem.function is None:
        symbolic = symbolic_of(problem)
        return lower_one(symbolic.graph, symbolic.root)
    function = user_function(problem)
    return lambda *columns: function(*columns).reshape(columns[0].shape)


def user_function(problem: Problem) -> Callable[..., Any]:
    """The user's function as one of d columns: with layout `matrix` it gets them stacked, (n, d)."""
    function = problem.function
    assert function is not None
    return (lambda *columns: function(torch.stack(columns, dim=1))) if problem.layout == "matrix" else function


def call(function: Callable[..., Any], *columns: Tensor) -> Any:
    """Call a function. Raises `Unsupported` if it uses an operation that torch lacks for this dtype or device."""
    try:
        return function(*columns)
    except (RuntimeError, NotImplementedError) as error:
        if is_lacking(error):
            raise Unsupported(str(error).splitlines()[0]) from None
        raise


def is_lacking(error: Exception) -> bool:
    """Whether torch says that an operation has no kernel or no derivative of a kind, or a Function no `jvp`."""
    return any(words in str(error) for words in LACKING)


@contextmanager
def own_warnings_ignored() -> Iterator[None]:
    """Ignore what torch warns of while it loads parts of itself: its own use of torch.jit, and a missing NumPy."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"\s*`torch\.jit\.", DeprecationWarning)
        warnings.filterwarnings("ignore", "Failed to initialize NumPy", UserWarning)
        yield
