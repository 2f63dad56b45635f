"""From a problem about residuals to ordinary problems: functions of points, each with the formula that it should be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp
import torch
from torch import Tensor

from derivcheck.engines import loading
from derivcheck.errors import DerivcheckError, RequestError, Unsupported, counted, did_you_mean
from derivcheck.expression.equations import Equation
from derivcheck.expression.fields import Fields
from derivcheck.expression.parsing import symbol
from derivcheck.expression.residuals import Residual
from derivcheck.pde import closed as closed_fields
from derivcheck.pde.closed import Closed, OneCall
from derivcheck.pde.operation import is_transformed, partial
from derivcheck.pde.outputs import PROBED, Output, outputs
from derivcheck.pde.reading import Reading, read
from derivcheck.pde.request import formulas, meant, untrained
from derivcheck.pde.scales import Scales, scales_of
from derivcheck.pde.target import Target, trainable
from derivcheck.problem import Problem, parameter
from derivcheck.sampling.points import looked_at, on_device

MOST_LOSSES = 16  # points of a loss, which is computed at each of them alone: a call takes up to 10 ms


@dataclass(frozen=True)
class Code:
    """The code of a problem, called once, and read if it can be."""

    problem: Problem
    target: Target
    slots: Sequence[Output]
    fields: Fields
    closed: Closed
    meant: Sequence[Equation]
    """The equations that were given, names of trained parameters among their symbols."""
    reading: Reading | None = None
    reason: str = ""
    """Why it could not be read."""
    scales: Scales = ()

    @property
    def asked(self) -> Residual:
        assert self.problem.residual is not None
        return self.problem.residual


def prepare(problem: Problem) -> Code:
    """Load the code, call it, read it. Raises `RequestError` or `FunctionError` for what is wrong with it."""
    asked = problem.residual
    assert asked is not None
    fields = Fields(asked.fields, asked.coordinates)
    given = formulas(asked) or closed_fields.random_formulas(
        fields, problem.domain[: len(asked.coordinates)], problem.seed
    )
    asked = replace(asked, closed=tuple(map(str, given)))
    problem = replace(problem, residual=asked)
    by_weight = closed_fields.directions(fields, problem.seed) if _is_trained(problem) else []
    params = {name: parameter(name, value) for name, value in problem.params}
    target = Target(problem.function or problem.function_name or "", asked)
    code = Code(problem, target, (), fields, Closed(fields, given, by_weight), meant(asked, fields, params))
    points = _points(problem)
    code = replace(code, slots=_probed(code, points))
    if by_weight and target.network is not None and target.network.is_transformed:  # no row there has its own weight
        code = replace(code, problem=untrained(problem), closed=Closed(fields, given, []))
    return _compared(_read(code, points))


def _is_trained(problem: Problem) -> bool:
    assert problem.residual is not None
    return len(problem.variables) > len(problem.residual.coordinates)


def _points(problem: Problem) -> Tensor:
    """(d, k) where the code is called first and traced."""
    assert problem.residual is not None
    return on_device(problem, looked_at(problem, PROBED)[: len(problem.residual.coordinates)])


def _probed(code: Code, points: Tensor) -> Sequence[Output]:
    """The outputs. Raises `FunctionError` with the user's frames for what the code raises."""
    try:
        result = called(code, list(points), None)
    except (DerivcheckError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise loading.raised(code.target.name, "raises", error) from None
    if code.target.network is not None and not code.target.network.dtypes:
        cause = (
            f"{code.target.name} does not call the network that --net {code.asked.net or code.asked.fields[0]} names"
        )
        raise RequestError(cause, "Name the parameter or attribute that the function calls: --net NAME.")
    return outputs(result, code.target.name)


def called(code: Code, columns: Sequence[Tensor], weight: Tensor | None) -> Any:
    """What the code returns at coordinates (n,), with the closed fields as its network."""
    zero = (0,) * len(columns)
    source, fields = OneCall(code.closed), range(len(code.asked.fields))

    def evaluate(X: Tensor) -> list[Tensor]:
        rows = None if weight is None else _for_rows(weight, len(X)).to(X.dtype)
        for j, (factor, shift) in enumerate(code.scales):
            unscaled = (X[:, j] - shift) * (1 / factor)
            X = torch.cat([X[:, :j], unscaled.unsqueeze(1), X[:, j + 1 :]], 1)
        if is_transformed():  # which differentiate a custom operation wrongly where they are nested
            return [code.closed.plain(X, rows, k) for k in fields]
        return [partial(X, rows, source, k, zero) for k in fields]

    own = [c if c.requires_grad else c.detach().clone().requires_grad_() for c in columns]
    matrix = torch.stack(own, 1)
    if not any(c.requires_grad for c in columns):
        own, matrix = [_leaf(c.unsqueeze(1)) for c in own], _leaf(matrix)
    else:
        own = [c.unsqueeze(1) for c in own]
    with torch.enable_grad():
        return code.target(own, matrix, evaluate)


def _leaf(tensor: Tensor) -> Tensor:
    return tensor.detach().clone().requires_grad_()


def _for_rows(weight: Tensor, count: int) -> Tensor:
    """The weight at each row of what the network is called with: those of the points, repeated if there are more."""
    n = len(weight)
    if count == n:
        return weight
    return weight.repeat(count // n) if count % n == 0 else weight[:1].expand(count)


def _read(code: Code, points: Tensor) -> Code:
    """The code with what it computes, or why that cannot be read."""
    try:
        found = read(code.target, code.slots, points, code.fields)
    except Unsupported as reason:
        return replace(code, reason=str(reason))
    found, scales = scales_of(found, code.fields)
    return replace(code, reading=found, scales=scales)


def _compared(code: Code) -> Code:
    """Refuse a number of equations that is not that of the outputs, and names that nothing has."""
    count = len(code.reading.equations) if code.reading else len(code.slots)
    if not code.meant:
        if code.reading is None:
            raise Unsupported(f"{code.target.name} cannot be read: {code.reason}")
        return code
    if len(code.meant) != count and not (code.reading is None and code.slots[0].is_loss):
        own = f" It computes {'; '.join(code.reading.texts())}" if code.reading else ""
        cause = f"{code.target.name} has {counted(count, 'output')}, but there {_are(len(code.meant))}"
        raise RequestError(cause, f"Give one equation per output, separated by semicolons.{own}")
    return replace(code, meant=[_known(code, equation) for equation in code.meant])


def _are(count: int) -> str:
    return "is 1 equation" if count == 1 else f"are {count} equations"


def _known(code: Code, equation: Equation) -> Equation:
    """The equation with the values of trained parameters that it names."""
    values = {name: p for name, p in trainable(code.target).items() if p.numel() == 1}
    for name in equation.unknown:
        if name not in values:
            near = did_you_mean(name, [*code.asked.fields, *code.asked.coordinates, *values])
            known = ", ".join([*code.asked.fields, *code.asked.coordinates, *values])
            cause = f"{name} is neither a field nor a coordinate"
            cure = f"{near} Here are {known}; a constant needs --param {name}=1, another field --field u,{name}."
            raise RequestError(cause, cure.strip())
    exact = {symbol(name): sp.Rational(*float(values[name].detach()).as_integer_ratio()) for name in equation.unknown}
    return replace(equation, formula=equation.formula.xreplace(exact))


class ResidualFunction:
    """The outputs of the code as functions of columns (n,), of which the last may be the weight."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self.__name__ = code.target.short
        self.keeps_points = any(sum(alpha[: len(code.asked.coordinates)]) for alpha in code.problem.partials)

    def __call__(self, *given: Tensor) -> Any:
        d = len(self.code.asked.coordinates)
        columns, weight = given[:d], given[d] if len(given) > d else None
        if not self.keeps_points:
            columns = tuple(c.detach() for c in columns)
        if self.code.slots[0].is_loss:
            return torch.stack(
                [self._loss([c[i : i + 1] for c in columns], _at(weight, i)) for i in range(len(given[0]))]
            )
        result = called(self.code, columns, weight)
        found = [slot.of(result, len(given[0])).to(given[0].dtype) for slot in self.code.slots]
        return found[0] if len(found) == 1 else tuple(found)

    def _loss(self, point: Sequence[Tensor], weight: Tensor | None) -> Tensor:
        return self.code.slots[0].of(called(self.code, point, weight), 1).to(point[0].dtype)


def _at(weight: Tensor | None, i: int) -> Tensor | None:
    return None if weight is None else weight[i : i + 1]


def formulas_of(code: Code, equations: Sequence[sp.Expr]) -> list[sp.Expr]:
    """What each output should be, in coordinates and the weight, if these are its equations."""
    exact = [code.fields.replaced(e, code.closed.exact) for e in equations]
    if code.reading is not None:
        exact = [e.xreplace(dict(code.reading.parameters)) for e in exact]
    if not code.slots[0].is_loss:
        return exact
    weights = [w.value for w in code.reading.weights] if code.reading else [1] * len(exact)
    return [sp.Add(*(sp.Rational(w) * e**2 for w, e in zip(weights, exact, strict=True)))]


def problems(code: Code, equations: Sequence[sp.Expr]) -> Iterator[Problem]:
    """One ordinary problem per output."""
    function, found = ResidualFunction(code), formulas_of(code, equations)
    common = code.problem
    if code.slots[0].is_loss:
        common = replace(common, points=min(common.points, MOST_LOSSES), corners=False)
    for k, formula in enumerate(found):
        place = (k,) if len(found) > 1 else None
        yield replace(common, formula=formula, function=function, output=place)
