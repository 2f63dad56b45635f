"""Choosing the checks of a run by name, by tag or as a share, and listing them."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from derivcheck.errors import RequestError, did_you_mean, printable

if TYPE_CHECKING:
    from derivcheck.problem import Check

SUFFIX = re.compile(r"\[[^\[\]]*\](#\d+)?$")
SHARD = re.compile(r"(\d{1,9})/(\d{1,9})")
WIDEST = 60  # characters: a longer name does not widen its column for the others
MOST_NAMED = 10  # names in a message: one or two lines


def select(checks: Sequence["Check"], globs: Sequence[str]) -> tuple["Check", ...]:
    """The checks that any of the patterns names, in their own order; all if there is no pattern.

    A pattern that equals a name, or the name before its `[...]`, means just that, whatever is in it: `x1**2` is a name.
    Otherwise * and ? match any characters, and brackets match themselves. A pattern that names nothing is an error.
    """
    chosen: set[int] = set()
    for pattern in globs:
        found = _named(checks, pattern)
        if not found:
            raise RequestError(f"--select {printable(pattern)}: there is no such check", _nearest(checks, pattern))
        chosen.update(found)
    return tuple(check for k, check in enumerate(checks) if k in chosen or not globs)


def tagged(checks: Sequence["Check"], tags: Sequence[str]) -> tuple["Check", ...]:
    """The checks with any of the tags and with none of those after `not ` or `!`."""
    unwanted = {_negated(tag) for tag in tags} - {""}
    wanted = {tag.strip() for tag in tags if not _negated(tag)}
    found = tuple(c for c in checks if (not wanted or wanted & {*c.tags}) and not unwanted & {*c.tags})
    if tags and not found:
        there = sorted({tag for check in checks for tag in check.tags})
        cure = f"The tags are {', '.join(there[:MOST_NAMED])}." if there else "No check has a tag."
        raise RequestError(f"--tag {printable(', '.join(tags))}: there is no such check", cure)
    return found


def shard(checks: Sequence["Check"], share: str) -> tuple["Check", ...]:
    """The checks of one share of n, such as "2/5". They are dealt out in turn: each is in exactly one share, and
    neighbours, which take similar times, are in different ones. With fewer than n checks a share may be empty."""
    found = SHARD.fullmatch(share.strip())
    if not found:
        raise RequestError(f"--shard {printable(share)}: not a share", "Write it like 2/5.")
    place, count = map(int, found.groups())
    if not 1 <= place <= count:
        raise RequestError(
            f"--shard {share}: there is no such share", f"They are 1/{max(count, 1)} to {count}/{count}."
        )
    return tuple(checks[place - 1 :: count])


def listing(checks: Sequence["Check"]) -> str:
    """One line per check: name, file and line, tags; in columns, as plain text."""
    lines = [(check.name, _place(check), ", ".join(check.tags)) for check in checks]
    widths = [max((len(line[k]) for line in lines if len(line[k]) <= WIDEST), default=0) for k in range(2)]
    return "\n".join(f"{name:{widths[0]}}  {place:{widths[1]}}  {tags}".rstrip() for name, place, tags in lines)


def _named(checks: Sequence["Check"], pattern: str) -> list[int]:
    """Positions of the checks that a pattern names."""
    same = [k for k, check in enumerate(checks) if pattern in (check.name, _stem(check.name))]
    if same or not set("*?") & set(pattern):
        return same
    literal_brackets = pattern.replace("[", "[[]")
    return [k for k, check in enumerate(checks) if fnmatchcase(check.name, literal_brackets)]


def _stem(name: str) -> str:
    return SUFFIX.sub("", name)


def _nearest(checks: Sequence["Check"], pattern: str) -> str:
    names = list(dict.fromkeys(name for check in checks for name in (_stem(check.name), check.name)))
    if near := did_you_mean(pattern, names):
        return near
    more = ", ..." if len(names) > MOST_NAMED else ""
    return f"The checks are {', '.join(names[:MOST_NAMED])}{more}." if names else "There are no checks at all."


def _negated(tag: str) -> str:
    """The tag after `not ` or `!`; empty if there is neither."""
    found = re.fullmatch(r"\s*(?:not\s+|!\s*)(\S+)\s*", tag)
    return found[1] if found else ""


def _place(check: "Check") -> str:
    return f"{check.source}:{check.line}" if check.line else check.source
