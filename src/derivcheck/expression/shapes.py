"""The shapes of a function's arguments at one point: `--shape 8` for all, `--shape x=8,w=3,4` for each.

An argument of shape (3, 4) has twelve variables, x[0][0] to x[2][3], which is how its entries are named everywhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

from derivcheck.errors import RequestError, printable
from derivcheck.multi_index import MOST_PARTIALS

Shape = tuple[int, ...]
Shapes = tuple[tuple[str, Shape], ...]
"""Arguments in order, each with its shape at one point; () for a column."""

CURE = "Write it like --shape 8, --shape 3,4 for two axes, or --shape x=8,w=8 for each argument."


def shapes(given: Any, arguments: Sequence[str]) -> Shapes:
    """The shape of every argument: an int, axes, a mapping, or text. One that no name goes with is that of all."""
    named = dict(_items(given))
    for name in named:
        if name and name not in arguments:
            cause = f"--shape {printable(name)}=...: there is no argument {printable(name)}"
            raise RequestError(cause, f"The arguments are {', '.join(arguments)}.")
    found = tuple((name, named.get(name, named.get("", ()))) for name in arguments)
    if sum(prod(shape) for _, shape in found) > MOST_PARTIALS:
        raise RequestError(f"--shape: there are more than {MOST_PARTIALS} variables", "Give smaller shapes.")
    return found


def names_in(given: Any) -> list[str]:
    """The arguments that a shape names."""
    return [name for name, _ in _items(given) if name]


def entries(name: str, shape: Shape) -> list[str]:
    """The variables of an argument, in the order of its memory: x[0][0], x[0][1], ..."""
    return [name + "".join(f"[{i}]" for i in index) for index in product(*map(range, shape))]


def argument_of(variable: str) -> str:
    """x of x[0][1]."""
    return variable.partition("[")[0].strip()


def _items(given: Any) -> Iterator[tuple[str, Shape]]:
    """Names, empty for all arguments, and shapes."""
    if given is None:
        return
    if given is None:
        return
    if isinstance(given, Mapping):
        yield from ((str(name), _shape(shape)) for name, shape in given.items())
    elif isinstance(given, str):
        yield from _split(given)
    elif isinstance(given, Sequence) and given and all(isinstance(text, str) for text in given):
        yield from (item for text in given for item in _split(text))
    else:
        yield "", _shape(given)


def _split(text: str) -> Iterator[tuple[str, Shape]]:
    """`x=3,4,w=8`: a number belongs to the name before it."""
    found: dict[str, list[str]] = {}
    name = ""
    for part in text.split(","):
        if "=" in part:
            name, _, part = (word.strip() for word in part.partition("="))
        found.setdefault(name, []).append(part.strip())
    yield from ((name, _shape(sizes)) for name, sizes in found.items())


def _shape(given: Any) -> Shape:
    sizes = [given] if isinstance(given, int | str) else list(given)
    found = [int(size) if str(size).isdecimal() else 0 for size in sizes]
    if not found or min(found) < 1:
        shown = ",".join(map(str, sizes)) or "nothing"
        raise RequestError(f"--shape {printable(shown)}: not whole numbers from 1 on", CURE)
    return tuple(found)
