"""Checks of residuals: the code is read, what was read is replayed, and each output becomes an ordinary problem."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import sympy as sp
import torch

from derivcheck import ulp
from derivcheck.engines.calling import dtype_of, own_warnings_ignored, point_function
from derivcheck.errors import Unsupported
from derivcheck.expression.parsing import symbol
from derivcheck.expression.residuals import WEIGHT
from derivcheck.outcomes import Discrepancy
from derivcheck.pde import closed
from derivcheck.pde.comparison import discrepancies
from derivcheck.pde.preparation import Code, prepare, problems
from derivcheck.pde.reading import COUNT
from derivcheck.run.truth import REPLAYED, require_replay
from derivcheck.sampling.points import looked_at
from derivcheck.symbolic.differentiation import SymbolicPartials
from derivcheck.tracing.forward import Traced

if TYPE_CHECKING:
    from derivcheck.problem import Problem

NO_TRUTH = "The code cannot be its own formula. Give the equation that is meant."
UNTRAINED = "whether it trains is not checked: inside of torch.func the points do not come with weights of their own"
DOWN = "the network is called in {dtype}, not in {own}: the code converts its input, and the digits are lost"


@dataclass(frozen=True)
class Findings:
    """What is reported of the code besides the rows."""

    computes: tuple[str, ...] = ()
    equations: tuple[str, ...] = ()
    discrepancies: tuple[Discrepancy, ...] = ()
    notes: tuple[str, ...] = ()


def begun(problem: Problem) -> tuple[list[Problem], Findings]:
    """One problem per output with its formula, and what was found. If the code is to be its own formula and cannot be,
    the reason is in place of the formula. Raises `RequestError` for a wrong request."""
    try:
        with own_warnings_ignored():
            return _begun(_replayed(prepare(problem)))
    except Unsupported as reason:
        return [replace(problem, symbolic=reason)], Findings()


def _begun(code: Code) -> tuple[list[Problem], Findings]:
    own = [] if code.reading is None else list(code.reading.equations)
    if not code.meant and (code.reading is None or code.reading.is_mixed):
        mixed = "the value at a point depends on the others of the batch, or on their number"
        raise Unsupported(f"{code.reason or mixed}. {NO_TRUTH}")
    meant = [e.formula for e in code.meant] or own
    made = list(problems(code, meant))
    return made, Findings(_computes(code), _equations(code), tuple(_differences(code)), tuple(_notes(code)))


def _replayed(code: Code) -> Code:
    """The code without its reading if that does not hold."""
    if code.reading is None:
        return code
    number = {symbol(COUNT): sp.Integer(REPLAYED)} if COUNT not in code.asked.coordinates else {}
    equations = [e.xreplace(number) for e in code.reading.equations]
    try:
        for each in problems(code, equations):
            _require(each, _narrowest(code))
    except Unsupported as reason:
        return replace(code, reading=None, reason=str(reason))
    return code


def _narrowest(code: Code) -> torch.dtype:
    """The dtype that the values of the code have no more digits than."""
    used = code.target.network.dtypes if code.target.network is not None else set()
    return max({dtype_of(code.problem), *used}, key=ulp.unit_roundoff)


def _require(problem: Problem, dtype: torch.dtype) -> None:
    """At fresh points, with the closed fields, the equation must have the value that the code returns."""
    assert problem.formula is not None
    known = {symbol(name) for name in problem.variables}
    if problem.formula.free_symbols - known:
        return  # it has coordinates of other points: it was read at two points, and is not taken for the truth
    symbolic = SymbolicPartials(problem.formula, problem.variables)
    points = looked_at(problem, REPLAYED).to(device=problem.device, dtype=dtype)
    require_replay(Traced(symbolic.graph, symbolic.root), point_function(problem), points, NO_TRUTH)


def _computes(code: Code) -> tuple[str, ...]:
    return code.reading.texts() if code.reading else ()


def _equations(code: Code) -> tuple[str, ...]:
    return tuple(str(sp.expand(e.formula)) for e in code.meant)


def _differences(code: Code) -> Iterator[Discrepancy]:
    if code.reading is None or code.asked.operator:
        return
    pairs: Sequence[tuple[sp.Expr, sp.Expr]] = list(
        zip(code.reading.equations, (e.formula for e in code.meant), strict=False)
    )
    for k, (computed, meant) in enumerate(pairs):
        for found in discrepancies(computed, meant, code.reading.parameters, code.fields):
            yield replace(found, output=k)


def _notes(code: Code) -> Iterator[str]:
    if code.reading is None and code.reason:
        yield f"the equation was not read: {code.reason}"
    own = dtype_of(code.problem)
    for dtype in code.target.network.dtypes - {own} if code.target.network is not None else ():
        yield DOWN.format(dtype=str(dtype).removeprefix("torch."), own=str(own).removeprefix("torch."))
    if code.target.network is not None and code.target.network.is_transformed and WEIGHT not in code.problem.variables:
        yield UNTRAINED
    if code.scales:
        point = ", ".join(code.asked.coordinates)
        inputs = ", ".join(f"{a:g}*{x} + {b:g}" for (a, b), x in zip(code.scales, code.asked.coordinates, strict=True))
        yield f"the network gets ({inputs}): its inputs are scaled, and the field is that of ({point})"
    if not code.asked.is_random:
        used = {code.fields.partials[atom] for e in code.meant for atom in code.fields.within(e.formula)}
        for pair in closed.symmetries(code.fields, code.closed.formulas[: len(code.fields.names)], sorted(used)):
            yield f"of the field that was given, {pair}, so that one hides an error in the other: leave the formula out"
