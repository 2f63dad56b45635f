"""The keys of a suite file, and what each of them takes.

The keys of a check are the options of the command line, under the same names, and those that only a suite has.
`suite/schema.json` says the same to editors.
"""

from collections.abc import Mapping
from typing import Any

from derivcheck.choices import require_known
from derivcheck.expression import shapes
from derivcheck.expression.intervals import domains
from derivcheck.multi_index import MOST_PARTIALS
from derivcheck.suite import values
from derivcheck.suite.values import Key, Reader, several


def _known(option: str) -> Reader:
    """One of the dtypes, samplers, layouts or devices."""
    return values.accepted(values.text, lambda value: require_known(**{option: [value]}))


def _require_intervals(value: Any) -> None:
    """Two ends each, in order; their variables are checked later, with the expression."""
    domains(value, values.names_in(value))


_NAME = values.matching(r"[A-Za-z_][A-Za-z0-9_]*", "is not a name", "Names have letters, digits and _, such as x1.")
_ENGINE = values.matching(r"[A-Za-z_][\w.-]*", "is not the name of an engine", "--list-engines shows them.")
_TAG = values.matching(r"[\w.:/+-]+", "is not a word", "Tags have letters, digits and - _ . : / +, and no spaces.")
_ADDRESS = values.matching(
    r"https?://[!-~]+|unreported: .+",
    "is not an address",
    'Give the address of an issue, https://..., or a sentence that begins with "unreported: ".',
)

_NAMES = Key('names, such as ["x1", "x2"] or "x1,x2"', several(_NAME))
_FLAG = Key("true or false, without quotes", values.flag)
_NUMBER = Key("a number that is not negative", values.not_negative)
_REASON = Key("the reason, as a string", values.line)

OPTION_KEYS: Mapping[str, Key] = {
    "expression": Key('a string, such as "x1**2*sin(x2)"', values.text),
    "wrt": _NAMES,
    "order": Key(
        f"a whole number from 0 to {MOST_PARTIALS}, or a list of them",
        several(values.whole(0, MOST_PARTIALS), commas=False),
    ),
    "partial": Key('a string, such as "x1,x1,x2", or a list of them', several(values.text, commas=False)),
    "vars": _NAMES,
    "param": Key('a table of numbers, such as {a = 2.5}, or a list, such as ["a=2.5"]', values.params),
    "domain": Key(
        'an interval, such as "0:1" or [0, 1], or one per variable, such as {x = "0:1", y = [0, 2]}',
        values.accepted(values.domain, _require_intervals),
    ),
    "function": Key('a string, such as "module:name" or "file.py:name"', values.function),
    "reference": Key('a string, such as "module:name" or "file.py:name"', values.function),
    "shape": Key("8, [3, 4], or {x = 8, w = [3, 4]}", values.accepted(values.shape, shapes.names_in)),
    "field": Key(
        'a string, such as "u", "u,v,p" or "u=exp(-t)*sin(x)", or a list of them', several(values.text, commas=False)
    ),
    "net": Key('a string, such as "net"', values.text),
    "call": Key('a string, such as "pde(X, net(X))"', values.text),
    "operator": Key('a string, such as "gradient"', _known("operator")),
    "training": _FLAG,
    "layout": Key('"columns" or "matrix"', _known("layout")),
    "points": Key("a whole number from 1 on", values.whole(1, values.LARGEST_INTEGER)),
    "seed": Key("a whole number from 0 on", values.whole(0, values.LARGEST_INTEGER)),
    "sampler": Key('"uniform", "floats" or "sobol"', _known("sampler")),
    "corners": _FLAG,
    "dtype": Key('one or several, such as ["float64", "float32"]', several(_known("dtype"))),
    "device": Key('one or several, such as ["cpu", "cuda"]', several(_known("device"))),
    "engine": Key('one or several, such as ["reverse", "symbolic"]', several(_ENGINE)),
    "strict": _FLAG,
    "control": _FLAG,
    "max-lost-bits": _NUMBER,
    "rtol": _NUMBER,
    "atol": _NUMBER,
    "timeout": _NUMBER,
}
"""The command line's options of a check, by the same names."""

DEFAULT_KEYS: Mapping[str, Key] = {
    **OPTION_KEYS,
    "tags": Key('a list of words, such as ["slow"]', several(_TAG, commas=False)),
}
"""The keys of [defaults]."""

CHECK_KEYS: Mapping[str, Key] = {
    **DEFAULT_KEYS,
    "name": Key("a string", values.line),
    "skip": _REASON,
    "xfail": _REASON,
    "known": Key("the address of an issue, as a string", _ADDRESS),
}
"""The keys of [[check]]."""
