"""A suite file as text: found, read and parsed as TOML. Only its outermost tables are looked at.

A file may come from a stranger, so its size and depth are bounded before it is parsed.
"""

import re
import tomllib
from importlib import resources
from pathlib import Path, PurePath
from typing import Any

from derivcheck.errors import ExpressionError, RequestError, SuiteError, did_you_mean, printable
from derivcheck.suite.toml_lines import KEY

BUILTIN = "builtin:"
MOST_BYTES = 2 * 2**20  # 200 for each of the 10 000 checks that a file may have; tomllib takes a second for them
MOST_PARTS = 50  # of a dotted key: tomllib takes time quadratic in them, hours for a file of one key
IN_PYPROJECT = ("tool", "derivcheck")

LONG_KEY = re.compile(rf"^[ \t]*+\[?\[?(?:[ \t]*+(?:{KEY.pattern})[ \t]*+\.){{{MOST_PARTS}}}", re.MULTILINE)
PLACE = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")


def read(source: str) -> str:
    """The text of a file, or of a suite that ships with derivcheck, `builtin:NAME`. Raises `SuiteError`."""
    if source.startswith(BUILTIN):
        return _built_in(source)
    try:
        with open(source, "rb") as file:
            data = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise SuiteError([f"{printable(source)}: {_reason(error)}. {_near(source)}".rstrip()]) from None
    if len(data) > MOST_BYTES:
        raise SuiteError([f"{source}: the file has more than {MOST_BYTES} bytes. Split it into several."])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        raise SuiteError([f"{source}:{number}: this is not UTF-8. Save the file in that encoding."]) from None


def parse(text: str, source: str) -> dict[str, Any]:
    """The tables of a TOML text. Raises `SuiteError`, with the place, if it is not valid."""
    found = LONG_KEY.search(text)
    if found:
        raise _refused(text, source, found.start(), f"a key of more than {MOST_PARTS} parts")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise SuiteError(
            [f"{source}: brackets are nested too deeply. Nothing in a suite needs more than three."]
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise _refused(text, source, *_place(text, str(error))) from None
    except ValueError:
        raise SuiteError([f"{source}: a number has too many digits. TOML's whole numbers have 64 bits."]) from None


def suite_table(tree: dict[str, Any], source: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The table that holds the suite, and the path to it: [tool.derivcheck] in a file called pyproject.toml."""
    if PurePath(source).name != "pyproject.toml":
        return tree, ()
    found: Any = tree
    for part in IN_PYPROJECT:
        found = found.get(part) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        raise SuiteError([f"{source}: there is no [tool.derivcheck]. Write checks under [[tool.derivcheck.check]]."])
    return found, IN_PYPROJECT


def located(function: str, source: str) -> str:
    """`file.py:name`, relative to the suite's folder, as seen from the working directory; absolute if `source` is.

    Raises `RequestError` if there is no such file. `module:name` is unchanged: looking it up would import packages.
    """
    place, _, name = function.rpartition(":")
    if not place.endswith(".py"):
        return function
    folder = PurePath(source).parent
    file = folder / place
    try:
        is_there, is_here = Path(file).is_file(), Path(folder).samefile(Path.cwd())
    except OSError:
        is_there, is_here = False, False
    if not is_there:
        raise RequestError(f"there is no file {file}", _near(str(file), "*.py") or "Paths begin at the suite's folder.")
    return function if is_here else f"{file}:{name}"


def _built_in(source: str) -> str:
    folder = resources.files("derivcheck.builtin")
    there = {file.name.removesuffix(".toml"): file for file in folder.iterdir() if file.name.endswith(".toml")}
    name = source.removeprefix(BUILTIN)
    if name not in there:
        choices = ", ".join(f"{BUILTIN}{known}" for known in sorted(there))
        raise SuiteError([f"{printable(source)}: there is no such suite. Choose from {choices}."])
    return there[name].read_text(encoding="utf-8")


def _place(text: str, message: str) -> tuple[int, str]:
    """The place in the text and the cause, from a message of tomllib: `Expected '=' ... (at line 2, column 5)`."""
    found = PLACE.search(message)
    cause = message[: found.start()] if found else message
    if not found or not found["line"]:
        return len(text.rstrip()), cause
    # tomllib counts columns after it has replaced \r\n by \n, which moves nothing within a line
    starts = [0, *(newline.end() for newline in re.finditer("\n", text))]
    return starts[int(found["line"]) - 1] + int(found["column"]) - 1, cause


def _refused(text: str, source: str, place: int, cause: str) -> SuiteError:
    """The error, with the line of the file and a caret below the place."""
    start = text.rfind("\n", 0, place) + 1
    line = text[start:].partition("\n")[0].rstrip("\r")
    number = text.count("\n", 0, place) + 1
    cure = "Strings go in quotes, lists in [ ], a table in { } on one line. See https://toml.io."
    first, *rest = str(ExpressionError(line, place - start, 1, f"not TOML: {cause}", cure)).splitlines()
    return SuiteError(["\n".join([f"{source}:{number}: {first}", *(f"  {below}" for below in rest)])])


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, IsADirectoryError):
        return "this is a folder. Name a file in it"
    return f"it cannot be read: {getattr(error, 'strerror', None) or error}"


def _near(source: str, pattern: str = "*.toml") -> str:
    try:
        there = [file.name for file in Path(source).parent.glob(pattern)]
    except (OSError, ValueError):
        return ""
    return did_you_mean(Path(source).name, there)
