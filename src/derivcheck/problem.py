"""The problem: everything that decides what is checked, frozen, with one constructor from text and numbers.

A problem is one dtype on one device; a request for several is several problems.
"""

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal, TypedDict

import sympy as sp

from derivcheck import multi_index
from derivcheck.choices import OWN_FORWARD, require_known
from derivcheck.errors import RequestError, printable
from derivcheck.expression import variables as named
from derivcheck.expression.constants import constant
from derivcheck.expression.intervals import Interval, domains
from derivcheck.expression.parsing import parse
from derivcheck.expression.reading import variable
from derivcheck.expression.residuals import Residual
from derivcheck.expression.shapes import Shapes, entries, shapes
from derivcheck.multi_index import MultiIndex
from derivcheck.outcomes import Listed

# The largest number of each dtype (torch is not imported here: it takes a second).
LARGEST = {
    "float64": sys.float_info.max,
    "float32": (2 - 2.0**-23) * 2.0**127,
    "bfloat16": (2 - 2.0**-7) * 2.0**127,
    "float16": 65504.0,
}
TWO_TRUTHS = "--reference and an expression exclude each other: each says what is right", "Keep one of them."
"""A cause and a cure."""


@dataclass(frozen=True)
class Problem:
    """One check. Positions in `domain` and in multi-indices are positions in `variables`."""

    expression: str
    """The text as it was read: in ASCII, with π as pi and ^ as **; empty if torch code is the formula."""
    formula: sp.Expr | None
    """The parsed expression, parameters substituted; None if torch code is the formula."""
    variables: tuple[str, ...]
    """Names of the d arguments, in order."""
    partials: tuple[MultiIndex, ...]
    """The m partials to check, value first."""
    domain: tuple[Interval, ...]
    """d closed intervals within the range of the dtype; equal ends pin a variable."""
    points: int = 10_000
    """Number of random points, corners not counted."""
    params: tuple[tuple[str, str], ...] = ()
    """Values given to names of the expression, as text."""
    seed: int = 0
    sampler: str = "uniform"
    corners: bool = True
    dtype: str = "float64"
    device: str = "cpu"
    engine: str = "reverse"
    function: Callable[..., Any] | None = None
    """The user's torch function; None checks the expression as torch would compute it."""
    function_name: str | None = None
    """`module:name` as given, to name and replay it."""
    reference: Callable[..., Any] | None = None
    """Without an expression: the plain torch function whose forward is the formula; None for the function's own."""
    reference_name: str | None = None
    """`module:name` as given."""
    layout: str = "columns"
    shapes: Shapes = ()
    """The function's arguments, each with its shape at one point; empty if each is one variable."""
    output: tuple[int, ...] | None = None
    """Which number of a function that returns several per point; found when the check begins."""
    residual: Residual | None = None
    """What is asked about code that computes residuals of equations; None for any other function."""
    strict: bool = False
    control: bool = False
    """Whether an error is planted in every partial that agrees, which must be found."""
    max_lost_bits: float | None = None
    tolerances: tuple[float, float] | None = None
    """(rtol, atol): replaces the noise rule when given."""
    timeout: float | None = None
    """Seconds for the symbolic stage and the referee together."""
    timing: bool = True
    deadline: float | None = None
    """When to stop, by `time.monotonic`; set from `timeout` when the check begins."""
    symbolic: object = field(default=None, repr=False, compare=False)
    """The graph of the formula and its partials (`symbolic.differentiation.SymbolicPartials`), or the `Unsupported`
    that says why there is none; made when the check begins, because it grows with what is asked of it."""

    def __post_init__(self) -> None:
        """Cut the domain to what the dtype can hold: points beyond it would all be its largest number."""
        object.__setattr__(self, "domain", tuple(map(self._within_range, self.variables, self.domain)))

    def _within_range(self, variable: str, interval: Interval) -> Interval:
        largest = LARGEST[self.dtype]
        low, high = max(interval[0], -largest), min(interval[1], largest)
        if low > high:
            cause = f"--domain {variable}={interval[0]:g}:{interval[1]:g}: no number of {self.dtype} is in it"
            raise RequestError(cause, f"Stay within -{largest:g}:{largest:g}, or use another dtype.")
        return low, high

    @property
    def places(self) -> tuple[int, ...]:
        """The variables that some partial differentiates by."""
        return tuple(j for j in range(len(self.variables)) if any(alpha[j] for alpha in self.partials))

    @property
    def coordinates(self) -> tuple[str, ...]:
        """The variables without the weight of a network, which only the derivative by it needs."""
        return self.residual.coordinates if self.residual else self.variables

    @property
    def order(self) -> int:
        return max(map(sum, self.partials))

    @property
    def takes_matrix(self) -> bool:
        """Whether the function gets one matrix (n, d) and nothing has to be chosen from what it returns."""
        return self.layout == "matrix" and self.output is None

    @property
    def truth_name(self) -> str:
        """What the function is compared with: an expression, a reference, or its own forward."""
        return self.expression or self.reference_name or OWN_FORWARD


@dataclass(frozen=True)
class Check(Listed):
    """One check of a run."""

    name: str
    problem: Problem
    """Without its `function` where it comes from a suite: `function_name` is imported when the check runs."""
    engines: tuple[str, ...] = ("reverse",)
    """By name, or (`all`,): those that can compute every partial."""


def create(
    expression: str | None,
    *,
    variables: Sequence[str] | None = None,
    wrt: Sequence[str] | None = None,
    order: int = 1,
    partials: Sequence[str] | None = None,
    params: Mapping[str, Any] | None = None,
    domain: Any = (0, 1),
    shape: Any = None,
    **options: Any,
) -> Problem:
    """A problem from text and numbers, checked. `partials` are texts such as "x1,x1,x2" and replace `order`.

    Without an expression, torch code is the formula, and its `variables` must be named. With a `shape`, they are
    tensors, whose entries are the variables of the problem.
    """
    if shape and expression is not None:
        raise RequestError("--shape goes without an expression", "A formula has one number per variable: name each.")
    given, chosen_names = {variable(name): value for name, value in (params or {}).items()}, _names(variables)
    text, formula, names = _parsed(expression, given) if expression is not None else _traced(chosen_names, given)
    arguments = named.ordered([n for n in names if n not in given], chosen_names)
    sizes = shapes(shape, arguments) if shape else ()
    parts = {name: entries(name, size) for name, size in sizes} or {name: [name] for name in arguments}
    ordered = tuple(entry for name in arguments for entry in parts[name])
    if partials:
        chosen = sorted(
            {multi_index.parse(variable(text), ordered) for text in partials}, key=lambda a: (sum(a), [-k for k in a])
        )
    else:
        what = "function" if expression is None else "expression"
        by = None if wrt is None else [part for name in _names(wrt) or () for part in parts.get(name, [name])]
        chosen = multi_index.up_to_order(order, named.places(by, ordered, what), len(ordered))
    _check_options(options)
    texts = tuple((name, variable(str(value))) for name, value in given.items())
    return Problem(
        text, formula, ordered, tuple(chosen), domains(domain, ordered, parts), params=texts, shapes=sizes, **options
    )


def _names(given: Sequence[str] | None) -> list[str] | None:
    return None if given is None else list(map(variable, given))


Read = tuple[str, sp.Expr | None, Sequence[str]]  # the text, the formula, the names that it has


def _parsed(expression: str, params: Mapping[str, Any]) -> Read:
    """The formula with the parameters in it."""
    parsed = parse(expression, {name: parameter(name, value) for name, value in params.items()})
    for name in params:
        if name not in parsed.names:
            raise RequestError(
                f"--param {printable(name)}: the expression has no such name",
                f"Its names are {', '.join(parsed.names)}.",
            )
    return parsed.text, parsed.formula, parsed.names


def parameter(name: str, value: Any) -> Fraction | sp.Expr:
    try:
        return constant(str(value))
    except RequestError as error:
        raise RequestError(f"--param {printable(name)}: {error.cause}", error.cure) from None


def _traced(variables: Sequence[str] | None, params: Mapping[str, Any]) -> Read:
    """No formula yet: torch code is it, which is traced when the check begins."""
    for name, value in params.items():
        parameter(name, value)
        if name in (variables or ()):
            raise RequestError(f"--param {printable(name)}: it is a variable too", "Leave it out of --vars.")
    if not variables:
        cause = "--vars is missing: without an expression, nothing else names the variables"
        raise RequestError(cause, "Name them in the order of the function's arguments, such as --vars x,y.")
    return "", None, ()


class Options(TypedDict, total=False):
    """Fields of a Problem that `check` takes as they are."""

    points: int
    seed: int
    sampler: Literal["uniform", "floats", "sobol"]
    corners: bool
    layout: Literal["columns", "matrix"]
    strict: bool
    control: bool
    max_lost_bits: float | None
    tolerances: tuple[float, float] | None
    timeout: float | None
    timing: bool


OPTIONS = tuple(Options.__annotations__)


def _check_options(options: Mapping[str, Any]) -> None:
    """Options that have a list of values, or a least one."""
    require_known(**{key: [options[key]] for key in ("sampler", "layout") if key in options})
    if options.get("points", 1) < 1:
        raise RequestError(f"--points {options['points']}: at least one point is needed", "The default is -n 10000.")
    if not 0 <= options.get("seed", 0) < 2**63:
        raise RequestError(f"--seed {options['seed']} is out of range", "Use a whole number from 0 to 2**63 - 1.")
    for key in ("timeout", "max_lost_bits"):
        value = options.get(key)
        if value is not None and not (value >= 0 and math.isfinite(value)):
            raise RequestError(f"--{key.replace('_', '-')} {value}: not a positive number", "Give a number such as 10.")


def tolerances(rtol: float | None, atol: float | None) -> tuple[float, float] | None:
    """Both, or none."""
    if rtol is None and atol is None:
        return None
    if rtol is None or atol is None or not (rtol >= 0 and atol >= 0):
        raise RequestError("--rtol goes with --atol, neither negative", "Give both: --rtol 1e-6 --atol 0.")
    return rtol, atol
