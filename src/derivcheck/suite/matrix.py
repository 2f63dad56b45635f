"""From the values of one entry of a suite to its problems: one for each combination of dtype, device and order."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import product
from math import prod
from typing import Any

from derivcheck.errors import RequestError
from derivcheck.pde.request import requested
from derivcheck.problem import Problem, tolerances
from derivcheck.suite.mistakes import mentioned_key

AXES: Mapping[str, tuple[Any, ...]] = {"dtype": ("float64",), "device": ("cpu",), "order": (1,)}
"""Keys whose lists of values make several checks, with their defaults."""

ARGUMENTS = {
    "vars": "variables",
    "partial": "partials",
    "param": "params",
    "function": "function_name",
    "reference": "reference_name",
    "field": "fields",
}
"""Keys that `create` knows by another name."""

TRANSLATED = {*AXES, "engine", "rtol", "atol"}  # keys that reach `create` in another form, or after it
ESSENTIAL = {"expression", "vars", "param", ""}  # without these, no further mistake can be found
TOGETHER = {"wrt": ("wrt", "order"), "partial": ("partial", "order")}  # how many partials there are depends on both

Refuse = Callable[[str, RequestError], None]


def size(values: Mapping[str, Any]) -> int:
    """How many checks an entry makes."""
    return prod(map(len, _axes(values).values()))


def expand(values: Mapping[str, Any], refuse: Refuse) -> list[tuple[str, Problem]]:
    """The problems, each with the suffix that distinguishes it, such as `[float64-cpu-order2]`.

    `refuse` is called with the key and the error of each mistake; orders that have one have no problem.
    """
    axes = _axes(values)
    several = [axis for axis, choices in axes.items() if len(choices) > 1]
    of_order = {order: _problem({**values, "order": order}, refuse) for order in axes["order"]}
    found = []
    for choice in product(*axes.values()):
        at = dict(zip(axes, choice, strict=True))
        problem = of_order[at["order"]]
        if problem:
            found.append((_suffix(at, several), replace(problem, dtype=at["dtype"], device=at["device"])))
    return found


def _axes(values: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    return {axis: values.get(axis, default) for axis, default in AXES.items()}


def _suffix(at: Mapping[str, Any], several: list[str]) -> str:
    labels = [f"order{at[axis]}" if axis == "order" else at[axis] for axis in several]
    return f"[{'-'.join(labels)}]" if labels else ""


def _problem(values: Mapping[str, Any], refuse: Refuse) -> Problem | None:
    """What is refused is left out and the rest is tried again, so that all mistakes are found."""
    while True:
        try:
            return requested(**_arguments(values))
        except RequestError as error:
            key = mentioned_key(error, values)
            refuse(key, error)
            if key in ESSENTIAL:
                return None
            values = {k: v for k, v in values.items() if k not in TOGETHER.get(key, (key,))}


def _arguments(values: Mapping[str, Any]) -> dict[str, Any]:
    """What `create` takes."""
    given = {ARGUMENTS.get(k, k.replace("-", "_")): v for k, v in values.items() if k not in TRANSLATED}
    given.setdefault("expression", None)
    given["tolerances"] = tolerances(values.get("rtol"), values.get("atol"))
    if "order" in values:
        given["order"] = values["order"]
    if "engine" in values:
        given["engine"] = values["engine"][0]
    return given
