"""Checks of the user's function before it is trusted: shape, dtype, device, purity and determinism."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from derivcheck.engines.arity import cure, require_arity
from derivcheck.engines.calling import is_lacking, user_function
from derivcheck.engines.loading import HERE, UserFunction, raised, users_frames
from derivcheck.errors import DerivcheckError, FunctionError, message

# The modules of this package that call the user's function or its backward: what is raised further in is not theirs.
CALLERS = (
    "calling.py", "reverse.py", "forward.py", "forward_over_reverse.py", "jet.py", "protocol_calls.py", "state.py",
    "loading.py",
)  # fmt: skip
DIRECTLY = ("calling.py", "state.py")  # those whose own frame is the last if what they call is built in

if TYPE_CHECKING:
    from derivcheck.engines.extend import Evaluate, Partials
    from derivcheck.problem import Problem


def first_evaluation(problem: Problem, evaluate: Evaluate, points: Tensor) -> Partials:
    """The first evaluation. Raises `FunctionError` with what the user's function does wrong."""
    if problem.function is None:
        return evaluate(points)
    examine(problem, list(points))
    try:
        return evaluate(points)
    except (DerivcheckError, KeyboardInterrupt):
        raise
    except BaseException as error:  # SystemExit too: it would end the run with a status of its own
        raise raised(problem.function_name, "raises when it is differentiated", error) from None


def failure(problem: Problem, error: BaseException) -> FunctionError | None:
    """The error as one of the user's function, if it is: raised in its code, or in torch on its behalf."""
    if problem.function is None or isinstance(error, (DerivcheckError, KeyboardInterrupt)):
        return None
    if not isinstance(error, Exception):  # SystemExit and the like: nothing of ours raises them
        return raised(problem.function_name, "raises", error)
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    inner = max((i for i, file in enumerate(files) if file.startswith(HERE)), default=-1)
    if not files[inner].endswith(CALLERS) or (inner == len(files) - 1 and not files[inner].endswith(DIRECTLY)):
        return None  # ours
    return raised(problem.function_name, "raises", error)


def examine(problem: Problem, columns: Sequence[Tensor]) -> None:
    """Call the user's function twice on n points and refuse what cannot be differentiated point by point.

    It is called as a training loop does, with leaves that require grad: it may differentiate by itself.
    """
    function = user_function(problem)
    name = problem.function_name or str(getattr(problem.function, "__name__", "the function"))
    given = [column.clone().requires_grad_() for column in columns]
    try:
        with torch.enable_grad():
            first = function(*given)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if isinstance(error, Exception) and is_lacking(error):
            return  # the engine says so, as a row
        _require_no_writing(function, name, columns, error)
        if isinstance(error, TypeError) and not users_frames(error):  # the call itself, not something within it
            require_arity(problem, name)
            raise FunctionError(f"{name} cannot be called like this: {message(error)}", cure(problem)) from None
        raise raised(name, "raises", error) from None
    _require_column(first, columns[0], name)
    _require_untouched(given, columns, name)
    with torch.enable_grad():
        second = function(*[column.clone().requires_grad_() for column in columns])
    _require_same(first.detach().reshape(-1), second.detach().reshape(-1), name)


def _require_no_writing(function: UserFunction, name: str, columns: Sequence[Tensor], error: BaseException) -> None:
    """Torch raises if a leaf that requires grad is changed in place: say which, as for what changes it unnoticed."""
    if "in-place operation" in message(error):
        given = [column.clone() for column in columns]
        with torch.no_grad(), suppress(Exception):
            function(*given)
        _require_untouched(given, columns, name)


def _require_column(result: Any, like: Tensor, name: str) -> None:
    n = len(like)
    if not isinstance(result, Tensor):
        raise FunctionError(
            f"{name} returns {type(result).__name__}, not a tensor", f"Return a tensor of shape ({n},)."
        )
    if not result.is_floating_point():
        raise FunctionError(
            f"{name} returns a tensor of {result.dtype}, which has no derivative", f"Return {like.dtype}."
        )
    if tuple(result.shape) not in ((n,), (n, 1)):
        cure = f"Return one number per point: ({n},) or ({n}, 1). --layout matrix passes one (n, d) tensor."
        raise FunctionError(f"{name} returns shape {tuple(result.shape)} for {n} points", cure)
    if result.dtype != like.dtype:
        cure = "Return the dtype that was passed, or set --dtype."
        raise FunctionError(f"{name} returns {result.dtype} for {like.dtype}", cure)
    if result.device != like.device:
        raise FunctionError(
            f"{name} returns a tensor on {result.device} for points on {like.device}", "Compute where the input is."
        )


def _require_untouched(given: Sequence[Tensor], columns: Sequence[Tensor], name: str) -> None:
    for j, (after, before) in enumerate(zip(given, columns, strict=True)):
        if not torch.equal(after.detach().nan_to_num(), before.nan_to_num()):
            raise FunctionError(f"{name} changes its argument {j + 1} in place", "Work on a clone: x = x.clone().")


def _require_same(first: Tensor, second: Tensor, name: str) -> None:
    differs = ~((first == second) | (torch.isnan(first) & torch.isnan(second)))
    if bool(differs.any()):
        i = int(differs.nonzero()[0])
        cause = f"{name} is not deterministic: two calls at point {i} gave {float(first[i])!r} and {float(second[i])!r}"
        raise FunctionError(cause, "Switch off dropout and other randomness: module.eval(), a fixed seed.")
