"""The user's own torch function: found by name, looked at once before it is trusted, its errors said in its own frames.

Naming a function runs its code: that is what it is named for.
"""

import copy
import difflib
import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from derivcheck.errors import FunctionError

MOST_FRAMES = 5  # of the user's traceback: the place is in the last ones
HERE = str(Path(__file__).parent)
TORCH = str(Path(torch.__file__).parent)

PointFunction = Callable[..., Any]


def load(name: str) -> PointFunction:
    """`module:name`, `package.module:object.attribute` or `file.py:name`, as something to call with tensors."""
    place, colon, path = name.rpartition(":")
    if not colon or not place or not path:
        raise FunctionError(f"--function {name}: not a place and a name", "Write it like module:name or file.py:name.")
    found: Any = _module(place, name)
    for part in path.split("."):
        if not hasattr(found, part):
            near = difflib.get_close_matches(part, dir(found), n=3)
            cure = f"Did you mean {' or '.join(near)}?" if near else f"It has {', '.join(_public(found))}."
            raise FunctionError(f"--function {name}: {getattr(found, '__name__', place)} has no {part}", cure)
        found = getattr(found, part)
    return callable_of(found, name)


def callable_of(found: Any, name: str) -> PointFunction:
    """What is called: an autograd.Function's `apply`, a module in the dtype of its input, or the thing itself."""
    if inspect.isclass(found) and issubclass(found, torch.autograd.Function):
        apply: PointFunction = found.apply
        return apply
    if inspect.isclass(found) and issubclass(found, torch.nn.Module):
        raise FunctionError(
            f"--function {name}: a class of modules, not a module", f"Name an instance: net = {found.__name__}(...)"
        )
    if isinstance(found, torch.nn.Module):
        return _AnyDtype(found)
    if not callable(found):
        raise FunctionError(
            f"--function {name}: {type(found).__name__} cannot be called", "Name a function of tensors."
        )
    return found  # type: ignore[no-any-return]


class _AnyDtype:
    """A module that follows the dtype and device of its input: a copy of it for each that is asked for."""

    def __init__(self, module: torch.nn.Module) -> None:
        self.module = module
        self.copies: dict[tuple[torch.dtype, torch.device], torch.nn.Module] = {}

    def __call__(self, *columns: Tensor) -> Any:
        key = columns[0].dtype, columns[0].device
        if key not in self.copies:
            self.copies[key] = copy.deepcopy(self.module).to(dtype=key[0], device=key[1])
        return self.copies[key](*columns)


def _module(place: str, name: str) -> ModuleType:
    """Import a module or a file; its folder and the working directory are importable meanwhile and after."""
    path = Path(place)
    is_file = place.endswith(".py")
    for folder in (str(Path.cwd()), str(path.resolve().parent)) if is_file else (str(Path.cwd()),):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    if is_file and not path.is_file():
        near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*.py")], n=3)
        raise FunctionError(
            f"--function {name}: there is no file {place}", f"Did you mean {' or '.join(near)}?" if near else ""
        )
    try:
        return _from_file(path) if is_file else importlib.import_module(place)
    except Exception as error:
        missing = isinstance(error, ModuleNotFoundError) and not is_file and place.startswith(error.name or " ")
        if missing:
            raise FunctionError(
                f"--function {name}: there is no module {place}", "Install it, or write file.py:name."
            ) from None
        raise raised(name, "fails when it is imported", error) from None


def _from_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path.resolve())
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    spec.loader.exec_module(module)
    return module


def _public(found: Any) -> list[str]:
    return [n for n in dir(found) if not n.startswith("_")][:10] or ["nothing public"]


def raised(name: str | None, what: str, error: Exception) -> FunctionError:
    """The user's error, with the user's own frames."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if not f.filename.startswith((HERE, TORCH, "<frozen"))] or frames[-1:]
    shown = "".join(traceback.format_list(own[-MOST_FRAMES:]))
    text = "".join(traceback.format_exception_only(error)).strip()
    return FunctionError(f"{name or 'the function'} {what}:\n{shown}{text}", "")


def examine(function: PointFunction, name: str | None, columns: Sequence[Tensor]) -> None:
    """Call the function twice on n points and refuse what cannot be differentiated point by point."""
    name = name or str(getattr(function, "__name__", "the function"))
    given = [column.clone() for column in columns]
    with torch.no_grad():
        try:
            first = function(*given)
        except Exception as error:
            if "not implemented for" in str(error):
                return  # the engine says so, as a row
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
        cure = f"Return one number a point: ({n},) or ({n}, 1). --layout matrix passes one (n, d) tensor."
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
