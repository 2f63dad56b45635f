"""Where the user's function is: `module:name` or `file.py:name`. Nothing is imported here, torch included. `option` is
the one that names it, for messages."""

import sys
from importlib.machinery import PathFinder
from pathlib import Path

from derivcheck.errors import FunctionError, did_you_mean, printable


def place_and_path(name: str, option: str = "--function") -> tuple[str, str]:
    """The module or file, and the dotted path within it."""
    place, colon, path = name.rpartition(":")
    if not colon or not place or not path:
        cause = f"{option} {printable(name)}: not a place and a name"
        raise FunctionError(cause, "Write it like module:name or file.py:name.")
    return place, path


def require(name: str, option: str = "--function") -> None:
    """Raise `FunctionError` if there is no such file or module, as far as that can be seen from outside."""
    place, _ = place_and_path(name, option)
    if place.endswith(".py"):
        require_file(place, name, option)
    elif not is_module(place.partition(".")[0]):
        raise no_module(place, name, option)


def require_file(place: str, name: str, option: str) -> None:
    path = Path(place)
    if not path.is_file():
        near = did_you_mean(path.name, [p.name for p in path.parent.glob("*.py")])
        raise FunctionError(f"{option} {printable(name)}: there is no file {printable(place)}", near)


def no_module(place: str, name: str, option: str) -> FunctionError:
    cure = "Install it, or write file.py:name."
    return FunctionError(f"{option} {printable(name)}: there is no module {printable(place)}", cure)


def is_module(top: str) -> bool:
    """Whether a module or package of this name could be imported; the working directory counts."""
    known = top in sys.modules or top in sys.builtin_module_names or top in sys.stdlib_module_names
    return known or PathFinder.find_spec(top, [str(Path.cwd()), *sys.path]) is not None
