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
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from derivcheck.errors import FunctionError

MOST_FRAMES = 5  # of the user's traceback: the place is in the last ones
HERE = str(Path(__file__).parents[1])
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
        self.__wrapped__ = module.forward  # where inspect.signature finds the names of its parameters
        self.copies: dict[tuple[torch.dtype, torch.device], torch.nn.Module] = {}

    def __call__(self, *columns: Tensor, **named: Tensor) -> Any:
        first = next(iter((*columns, *named.values())))
        key = first.dtype, first.device
        if key not in self.copies:
            self.copies[key] = copy.deepcopy(self.module).to(dtype=key[0], device=key[1])
        return self.copies[key](*columns, **named)


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
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: it would end the run with a status of its own
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


def raised(name: str | None, what: str, error: BaseException) -> FunctionError:
    """The user's error, with the user's own frames."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if not f.filename.startswith((HERE, TORCH, "<frozen"))] or frames[-1:]
    shown = "".join(traceback.format_list(own[-MOST_FRAMES:]))
    text = "".join(traceback.format_exception_only(error)).strip()
    return FunctionError(f"{name or 'the function'} {what}:\n{shown}{text}", "")
