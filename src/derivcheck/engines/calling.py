"""Calling what is differentiated: the user's function in its layout, or the expression as a person would write it."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import Parameter, signature
from itertools import takewhile
from typing import Any

import torch
from torch import Tensor

from derivcheck.engines import state
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
    "does not currently support double backward",  # torch.compile
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
    """The user's function as one of d columns in the order of the variables.

    With layout `matrix` it gets them stacked, (n, d); otherwise by parameter name, if its parameters are named like the
    variables, or in the order of the variables.
    """
    function = problem.function
    assert function is not None
    order, kept = arguments(function, problem.variables), state.keeping(function)
    if problem.layout == "matrix":
        return lambda *columns: kept(torch.stack(columns, dim=1))
    if order == problem.variables:
        return kept
    return _by_name(kept, problem.variables, order)


def _by_name(function: Callable[..., Any], variables: tuple[str, ...], order: tuple[str, ...]) -> Callable[..., Any]:
    """The function of one column per variable. Columns are passed by position up to a parameter that is left out, since
    torch.vmap takes an argument that is passed by name for one that is not batched."""
    leading = takewhile(lambda pair: pair[0].name == pair[1], zip(_parameters(function), order, strict=False))
    count = sum(1 for p, _ in leading if p.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD))
    places = [variables.index(name) for name in order]

    def called(*columns: Tensor) -> Any:
        named = {name: columns[j] for name, j in zip(order[count:], places[count:], strict=True)}
        return function(*(columns[j] for j in places[:count]), **named)

    return called


def arguments(function: Callable[..., Any], variables: tuple[str, ...]) -> tuple[str, ...]:
    """The variables in the order in which the function takes them.

    That is the order of its parameters, if they are named like the variables: every variable is a parameter, and every
    parameter without a default a variable. Otherwise it is the order of the variables.
    """
    parameters = _parameters(function)
    needed = {p.name for p in parameters if p.default is p.empty}
    if not needed <= set(variables) <= {p.name for p in parameters}:
        return variables
    return tuple(p.name for p in parameters if p.name in variables)


def _parameters(function: Callable[..., Any]) -> list[Parameter]:
    """Those with a name of their own: of `forward` for an autograd.Function, without ctx; empty where unknown."""
    owner = getattr(function, "__self__", None)
    applied = owner if isinstance(owner, type) and issubclass(owner, torch.autograd.Function) else None
    try:
        found = list(signature(applied.forward if applied else function).parameters.values())
    except (TypeError, ValueError):  # built in
        return []
    if applied and applied.setup_context is torch.autograd.Function.setup_context:
        found = found[1:]
    return [p for p in found if p.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)]


def leaves(points: Tensor) -> list[Tensor]:
    """Points (d, n) as a training loop makes them: one tensor per variable that requires grad."""
    return [row.detach().clone().requires_grad_() for row in points]


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
