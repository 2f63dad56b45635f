"""The user's own torch function: found by name, and its errors reported with the user's frames only.

Naming a function imports its module, which runs that module's code, as the user intends.
"""

import copy
import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import MethodType, ModuleType
from typing import Any

import torch
from torch import Tensor

from derivcheck.engines.places import no_module, place_and_path, require_file
from derivcheck.errors import FunctionError, did_you_mean

MOST_FRAMES = 5  # of the user's traceback: the error is in the last ones
MOST_NAMES = 10  # of a module, in the message that it lacks a name: one line
HERE = str(Path(__file__).parents[1])  # the package's folder, whose frames are not the user's
OF_OURS = ("torch", "derivcheck")  # packages of which `builtin:` suites name functions
TORCH = str(Path(torch.__file__).parent)

UserFunction = Callable[..., Any]  # tensors, in one of the layouts -> what should be a tensor


def load(name: str, option: str = "--function") -> UserFunction:
    """The function named `module:name`, `package.module:object.attribute` or `file.py:name`; `option` asked for it."""
    return callable_of(found(name, option)[-1], name, option)


def found(name: str, option: str = "--function") -> list[Any]:
    """What `module:object.attribute` names, part by part: the module, the object, the attribute."""
    place, path = place_and_path(name, option)
    parts: list[Any] = [_module(place, name, option)]
    for part in path.split("."):
        if not hasattr(parts[-1], part):
            cure = did_you_mean(part, dir(parts[-1])) or f"It has {', '.join(_public(parts[-1]))}."
            raise FunctionError(f"{option} {name}: {getattr(parts[-1], '__name__', place)} has no {part}", cure)
        parts.append(getattr(parts[-1], part))
    return parts


def is_name_of(name: str, function: Any) -> bool:
    """Whether `load(name)`, in another process, gives this very function: not a lambda, an inner function, something in
    `__main__`, or what a name is only the origin of, as of a compiled function."""
    place, _, path = name.rpartition(":")
    if place.endswith(".py"):
        return True
    found: Any = sys.modules.get(place) if place != "__main__" else None
    for part in path.split("."):
        found = getattr(found, part, None)
    applied = getattr(function, "__name__", "") == "apply" and found is getattr(function, "__self__", None)
    is_method = isinstance(found, MethodType) and found == function
    return found is not None and (found is function or is_method or applied or found is getattr(function, "module", 0))


def callable_of(found: Any, name: str, option: str = "--function") -> UserFunction:
    """What is called: an autograd.Function's `apply`, a module in the dtype of its input, or the thing itself."""
    if inspect.isclass(found) and issubclass(found, torch.autograd.Function):
        apply: UserFunction = found.apply
        return apply
    if inspect.isclass(found) and issubclass(found, torch.nn.Module):
        raise FunctionError(
            f"{option} {name}: a class of modules, not a module", f"Name an instance: net = {found.__name__}(...)"
        )
    if isinstance(found, torch.nn.Module):
        return _AnyDtype(found)
    if not callable(found):
        raise FunctionError(f"{option} {name}: {type(found).__name__} cannot be called", "Name a function of tensors.")
    return found  # type: ignore[no-any-return]


class _AnyDtype:
    """A module that follows the dtype and device of its input, with one copy per dtype and device."""

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


def _module(place: str, name: str, option: str) -> ModuleType:
    """Import a module or a file. The working directory and the file's folder are importable from then on, unless the
    module comes with derivcheck: suites that only name those are trusted in folders that are not."""
    path, is_file = Path(place), place.endswith(".py")
    if place.partition(".")[0] not in OF_OURS:
        _make_importable(Path.cwd(), *([path.resolve().parent] if is_file else []))
    if is_file:
        require_file(place, name, option)
    try:
        return _from_file(path) if is_file else importlib.import_module(place)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: it would end the run with a status of its own
        if isinstance(error, ModuleNotFoundError) and not is_file and place.startswith(error.name or " "):
            raise no_module(place, name, option) from None
        raise raised(name, "fails when it is imported", error) from None


def _make_importable(*folders: Path) -> None:
    for folder in map(str, folders):
        if folder not in sys.path:
            sys.path.insert(0, folder)


def _from_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path.resolve())
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    spec.loader.exec_module(module)
    return module


def _public(found: Any) -> list[str]:
    """The first public names of a module or an object."""
    return [n for n in dir(found) if not n.startswith("_")][:MOST_NAMES] or ["nothing public"]


def raised(name: str | None, what: str, error: BaseException) -> FunctionError:
    """A `FunctionError` with the user's error and the last of the user's own frames; else the last one of torch."""
    frames = users_frames(error) or [f for f in traceback.extract_tb(error.__traceback__) if not _is_ours(f)][-1:]
    shown = "".join(traceback.format_list(frames[-MOST_FRAMES:]))
    text = "".join(traceback.format_exception_only(error)).strip()
    return FunctionError(f"{name or 'the function'} {what}:\n{shown}{text}", "")


def users_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The frames of an error that are neither ours nor torch's; none if the call itself failed."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f for f in frames if not _is_ours(f) and not f.filename.startswith(TORCH)]


def _is_ours(frame: traceback.FrameSummary) -> bool:
    return frame.filename.startswith((HERE, "<frozen"))
