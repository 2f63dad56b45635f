"""Checks of the user's function before it is trusted: shape, dtype, device, purity and determinism."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from derivcheck.engines.calling import user_function
from derivcheck.engines.loading import UserFunction, raised
from derivcheck.errors import DerivcheckError, FunctionError

if TYPE_CHECKING:
    from derivcheck.engines.extend import Evaluate, Partials
    from derivcheck.problem import Problem


def first_evaluation(problem: Problem, evaluate: Evaluate, points: Tensor) -> Partials:
    """The first evaluation. Raises `FunctionError` with what the user's function does wrong."""
    if problem.function is None:
        return evaluate(points)
    examine(user_function(problem), problem.function_name, list(points))
    try:
        return evaluate(points)
    except DerivcheckError:
        raise
    except Exception as error:
        raise raised(problem.function_name, "raises when it is differentiated", error) from None


def examine(function: UserFunction, name: str | None, columns: Sequence[Tensor]) -> None:
    """Call the function twice on n points. Raises `FunctionError` if it is not a function of each point alone."""
    name = name or str(getattr(function, "__name__", "the function"))
    given = [column.clone() for column in columns]
    with torch.no_grad():
        try:
            first = function(*given)
        except Exception as error:
            if "not implemented for" in str(error):
                return  # torch lacks a kernel: the engine reports it, as a row
            raise raised(name, "raises", error) from None
        _require_column(first, columns[0], name)
        _require_untouched(given, columns, name)
        second = function(*[column.clone() for column in columns])
    _require_same(first.reshape(-1), second.reshape(-1), name)


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
        if not torch.equal(after.nan_to_num(), before.nan_to_num()):
            raise FunctionError(f"{name} changes its argument {j + 1} in place", "Work on a clone: x = x.clone().")


def _require_same(first: Tensor, second: Tensor, name: str) -> None:
    differs = ~((first == second) | (torch.isnan(first) & torch.isnan(second)))
    if bool(differs.any()):
        i = int(differs.nonzero()[0])
        cause = f"{name} is not deterministic: two calls at point {i} gave {float(first[i])!r} and {float(second[i])!r}"
        raise FunctionError(cause, "Switch off dropout and other randomness: module.eval(), a fixed seed.")
