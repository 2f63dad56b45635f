"""What can be said about a request before torch is imported, which takes seconds: what is wrong, how it is read."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from derivcheck import choices
from derivcheck.engines import places, registry
from derivcheck.errors import RequestError, printable, shortened
from derivcheck.problem import OPTIONS, Problem, create

LONGEST_SHOWN = 300  # characters of an expression in a note: four lines of an 80-column terminal
OF_PROBLEM = ("variables", "wrt", "order", "partials", "params", "domain", *OPTIONS)  # that `create` takes


def require_sound(expression: str, arguments: Mapping[str, Any]) -> Problem:
    """The problem that `check` would be given. Raises `RequestError` for all that torch need not be asked."""
    for option in ("dtype", "device", "engines"):
        if not any(arguments[option]):
            raise RequestError(
                f"--{option.removesuffix('s')}: nothing is named", "Leave the option out for its default."
            )
    problem = create(expression, **{name: arguments[name] for name in OF_PROBLEM})
    choices.require_known(dtype=arguments["dtype"], device=arguments["device"])
    require_engines(arguments["engines"])
    if arguments["function"]:
        places.require(arguments["function"])
    return problem


def require_engines(names: Sequence[str]) -> None:
    """Refuse engines that do not exist."""
    for name in names if list(names) != [choices.ALL] else ():
        registry.require(name)


def notes(given: str, problem: Problem, named: Sequence[str]) -> Iterator[str]:
    """How the expression is read, if that is not as it is written or may not be as it is meant. `named` are the names
    that the request gives a role."""
    if problem.expression != given.strip():
        yield f"read as {printable(shortened(problem.expression, LONGEST_SHOWN))}"
    if "e" in problem.variables and len(problem.variables) > 1 and "e" not in named:
        yield "e is a variable here; Euler's number is E, and e**x is exp(x)"
