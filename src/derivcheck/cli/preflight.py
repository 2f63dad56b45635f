"""What can be said about a request before torch is imported, which takes seconds: what is wrong, how it is read."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from derivcheck import choices
from derivcheck.engines import places, registry
from derivcheck.errors import RequestError, printable, shortened
from derivcheck.expression import shapes, texts
from derivcheck.pde.request import KEYS, is_asked, requested
from derivcheck.problem import OPTIONS, TWO_TRUTHS, Problem

LONGEST_SHOWN = 300  # characters of an expression in a note: four lines of an 80-column terminal
OF_PROBLEM = (
    "variables",
    "wrt",
    "order",
    "partials",
    "params",
    "domain",
    "shape",
    *KEYS,
    *OPTIONS,
)  # that `create` takes


def require_sound(expression: str | None, arguments: Mapping[str, Any]) -> Problem:
    """The problem that `check` would be given. Raises `RequestError` for all that torch need not be asked. Without an
    expression and --vars, the variables are those that other options mention: the function is not imported here."""
    choices.require_some(dtype=arguments["dtype"], device=arguments["device"], engine=arguments["engines"])
    given = {name: arguments[name] for name in OF_PROBLEM}
    about_residuals = is_asked(arguments)
    if expression is None and not given["variables"] and not about_residuals:
        given["variables"] = mentioned(arguments)
    problem = requested(expression, function_name=arguments["function"], **given)
    choices.require_known(dtype=arguments["dtype"], device=arguments["device"])
    require_engines(arguments["engines"])
    for option in ("function", "reference"):
        if arguments[option]:
            places.require(arguments[option], f"--{option}")
    if expression is not None and arguments["reference"]:
        raise RequestError(*TWO_TRUTHS)
    return problem


def mentioned(arguments: Mapping[str, Any]) -> list[str]:
    """The variables that --wrt, --partial and --domain name, or one if they name none."""
    partials = [name for text in arguments["partials"] or () for name in texts.split(text)]
    domain = [] if isinstance(arguments["domain"], str) else arguments["domain"]
    named = [text.partition("=")[0].strip() for text in domain if "=" in text]
    mentions = [*(arguments["wrt"] or ()), *partials, *named, *shapes.names_in(arguments["shape"])]
    tensors = dict.fromkeys(map(shapes.argument_of, mentions))
    return [name for name in tensors if name not in arguments["params"]] or ["x"]


def require_engines(names: Sequence[str]) -> None:
    """Refuse engines that do not exist."""
    for name in names if list(names) != [choices.ALL] else ():
        registry.require(name)


def notes(given: str, problem: Problem, named: Sequence[str]) -> Iterator[str]:
    """How the expression is read, if that is not as it is written or may not be as it is meant. `named` are the names
    that the request gives a role."""
    if given.strip() and problem.expression != given.strip():
        yield f"read as {printable(shortened(problem.expression, LONGEST_SHOWN))}"
    if given.strip() and "e" in problem.variables and len(problem.variables) > 1 and "e" not in named:
        yield "e is a variable here; Euler's number is E, and e**x is exp(x)"
