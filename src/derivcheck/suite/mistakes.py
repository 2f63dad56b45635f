"""What is wrong with a suite file, collected: a person mends all of it at once, and nothing runs before.

What `problem.create` refuses speaks of options of the command line; here it speaks of keys.
"""

import re
from collections.abc import Container
from typing import NoReturn

from derivcheck.errors import ExpressionError, RequestError, SuiteError, printable, shortened
from derivcheck.suite.toml_lines import Path, key_lines, nearest_line

MOST_MISTAKES = 1000  # beyond it nobody reads on, and a hostile file would fill the memory
LONGEST = 300  # characters of a cause or a cure
LONGEST_NAME = 60

OPTION = re.compile(r"--(?!list-)(?P<key>[a-z]+(?:-[a-z]+)*)(?: (?P<value>\S*[^\s.,;]))?")
MENTIONED = re.compile(r"(?:--|^(?:the )?)([a-z]+(?:-[a-z]+)*)")


class Mistakes:
    """The mistakes of one file. `path` is the place of one in the file, `where` what stands there, in words."""

    def __init__(self, source: str, text: str) -> None:
        self.source = source
        self.lines = key_lines(text)
        self.found: dict[tuple[int, str], None] = {}

    def add(self, path: Path, error: RequestError, where: str = "", key: str = "") -> None:
        """Note a mistake; a path that ends in its key has the line of the key."""
        number = self.line(path)
        place = ": ".join(part for part in (f"{self.source}:{number}", where, key) if part)
        self.found[number, f"{printable(place)}: {_message(error, key)}"] = None
        if len(self.found) == MOST_MISTAKES:
            self.raise_if_any()

    def refuse(self, path: Path, error: RequestError) -> NoReturn:
        """Note a mistake that makes it useless to look for more."""
        self.add(path, error)
        self.raise_if_any()
        raise AssertionError("there is a mistake")

    def line(self, path: Path) -> int:
        return nearest_line(self.lines, path)

    def raise_if_any(self) -> None:
        texts = [text for _, text in sorted(self.found, key=lambda mistake: mistake[0])]
        if len(texts) == MOST_MISTAKES:
            texts.append(f"{self.source}: these are {MOST_MISTAKES} mistakes. The rest of the file was not looked at.")
        if texts:
            raise SuiteError(texts)


def check_called(name: str) -> str:
    """How a check is named in a message."""
    return f'check "{shortened(name, LONGEST_NAME)}"'


def key_of(error: RequestError, given: Container[str]) -> str:
    """The key, of those given, that an error of `problem.create` speaks of: an option, or its first word. Else ""."""
    if isinstance(error, ExpressionError):
        return "expression"
    return next((key for key in MENTIONED.findall(error.cause) if key in given), "")


def _message(error: RequestError, key: str) -> str:
    """Cause and cure in the words of a suite: in one line, or with the place in an expression indented below."""
    cause = error.cause.removeprefix("--").removeprefix(f"{key} ")
    if not isinstance(error, ExpressionError):
        cause = _clean(OPTION.sub(_without_dashes, cause))
        return f"{cause}. {_clean(OPTION.sub(_as_in_toml, error.cure))}".rstrip()
    first, *rest = str(error).splitlines()
    return "\n".join([first, *(f"  {below}" for below in rest)])


def _clean(text: str) -> str:
    """Short, in one line, and without what would act on a terminal: the file may be a stranger's."""
    return shortened(printable(text), LONGEST)


def _without_dashes(option: re.Match[str]) -> str:
    return option[0].removeprefix("--")


def _as_in_toml(option: re.Match[str]) -> str:
    """`--order 0` is `order = 0`, `--vars x,y` is `vars = "x,y"`."""
    if not option["value"]:
        return _without_dashes(option)
    is_number = re.fullmatch(r"[-+.\de]+", option["value"])
    return f"{option['key']} = " + (option["value"] if is_number else f'"{option["value"]}"')
