"""The entries of a suite: every `[[check]]`, its keys read and the defaults filled in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from derivcheck.errors import ExpressionError, RequestError, did_you_mean, printable, shortened
from derivcheck.suite.mistakes import Mistakes, check_called
from derivcheck.suite.toml_lines import KeyPath
from derivcheck.suite.values import LONGEST_SHOWN, Key, shown

MOST_CHECKS = 10_000  # of one file: beyond it nobody reads the report, and a matrix can ask for any number
OUTERMOST = ("$schema", "defaults", "check")
SPLIT = "Split the file into several."

EXCLUSIVE = (
    ("partial", "order", "partial already names what is checked"),
    ("reference", "expression", "each says what is right"),
    ("xfail", "skip", "what is not run cannot disagree"),
    ("xfail", "known", "xfail lets the check pass, known reports it as a known defect"),
)
"""Keys of one table that contradict each other, with the reason. In an entry, either replaces the other's default."""


@dataclass(frozen=True)
class Table:
    """The values read from one table, and the keys whose values were refused."""

    values: Mapping[str, Any]
    refused: frozenset[str] = frozenset()

    @property
    def keys(self) -> frozenset[str]:
        return self.refused.union(self.values)


@dataclass(frozen=True)
class Entry:
    """One `[[check]]` of the file, with the defaults filled in."""

    name: str
    """As given, else the function, else the expression; on one line."""
    path: KeyPath
    values: Mapping[str, Any]
    refused: frozenset[str] = frozenset()
    """The keys whose values were refused."""
    own: frozenset[str] = frozenset()
    """The keys of the entry itself; the others come from [defaults]."""

    def refuse(self, mistakes: Mistakes, key: str, error: RequestError, *, whole: bool = False) -> None:
        """Report a mistake at its key, in the entry or in the defaults. It concerns the checks of this entry, or the
        `whole` file."""
        path: KeyPath = (*self.path, key)
        if key in self.values and key not in self.own:
            path = (*self.path[:-2], "defaults", key)
            if not isinstance(error, ExpressionError):
                error = RequestError(error.cause, f"{error.cure} It is in {_header(path[:-1])}.")
        mistakes.add(path, error, _called(self.name, self.path), key, entry=() if whole else self.path)


@dataclass(frozen=True)
class Reading:
    """One pass over a suite: which keys it may have, and what is wrong."""

    mistakes: Mistakes
    of_defaults: Mapping[str, Key]
    of_check: Mapping[str, Key]

    def entries(self, suite: Mapping[str, Any], path: KeyPath) -> list[Entry]:
        """The entries of the table at `path`, in order."""
        for key in suite:
            if key not in OUTERMOST:
                self.mistakes.add((*path, key), _unknown(key, OUTERMOST), key=_plain(key))
        if not isinstance(suite.get("$schema", ""), str):
            error = RequestError(f"{shown(suite['$schema'])} is not a string", "Give the address of a schema.")
            self.mistakes.add((*path, "$schema"), error, key="$schema")
        defaults = self.defaults(suite.get("defaults", {}), (*path, "defaults"))
        tables = self.tables(suite.get("check"), (*path, "check"))
        return [self.entry(table, (*path, "check", place), defaults) for place, table in enumerate(tables)]

    def defaults(self, table: Any, path: KeyPath) -> Table:
        if not isinstance(table, dict):
            error = RequestError(f"{shown(table)} is not a table", f"Begin them with a line {_header(path)}.")
            self.mistakes.add(path, error, key="defaults")
            return Table({})
        return self.read(table, self.of_defaults, path, _header(path))

    def tables(self, given: Any, path: KeyPath) -> list[Any]:
        if not isinstance(given, list) or not given:
            cause = "is a single table" if isinstance(given, dict) else "is missing"
            self.mistakes.add(path, RequestError(f"{_header(path)} {cause}", _begin(path)))
            return []
        if len(given) > MOST_CHECKS:
            self.mistakes.refuse(path, too_many(len(given)))
        return given

    def entry(self, table: Any, path: KeyPath, defaults: Table) -> Entry:
        if not isinstance(table, dict):
            error = RequestError(f"{shown(table)} is not a table", _begin(path[:-1]))
            self.mistakes.add(path, error, _called("", path))
            return Entry("", path, {}, refused=frozenset({"expression"}))
        name = _name(table, defaults)
        own = self.read(table, self.of_check, path, _called(name, path), entry=path)
        inherited = defaults.keys - own.keys - _replaced(own.keys)
        values = {key: value for key, value in defaults.values.items() if key in inherited} | {**own.values}
        if "tags" in own.values:
            values["tags"] = tuple(dict.fromkeys((*defaults.values.get("tags", ()), *own.values["tags"])))
        entry = Entry(name, path, values, own.refused | (defaults.refused & inherited), own.keys)
        if not {"expression", "function"} & entry.refused.union(values):
            cure = 'Give one, such as expression = "x1**2*sin(x2)", or a function and its vars.'
            entry.refuse(self.mistakes, "", RequestError("there is no expression", cure))
        return entry

    def read(
        self, table: Mapping[str, Any], keys: Mapping[str, Key], path: KeyPath, where: str, *, entry: KeyPath = ()
    ) -> Table:
        """Read every value and note what is wrong."""
        values = {}
        for key, value in table.items():
            try:
                if key not in keys:
                    raise self.misplaced(key, path) or _unknown(key, keys)
                values[key] = keys[key].read(value)
            except RequestError as error:
                self.mistakes.add((*path, key), error, where, _plain(key), entry=entry)
        self.require_consistent(table, path, where, entry)
        return Table(values, frozenset(keys) & frozenset(table) - frozenset(values))

    def require_consistent(self, table: Mapping[str, Any], path: KeyPath, where: str, entry: KeyPath) -> None:
        for one, other, reason in EXCLUSIVE:
            if one in table and other in table:
                error = RequestError(f"it is given together with {other}, but {reason}", "Keep one of them.")
                self.mistakes.add((*path, one), error, where, one, entry=entry)

    def misplaced(self, key: str, path: KeyPath) -> RequestError | None:
        if key not in self.of_check:
            return None
        return RequestError(
            "it belongs to a single check", f"Write it below a line [{_header((*path[:-1], 'check'))}]."
        )


def too_many(count: int) -> RequestError:
    """More checks than a file may ask for."""
    return RequestError(f"there are {count} checks, the most is {MOST_CHECKS}", SPLIT)


def _unknown(key: str, keys: Iterable[str]) -> RequestError:
    return RequestError("there is no such key", did_you_mean(key, keys) or f"The keys are {', '.join(keys)}.")


def _replaced(keys: frozenset[str]) -> set[str]:
    """The defaults that these keys rule out."""
    pairs = [pair[:2] for pair in EXCLUSIVE]
    return {other for one, other in pairs if one in keys} | {one for one, other in pairs if other in keys}


def _name(table: Mapping[str, Any], defaults: Table) -> str:
    """Empty if nothing names the entry."""
    for key in ("name", "function", "expression"):
        value = table.get(key, defaults.values.get(key))
        if isinstance(value, str) and value.strip():
            return " ".join(value.split())
    return ""


def _called(name: str, path: KeyPath) -> str:
    """An entry in a message: by its name, or by its place among the entries."""
    return check_called(name) if name else f"check {int(path[-1]) + 1}"


def _header(path: KeyPath) -> str:
    """The line that begins a table."""
    return f"[{'.'.join(map(str, path))}]"


def _begin(path: KeyPath) -> str:
    return f'Begin each check with a line [{_header(path)}], and below it expression = "x1**2*sin(x2)".'


def _plain(key: str) -> str:
    """A key in a message, without quotes."""
    return shortened(printable(key), LONGEST_SHOWN)
