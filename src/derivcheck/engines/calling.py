"""Calling what is differentiated: the user's function in its layout, or the expression as a person would write it."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from inspect import Parameter, Signature, signature
from itertools import takewhile
from typing import Any

import torch
from torch import Tensor

from derivcheck.engines import state
from derivcheck.engines.tensors import chosen, shaped
from derivcheck.errors import Unsupported, first_line, message
from derivcheck.expression.constants import nearest
from derivcheck.problem import Problem
from derivcheck.symbolic.differentiation import symbolic_of
from derivcheck.symbolic.lowering import PointFunction, lower_one

REFUSING = "torch::autograd::Error"  # the node that @once_differentiable puts in the graph
NO_BACKWARD = "must implement either the backward"
# What torch's errors say if an operation has no kernel or no derivative of a kind, and if a torch.autograd.Function has
# no `jvp` or no `setup_context`.
LACKING = (
    "not implemented",
    "has not been implemented",
    "must override the setup_context",
    "must implement the jvp",
    "does not support forward AD",
    "forward AD with",  # ... aten::heaviside that does not support it
    "is not differentiable with respect to",
    "does not currently support double backward",  # torch.compile
    NO_BACKWARD,
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

    With layout `matrix` it gets them stacked, (n, d), with shapes as tensors of these; otherwise by parameter name, if
    its parameters are named like the variables, or in the order of the variables. Of several outputs it returns one.
    """
    function = problem.function
    assert function is not None
    if problem.formula is None and problem.params:
        function = partial(function, **{name: _number(text) for name, text in problem.params})
    if problem.layout == "matrix":
        called = _of_matrix(function)
    else:
        called = (
            shaped(_in_order(function, problem), problem.shapes) if problem.shapes else _in_order(function, problem)
        )
    return state.keeping(called if problem.output is None else chosen(called, problem.output))


def _of_matrix(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *columns: function(torch.stack(columns, dim=1))


def _in_order(function: Callable[..., Any], problem: Problem) -> Callable[..., Any]:
    """The function of one tensor per argument, in the problem's order."""
    names = argument_names(problem)
    order = arguments(function, names)
    return function if order == names and not keyword_only(function, order) else _by_name(function, names, order)


def argument_names(problem: Problem) -> tuple[str, ...]:
    """The tensors that the function takes: one per variable, unless there are shapes."""
    return tuple(name for name, _ in problem.shapes) or problem.variables


def _number(text: str) -> float:
    """A parameter as Python code has it: whole if it is written so."""
    return int(text) if text.strip().lstrip("+-").isdecimal() else nearest(text)


def keyword_only(function: Callable[..., Any], names: Sequence[str]) -> list[str]:
    """Those names that are parameters without a position. Others that have none, as functools.partial makes them of
    what it fills in, do not matter."""
    return [p.name for p in _parameters(function) if p.kind is p.KEYWORD_ONLY and p.name in names]


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


def parameter_names(function: Callable[..., Any]) -> tuple[str, ...]:
    """The parameters without a default, which are the variables of a function that is its own formula; empty where
    unknown, as of a built-in function."""
    return tuple(p.name for p in _parameters(function) if p.default is p.empty)


def _parameters(function: Callable[..., Any]) -> list[Parameter]:
    """Those with a name of their own; empty where unknown."""
    found = own_signature(function)
    kinds = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    return [p for p in found.parameters.values() if p.kind not in kinds] if found else []


def own_signature(function: Callable[..., Any]) -> Signature | None:
    """The signature, for an autograd.Function that of `forward` without ctx; None where unknown, as of what is built
    in."""
    owner = getattr(function, "__self__", None)
    applied = owner if isinstance(owner, type) and issubclass(owner, torch.autograd.Function) else None
    try:
        found = signature(applied.forward if applied else function)
    except (TypeError, ValueError):
        return None
    if applied and applied.setup_context is torch.autograd.Function.setup_context:
        found = found.replace(parameters=list(found.parameters.values())[1:])
    return found


def leaves(points: Tensor) -> list[Tensor]:
    """Points (d, n) as a training loop makes them: one tensor per variable that requires grad."""
    return [row.detach().clone().requires_grad_() for row in points]


def call(function: Callable[..., Any], *columns: Tensor) -> Any:
    """Call a function. Raises `Unsupported` if it uses an operation that torch lacks for this dtype or device."""
    try:
        return function(*columns)
    except (RuntimeError, NotImplementedError) as error:
        if is_lacking(error):
            raise Unsupported(lack(error)) from None
        raise


def is_marked_once(function: Callable[..., Any], points: Tensor, steps: Sequence[int]) -> bool:
    """Whether a backward is marked @once_differentiable: on the way along `steps` at points (d, n) it leaves a node in
    the graph that refuses to be differentiated again. autograd.grad passes it by without an error."""
    inputs = leaves(points)
    try:
        with torch.enable_grad():
            value = function(*inputs)
            for j in steps:
                v = torch.ones_like(value).requires_grad_()  # else torch returns a plain tensor in place of the node
                (value,) = torch.autograd.grad(value, [inputs[j]], v, create_graph=True, allow_unused=True)
                if value is None:
                    return False
                if any(node.name() == REFUSING for node in _nodes(value.grad_fn)):
                    return True
    except (RuntimeError, NotImplementedError):
        pass
    return False


def _nodes(root: Any) -> Iterator[Any]:
    """Every node of a graph, once."""
    waiting, seen = [root], {None}
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            yield node
            waiting += [following for following, _ in node.next_functions]


def is_lacking(error: Exception) -> bool:
    """Whether torch says that an operation has no kernel or no derivative of a kind, or a Function no `jvp`."""
    return any(words in message(error) for words in LACKING)


def lack(error: Exception) -> str:
    """What is lacking, on one line."""
    return "its autograd.Function has no backward" if NO_BACKWARD in message(error) else first_line(error)


@contextmanager
def own_warnings_ignored() -> Iterator[None]:
    """Ignore what torch warns of while it loads parts of itself: its own use of torch.jit, and a missing NumPy."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"\s*`torch\.jit\.", DeprecationWarning)
        warnings.filterwarnings("ignore", "Failed to initialize NumPy", UserWarning)
        yield
