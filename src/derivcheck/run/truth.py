"""What decides: the graph of the formula, or that of the torch code that is the formula, which is traced.

A trace is never trusted blindly. It is replayed: at the points where it was made, and at others, the graph in ball
arithmetic must have the value that the code returns. If it is away from it by half of the digits, and by more than the
noise of the code, then something was not seen, and nothing is decided.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import sympy as sp
import torch
from flint import arb
from torch import Tensor

from derivcheck import ulp
from derivcheck.engines.calling import is_lacking, leaves, own_warnings_ignored, point_function
from derivcheck.engines.examination import examine
from derivcheck.errors import DerivcheckError, Unsupported, first_line
from derivcheck.exact.balls import Program
from derivcheck.exact.steps import precision
from derivcheck.exact.vicinity import Roundings
from derivcheck.judgement.bound import FACTOR
from derivcheck.judgement.noise import MORE_RUNS, perturbation
from derivcheck.sampling.points import looked_at, on_device
from derivcheck.symbolic.differentiation import SymbolicPartials
from derivcheck.symbolic.printing import formula_text
from derivcheck.tracing.forward import Traced, trace
from derivcheck.tracing.refusals import raised_when_traced

if TYPE_CHECKING:
    from derivcheck.problem import Problem

REPLAYED = 21  # points: five where the trace was made, and 16 fresh ones
BITS = 512  # of the balls: enough for a cancellation of all digits of a float64 several times over
SHORT = 60  # characters of a formula that is printed under the title: one line of an 80-column terminal, with a name
CURES = {
    False: "Give a formula, or a plain torch function: --reference MODULE:NAME.",
    True: "Write the reference without it, or give a formula.",
}
"""What to do about a function, and about a reference, that cannot be traced."""


def truth(problem: Problem) -> SymbolicPartials:
    """The partials of the formula. Raises `Unsupported` if torch code is the formula and has none."""
    if problem.formula is not None:
        return SymbolicPartials(problem.formula, problem.variables)
    with own_warnings_ignored():
        found = _of_code(problem)
    symbols = [sp.Symbol(name, real=True) for name in problem.variables]
    return SymbolicPartials.of_graph(found.graph, found.root, symbols)


def recovered(problem: Problem) -> tuple[str, ...]:
    """The formula that torch code was found to compute, if it is the truth and short."""
    if problem.formula is not None or not isinstance(problem.symbolic, SymbolicPartials):
        return ()
    text = formula_text(problem.symbolic, problem.symbolic.root, SHORT)
    return (text,) if text else ()


def _of_code(problem: Problem) -> Traced:
    """The formula of the reference, in float64 if it takes that, or of the function's own forward in its dtype."""
    points = looked_at(problem, REPLAYED)
    if problem.reference is None:
        return _traced(problem, points)
    plain = replace(problem, function=problem.reference, function_name=problem.reference_name)
    try:
        return _traced(replace(plain, dtype="float64"), points)
    except (DerivcheckError, TypeError, RuntimeError):
        if problem.dtype == "float64":
            raise
    return _traced(plain, points)


def _traced(problem: Problem, points: Tensor) -> Traced:
    """The formula of the problem's function, replayed. Raises `FunctionError` for what the function does wrong."""
    cure = CURES[problem.reference is not None]
    columns = on_device(problem, points)
    examine(problem, list(columns))
    function = point_function(problem)
    try:
        found = trace(function, columns, cure)
    except DerivcheckError:
        raise
    except Exception as error:
        if is_lacking(error):
            raise Unsupported(first_line(error)) from None
        raise raised_when_traced(error, cure) from error
    require_replay(found, function, columns, cure)
    return found


def require_replay(found: Traced, function: Callable[..., Tensor], columns: Tensor, cure: str) -> None:
    """At each point the graph must have the value of the code, in the dtype of the columns or in float64, which some
    code does not take."""
    points = list(zip(*columns.double().tolist(), strict=True))
    with precision(BITS):
        program = Program(found.graph, [found.root], ulp.unit_roundoff(torch.float64))
        exact = [program.run(point)[0][0] for point in points]
        apart = _apart(found, function, columns, exact)
        if apart and columns.dtype != torch.float64:
            with suppress(Exception):
                apart &= _apart(found, function, columns.double(), exact)
    if apart:
        i = min(apart)
        value, at = float(function(*columns)[i]), ", ".join(f"{x:.6g}" for x in points[i])
        raise Unsupported(
            f"the trace does not hold: it gives {float(exact[i].mid()):.6g} where the function gives {value:.6g}, at "
            f"({at}); a part of it is not computed by operations of torch. {cure}"
        )


def _apart(found: Traced, function: Callable[..., Tensor], columns: Tensor, exact: Sequence[arb]) -> set[int]:
    """The points where a value of the code is away from the exact one by half of the digits, and by more than the noise
    of the code, a rounding in every step of the graph, and one of the variables explain: a kernel that loses all digits
    of gelu is inaccurate, which the check finds, and no reason to doubt its formula. Where a value is not finite,
    nothing is compared: the code may overflow."""
    values = _values(function, columns)
    u, gaps = ulp.unit_roundoff(columns.dtype), dict[int, float]()
    for i, (value, ball) in enumerate(zip(values.tolist(), exact, strict=True)):
        if math.isfinite(value) and ball.is_finite() and not abs(value - ball) <= abs(ball) * math.sqrt(u):
            gaps[i] = float(abs(value - ball).mid())
    if not gaps:
        return set()
    noise = perturbation(lambda points: _values(function, points).unsqueeze(1), columns, MORE_RUNS, seed=0)[:, 0]
    least = ulp.smallest_subnormal(columns.dtype) + columns.double().abs().amax(0) * u
    rounded, inputs = Roundings(found.graph, u), columns.double()
    for i in gaps:
        reach = abs(rounded(found.root, inputs[:, i].tolist()) - exact[i]).upper()
        noise[i] = max(float(noise[i]), float(reach)) if reach.is_finite() else math.inf
    return {i for i, gap in gaps.items() if not gap <= FACTOR * float(noise[i]) + float(least[i])}


def _values(function: Callable[..., Tensor], columns: Tensor) -> Tensor:
    """The function's values at points (d, n), as a training loop calls it: float64 (n,)."""
    try:
        with torch.enable_grad():
            return function(*leaves(columns)).detach().double()
    except RuntimeError:  # a loss whose target may not require grad
        return function(*columns).detach().double()
