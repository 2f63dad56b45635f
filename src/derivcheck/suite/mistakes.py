"""Everything wrong with a suite file, collected, so that a person can fix all of it before anything runs.

`problem.create` words its errors for the command line; here options become keys.
"""

import re
from collections.abc import Container
from typing import NoReturn

from derivcheck.errors import ExpressionError, RequestError, SuiteError, printable, shortened
from derivcheck.suite.keys import CHECK_KEYS
from derivcheck.suite.toml_lines import KeyPath, key_lines, nearest_line

MOST_MISTAKES = 1000  # nobody reads more, and a hostile file would fill the memory
LONGEST = 300  # characters of a cause or a cure: four lines of an 80-column terminal
LONGEST_NAME = 60  # characters of a check's name: it leaves room on the line for FILE:LINE

OPTION = re.compile(r"--(?!list-)(?P<key>[a-z]+(?:-[a-z]+)*)(?: (?P<value>\S*[^\s.,;]))?")
MENTIONED = re.compile(r"(?:--|^(?:the )?)([a-z]+(?:-[a-z]+)*)")


class Mistakes:
    """The mistakes of one file. `path` is the place of one in the file, `where` the check or table there, in words.

    Those of an entry, whose path is `entry`, concern its checks alone; any other one refuses the whole file.
    """

    def __init__(self, source: str, text: str) -> None:
        self.source = source
        self.lines = key_lines(text)
        self.found: dict[KeyPath, dict[tuple[int, str], None]] = {}
        """By entry, () for the file; each with its line."""
        self.count = 0

    def add(self, path: KeyPath, error: RequestError, where: str = "", key: str = "", *, entry: KeyPath = ()) -> None:
        """Note a mistake, with the line of its key if `path` ends in one."""
        number = self.line(path)
        place = ": ".join(part for part in (f"{self.source}:{number}", where, key) if part)
        self.found.setdefault(entry, {})[number, f"{printable(place)}: {_message(error, key)}"] = None
        self.count += 1
        if self.count == MOST_MISTAKES:
            self._raise()

    def refuse(self, path: KeyPath, error: RequestError) -> NoReturn:
        """Note a mistake after which it is useless to look for more."""
        self.add(path, error)
        self._raise()

    def line(self, path: KeyPath) -> int:
        return nearest_line(self.lines, path)

    def texts(self, entry: KeyPath | None = None) -> list[str]:
        """Those of an entry, or all, in the order of their lines."""
        found = self.found.get(entry, {}) if entry is not None else [m for each in self.found.values() for m in each]
        return list(dict.fromkeys(text for _, text in sorted(found, key=lambda mistake: mistake[0])))

    def raise_if_any(self) -> None:
        """Refuse the file if something is wrong outside of its entries, with all mistakes that it has."""
        if () in self.found:
            self._raise()

    def _raise(self) -> NoReturn:
        texts = self.texts()
        if self.count == MOST_MISTAKES:
            texts.append(
                f"{self.source}: there are {MOST_MISTAKES} mistakes so far. The rest of the file was not checked."
            )
        raise SuiteError(texts)


def check_called(name: str) -> str:
    """How a check is named in a message."""
    return f'check "{shortened(name, LONGEST_NAME)}"'


def mentioned_key(error: RequestError, given: Container[str]) -> str:
    """The given key that an error of `problem.create` is about: an option, or its first word. Empty if none is."""
    if isinstance(error, ExpressionError):
        return "expression"
    return next((key for key in MENTIONED.findall(error.cause) if key in given), "")


def _message(error: RequestError, key: str) -> str:
    """Cause and cure in terms of a suite, on one line, or with the place in an expression indented below."""
    cause = error.cause.removeprefix("--").removeprefix(f"{key} ")
    if not isinstance(error, ExpressionError):
        cause = _clean(OPTION.sub(_without_dashes, cause))
        return f"{cause}. {_clean(OPTION.sub(_as_in_toml, error.cure))}".rstrip()
    first, *rest = str(error).splitlines()
    return "\n".join([first, *(f"  {below}" for below in rest)])


def _clean(text: str) -> str:
    """Short, on one line, and without anything that acts on a terminal: the file may come from a stranger."""
    return shortened(printable(text), LONGEST)


def _without_dashes(option: re.Match[str]) -> str:
    return option[0].removeprefix("--")


def _as_in_toml(option: re.Match[str]) -> str:
    """`--order 0` is `order = 0`, `--vars x,y` is `vars = "x,y"`. An option that is no key stays as it is."""
    if option["key"] not in CHECK_KEYS:
        return option[0]
    if not option["value"]:
        return _without_dashes(option)
    is_number = re.fullmatch(r"[-+.\de]+", option["value"])
    return f"{option['key']} = " + (option["value"] if is_number else f'"{option["value"]}"')
