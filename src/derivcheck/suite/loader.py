"""A suite: a TOML file of checks. Reading one runs nothing of it; all its mistakes are told at once.

[defaults]
order = 2

[[check]]
expression = "x/(1+exp(-x))"
function = "kernels.py:silu"
dtype = ["float64", "float32"]

A list of dtype, device or order makes a check of each; several engines are the columns of one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from derivcheck.errors import RequestError
from derivcheck.problem import Check
from derivcheck.suite import file as suite_file
from derivcheck.suite.entries import MOST_CHECKS, SPLIT, Entry, Reading, too_many
from derivcheck.suite.keys import CHECK, DEFAULTS, OPTIONS
from derivcheck.suite.matrix import NAMES, expand, size
from derivcheck.suite.mistakes import Mistakes

MOST_NUMBERS = 20_000_000  # in the multi-indices of all checks: 160 MB


def load(
    source: str | Path, *, functions: bool = True, overrides: Mapping[str, Any] | None = None
) -> tuple[Check, ...]:
    """The checks of a file, or of `builtin:torch`. `overrides` are keys of a check that hold for all, as in the file.

    Without `functions`, checks that name a function are refused, because it would be imported and run; those of a suite
    that comes with derivcheck are its own. Raises `SuiteError` with everything that is wrong.
    """
    name = str(source)
    trusted = name.startswith(suite_file.BUILTIN)
    return loads(suite_file.read(name), name, functions=functions or trusted, overrides=overrides)


def loads(
    text: str, source: str, *, functions: bool = True, overrides: Mapping[str, Any] | None = None
) -> tuple[Check, ...]:
    """The checks of a TOML text that stands in the file `source`, which need not be there. See `load`."""
    suite, path = suite_file.suite_table(suite_file.parse(text, source), source)
    mistakes = Mistakes(source, text)
    forced = {key: OPTIONS[key].read(value) for key, value in (overrides or {}).items()}
    entries = [_overridden(entry, forced) for entry in Reading(mistakes, DEFAULTS, CHECK).entries(suite, path)]
    _require_few(entries, mistakes)
    checks = _distinct(list(_made(entries, functions, mistakes)), mistakes)
    mistakes.raise_if_any()
    return checks


def _overridden(entry: Entry, forced: Mapping[str, Any]) -> Entry:
    """The entry with other values of some keys; an order does not touch what names its partials."""
    kept = {k: v for k, v in forced.items() if not (k == "order" and "partial" in entry.values)}
    return replace(entry, values={**entry.values, **kept}) if kept else entry


def _require_few(entries: Sequence[Entry], mistakes: Mistakes) -> None:
    """Before the problems are made: a matrix of three short lists may ask for millions."""
    count = sum(size(entry.values) for entry in entries)
    if count > MOST_CHECKS:
        mistakes.refuse((), too_many(count))


def _made(entries: Sequence[Entry], functions: bool, mistakes: Mistakes) -> Iterator[tuple[Entry, Check]]:
    """Every check with its entry, until they would fill the memory."""
    numbers = 0
    for entry in entries:
        checks = _checks(entry, functions, mistakes)
        numbers += _numbers(checks)
        if numbers > MOST_NUMBERS:
            mistakes.refuse(entry.path, RequestError("there are too many partials in too many variables", SPLIT))
        yield from ((entry, check) for check in checks)


def _checks(entry: Entry, functions: bool, mistakes: Mistakes) -> list[Check]:
    """The checks of one entry; what is refused is noted."""
    options = {key: value for key, value in entry.values.items() if key in OPTIONS}
    about = {key: value for key, value in entry.values.items() if key in ("tags", "skip", "xfail", "known")}

    def refuse(key: str, error: RequestError) -> None:
        entry.refuse(mistakes, key, error)

    if "function" in options:
        try:
            options["function"] = _function(options["function"], mistakes.source, functions)
        except RequestError as error:
            refuse("function", error)
    if "expression" not in options or entry.refused & NAMES:
        return []
    engines = options.get("engine", ("reverse",))
    line = mistakes.line(entry.path)
    return [
        Check(entry.name + suffix, problem, engines, source=mistakes.source, line=line, **about)
        for suffix, problem in expand(options, refuse)
    ]


def _function(name: str, source: str, allowed: bool) -> str:
    if not allowed:
        raise RequestError(
            f"{name} would be imported and run", "Remove it, or leave out --no-functions if you trust the file."
        )
    return suite_file.located(name, source)


def _numbers(checks: Sequence[Check]) -> int:
    """In their multi-indices, which checks that differ by dtype and device share."""
    shared = {id(check.problem.partials): check.problem for check in checks}
    return sum(len(problem.partials) * len(problem.variables) for problem in shared.values())


def _distinct(made: Sequence[tuple[Entry, Check]], mistakes: Mistakes) -> tuple[Check, ...]:
    """No two of one name: a name that was given twice is a mistake, one that was not given has #2, #3 behind it."""
    first: dict[str, Check] = {}
    for entry, check in made:
        if "name" in entry.values and first.setdefault(check.name, check) is not check:
            where = f"line {first[check.name].line}"
            entry.refuse(mistakes, "name", RequestError(f"the check of {where} is called so too", "Rename one."))
    taken = dict.fromkeys(first, 1)
    return tuple(check if "name" in entry.values else _renamed(check, taken) for entry, check in made)


def _renamed(check: Check, taken: dict[str, int]) -> Check:
    """`taken` counts how often a name was wanted."""
    name = check.name
    while name in taken:
        taken[check.name] += 1
        name = f"{check.name}#{taken[check.name]}"
    taken[name] = 1
    return check if name == check.name else replace(check, name=name)
