"""A suite: a TOML file of checks. Reading it imports none of its functions and reports all its mistakes at once.

[defaults]
order = 2

[[check]]
expression = "x/(1+exp(-x))"
function = "kernels.py:silu"
dtype = ["float64", "float32"]

A list of dtypes, devices or orders makes one check per value; several engines are the columns of one check.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import sympy as sp

from derivcheck.errors import RequestError
from derivcheck.problem import Check, Problem
from derivcheck.suite import file as suite_file
from derivcheck.suite.entries import MOST_CHECKS, SPLIT, Entry, Reading, too_many
from derivcheck.suite.keys import CHECK_KEYS, DEFAULT_KEYS, OPTION_KEYS
from derivcheck.suite.matrix import ESSENTIAL, expand, size
from derivcheck.suite.mistakes import Mistakes

MOST_NUMBERS = 20_000_000  # in the multi-indices of all checks: 160 MB at 8 bytes per reference


def load(
    source: str | Path, *, functions: bool = True, overrides: Mapping[str, Any] | None = None
) -> tuple[Check, ...]:
    """The checks of a file, or of `builtin:torch`. `overrides` replace keys of every check, with values as in a file.

    Without `functions`, checks that name a function are refused, because it would be imported and run; suites that ship
    with derivcheck are trusted. An entry with mistakes is one check, whose `error` lists them: it fails when it is run,
    and the others can be run. What is wrong outside of the entries raises `SuiteError`, with everything that is wrong.
    """
    name = str(source)
    trusted = name.startswith(suite_file.BUILTIN)
    return loads(suite_file.read(name), name, functions=functions or trusted, overrides=overrides)


def loads(
    text: str, source: str, *, functions: bool = True, overrides: Mapping[str, Any] | None = None
) -> tuple[Check, ...]:
    """The checks of a TOML text. `source` names its file, which need not exist. See `load`."""
    suite, path = suite_file.suite_table(suite_file.parse(text, source), source)
    mistakes = Mistakes(source, text)
    forced = {key: OPTION_KEYS[key].read(value) for key, value in (overrides or {}).items()}
    entries = [_overridden(entry, forced) for entry in Reading(mistakes, DEFAULT_KEYS, CHECK_KEYS).entries(suite, path)]
    _require_few(entries, mistakes)
    checks = _distinct(list(_made(entries, functions, mistakes)), mistakes)
    mistakes.raise_if_any()
    return tuple(check for _, check in checks)


def _overridden(entry: Entry, forced: Mapping[str, Any]) -> Entry:
    """The entry with some values replaced; an order does not replace the partials that an entry names."""
    kept = {k: v for k, v in forced.items() if not (k == "order" and "partial" in entry.values)}
    return replace(entry, values={**entry.values, **kept}) if kept else entry


def _require_few(entries: Sequence[Entry], mistakes: Mistakes) -> None:
    """Before the problems are made: a matrix of three short lists may ask for millions."""
    count = sum(size(entry.values) for entry in entries)
    if count > MOST_CHECKS:
        mistakes.refuse((), too_many(count))


def _made(entries: Sequence[Entry], functions: bool, mistakes: Mistakes) -> Iterator[tuple[Entry, Check]]:
    """Every check with its entry. Refuses those that would fill the memory."""
    numbers = 0
    for entry in entries:
        checks = _checks(entry, functions, mistakes)
        checks = [_erroneous(entry, entry.name, mistakes)] if mistakes.texts(entry.path) else checks
        numbers += _numbers(checks)
        if numbers > MOST_NUMBERS:
            mistakes.refuse(entry.path, RequestError("there are too many partials in too many variables", SPLIT))
        yield from ((entry, check) for check in checks)


def _checks(entry: Entry, functions: bool, mistakes: Mistakes) -> list[Check]:
    """The checks of one entry; its mistakes are noted."""
    options = {key: value for key, value in entry.values.items() if key in OPTION_KEYS}
    about = {key: value for key, value in entry.values.items() if key in ("tags", "skip", "xfail", "known")}

    def refuse(key: str, error: RequestError) -> None:
        entry.refuse(mistakes, key, error)

    for key in ("function", "reference", "net", "call"):
        if key not in options:
            continue
        if not functions:
            entry.refuse(mistakes, key, _would_run(options[key]), whole=True)
        if not functions or key in ("net", "call"):
            continue
        try:
            options[key] = suite_file.located(options[key], mistakes.source)
        except RequestError as error:
            refuse(key, error)
    if not {"expression", "function"} & set(options) or entry.refused & ESSENTIAL:
        return []
    engines = options.get("engine", ("reverse",))
    line = mistakes.line(entry.path)
    return [
        Check(entry.name + suffix, problem, engines, source=mistakes.source, line=line, **about)
        for suffix, problem in expand(options, refuse)
    ]


def _would_run(name: str) -> RequestError:
    cure = "Remove it, or leave out --no-functions if you trust the file."
    return RequestError(f"{name} would be imported and run", cure)


def _erroneous(entry: Entry, name: str, mistakes: Mistakes) -> Check:
    """What stands for an entry with mistakes: a check of nothing, which says what they are."""
    text = "\n\n".join(mistakes.texts(entry.path))
    problem = Problem(str(entry.values.get("expression", "")), sp.nan, variables=(), partials=(), domain=())
    line, tags = mistakes.line(entry.path), entry.values.get("tags", ())
    return Check(name, problem, source=mistakes.source, line=line, tags=tags, error=text)


def _numbers(checks: Sequence[Check]) -> int:
    """How many numbers their multi-indices have, which checks share that differ only by dtype and device."""
    shared = {id(check.problem.partials): check.problem for check in checks}
    return sum(len(problem.partials) * len(problem.variables) for problem in shared.values())


def _distinct(made: Sequence[tuple[Entry, Check]], mistakes: Mistakes) -> list[tuple[Entry, Check]]:
    """No two checks share a name: a given name that occurs twice is a mistake, any other gets #2, #3 appended."""
    first: dict[str, Check] = {}
    for entry, check in made:
        if "name" in entry.values and first.setdefault(check.name, check) is not check:
            cause = f"the check in line {first[check.name].line} has the same name"
            entry.refuse(mistakes, "name", RequestError(cause, "Rename one."))
    taken = dict.fromkeys(first, 1)
    return [(entry, _named(entry, check, first, taken, mistakes)) for entry, check in made]


def _named(entry: Entry, check: Check, first: Mapping[str, Check], taken: dict[str, int], mistakes: Mistakes) -> Check:
    """The check under a name of its own, with the mistakes of its entry if it has any."""
    if "name" not in entry.values or first[check.name] is not check:
        check = _renamed(check, taken)
    return _erroneous(entry, check.name, mistakes) if mistakes.texts(entry.path) else check


def _renamed(check: Check, taken: dict[str, int]) -> Check:
    """The check under a free name. `taken` counts how often each name was asked for."""
    name = check.name
    while name in taken:
        taken[check.name] += 1
        name = f"{check.name}#{taken[check.name]}"
    taken[name] = 1
    return check if name == check.name else replace(check, name=name)
