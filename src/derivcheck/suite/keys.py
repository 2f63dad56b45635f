"""What may stand in a suite file: its keys, and for each what it takes.

The keys of a check are the options of the command line by the same names, and what only a suite says of a check.
`suite/schema.json` says the same to editors.
"""

from collections.abc import Mapping
from typing import Any

from derivcheck.expression.texts import domains
from derivcheck.multi_index import MOST_PARTIALS
from derivcheck.problem import require_known
from derivcheck.suite import values as read
from derivcheck.suite.values import Key, Reader, several


def _known(option: str) -> Reader:
    """One of the dtypes, samplers or layouts."""
    return read.accepted(read.text, lambda value: require_known(**{option: [value]}))


def _require_intervals(value: Any) -> None:
    """Two ends each, in order; which variables there are is found with the expression."""
    domains(value, read.names_in(value))


_NAME = read.matching(r"[A-Za-z_][A-Za-z0-9_]*", "is not a name", "Names have letters, digits and _, such as x1.")
_DEVICE = read.matching(r"[a-z]+(:\d+)?", "is not a device", "Devices are cpu, cuda, cuda:1, mps and auto.")
_ENGINE = read.matching(r"[A-Za-z_][\w.-]*", "is not the name of an engine", "--list-engines shows them.")
_TAG = read.matching(r"[\w.:/+-]+", "is not a word", "Tags have letters, digits and - _ . : / +, and no spaces.")
_ADDRESS = read.matching(
    r"https?://[!-~]+|unreported: .+",
    "is not an address",
    'Give the address of an issue, https://..., or a sentence that begins with "unreported: ".',
)

_NAMES = Key('names, such as ["x1", "x2"] or "x1,x2"', several(_NAME))
_FLAG = Key("true or false, without quotes", read.flag)
_NUMBER = Key("a number that is not negative", read.not_negative)
_REASON = Key("the reason, as a text", read.line)

OPTIONS: Mapping[str, Key] = {
    "expression": Key('a text, such as "x1**2*sin(x2)"', read.text),
    "wrt": _NAMES,
    "order": Key(
        f"a whole number from 0 to {MOST_PARTIALS}, or a list of them",
        several(read.whole(0, MOST_PARTIALS), commas=False),
    ),
    "partial": Key('a text, such as "x1,x1,x2", or a list of them', several(read.text, commas=False)),
    "vars": _NAMES,
    "param": Key('a table of numbers, such as {a = 2.5}, or a list, such as ["a=2.5"]', read.params),
    "domain": Key(
        'an interval, such as "0:1" or [0, 1], or one a variable, such as {x = "0:1", y = [0, 2]}',
        read.accepted(read.domain, _require_intervals),
    ),
    "function": Key('a text, such as "module:name" or "file.py:name"', read.function),
    "layout": Key('"columns" or "matrix"', _known("layout")),
    "points": Key("a whole number from 1 on", read.whole(1, read.LARGEST)),
    "seed": Key("a whole number from 0 on", read.whole(0, read.LARGEST)),
    "sampler": Key('"uniform", "floats" or "sobol"', _known("sampler")),
    "corners": _FLAG,
    "dtype": Key('one or several, such as ["float64", "float32"]', several(_known("dtype"))),
    "device": Key('one or several, such as ["cpu", "cuda"]', several(_DEVICE)),
    "engine": Key('one or several, such as ["reverse", "symbolic"]', several(_ENGINE)),
    "strict": _FLAG,
    "control": _FLAG,
    "max-lost-bits": _NUMBER,
    "rtol": _NUMBER,
    "atol": _NUMBER,
    "timeout": _NUMBER,
}
"""The options of a check on the command line, by the same names."""

DEFAULTS: Mapping[str, Key] = {**OPTIONS, "tags": Key('a list of words, such as ["slow"]', several(_TAG, commas=False))}
"""The keys of [defaults]."""

CHECK: Mapping[str, Key] = {
    **DEFAULTS,
    "name": Key("a text", read.line),
    "skip": _REASON,
    "xfail": _REASON,
    "known": Key("the address of an issue, as a text", _ADDRESS),
}
"""The keys of [[check]]."""
