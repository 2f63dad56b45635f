"""Whether the user's function takes as many tensors as its layout passes."""

import inspect
from collections.abc import Sequence
from itertools import starmap

from derivcheck.engines.calling import argument_names, arguments, keyword_only, own_signature
from derivcheck.errors import FunctionError
from derivcheck.expression.shapes import Shape
from derivcheck.problem import Problem

MOST_NAMED = 10  # parameters and variables in a message: one line


def require_arity(problem: Problem, name: str) -> None:
    """Raise `FunctionError` if the signature of the user's function rules out the call. Where there is no signature,
    nothing is known."""
    assert problem.function is not None
    found = own_signature(problem.function)
    if found is None:
        return
    matrix = problem.layout == "matrix"
    given: Sequence[str] = ["X"] if matrix else arguments(problem.function, argument_names(problem))
    keywords = [] if matrix else keyword_only(problem.function, given)
    try:
        found.bind(*given[: len(given) - len(keywords)], **dict.fromkeys(keywords))
    except TypeError:
        cause = f"{name} takes {_taken(found)}, but it is given {given_to(problem)}"
        raise FunctionError(cause, cure(problem)) from None


def given_to(problem: Problem) -> str:
    """What a function is called with, in words."""
    names, d = _listed(problem.variables), len(problem.variables)
    if problem.layout == "matrix":
        return f"1: a tensor (n, {d}), whose columns are {names}"
    if problem.shapes:
        return f"{len(problem.shapes)}: {', '.join(starmap(_shaped, problem.shapes))}"
    return f"{d}: a tensor (n,) per variable, {names}" if d > 1 else f"1: a tensor (n,), {names}"


def _shaped(name: str, shape: Shape) -> str:
    """x of shape (n, 8)."""
    return f"{name} of shape ({', '.join(['n', *map(str, shape)])}{'' if shape else ','})"


def cure(problem: Problem) -> str:
    """How to call the function with the other layout."""
    if problem.layout == "matrix":
        return "Without --layout matrix it is given one tensor (n,) per variable."
    return (
        f"With --layout matrix it is given one tensor (n, {len(problem.variables)}); "
        "--vars names variables that the formula does not have."
    )


def _taken(found: inspect.Signature) -> str:
    """`2 arguments (x, y)`; those with a default need not be given."""
    parameters = list(found.parameters.values())
    needed = [p for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    any_number = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    least, most = len(needed), len([p for p in parameters if p.kind is not p.VAR_KEYWORD])
    number = f"at least {least}" if any_number else f"{least} to {most}" if most > least else str(least)
    plural = "" if number == "1" else "s"
    return f"{number} argument{plural}" + (f" ({_listed([p.name for p in parameters])})" if parameters else "")


def _listed(names: Sequence[str]) -> str:
    return ", ".join([*names[:MOST_NAMED], *(["..."] if len(names) > MOST_NAMED else [])])
