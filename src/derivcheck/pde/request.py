"""A problem about residuals from text and numbers, checked. Torch is not imported: what is wrong is said at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import sympy as sp

from derivcheck import problem as problems
from derivcheck.errors import RequestError, printable
from derivcheck.expression.equations import Equation, equations
from derivcheck.expression.fields import Fields
from derivcheck.expression.parsing import parse
from derivcheck.expression.reading import variable
from derivcheck.expression.residuals import WEIGHT, Residual
from derivcheck.expression.texts import split
from derivcheck.expression.variables import NAME
from derivcheck.multi_index import natural_order
from derivcheck.pde.operators import OPERATORS, applied
from derivcheck.problem import Problem

KEYS = ("fields", "net", "call", "operator", "training")
"""Of a request about residuals or operators."""
NO_FUNCTION = "Name the code: --function burgers.py:residual."
DEFAULT = "u"  # the field of a network that nothing else is said of
HOW = 'Write it like --field u, --field u,v,p for the outputs of one network, or --field "u=exp(-t)*sin(x)".'


def is_asked(given: Mapping[str, Any]) -> bool:
    """Whether a request is about residuals or operators."""
    return any(given.get(key) for key in KEYS if key != "training")


def requested(expression: str | None, **given: Any) -> Problem:
    """The problem of any request: about residuals or operators where one of their options is given."""
    of_residuals = {key: given.pop(key) for key in KEYS if key in given}
    if not is_asked(of_residuals):
        return problems.create(expression, **given)
    for option in ("reference", "shape"):
        if given.pop(option, None):
            raise RequestError(f"--{option} does not go with --net, --field, --call or --operator", "Leave it out.")
    if not (given.get("function") or given.get("function_name") or given.pop("has_function", False)):
        raise RequestError("--net, --field, --call and --operator go with --function", NO_FUNCTION)
    return create(expression, **of_residuals, **given)


def create(
    expression: str | None,
    *,
    fields: Sequence[str] | str | None = None,
    net: str | None = None,
    call: str | None = None,
    operator: str | None = None,
    training: bool = True,
    variables: Sequence[str] | None = None,
    params: Mapping[str, Any] | None = None,
    domain: Any = (0, 1),
    **options: Any,
) -> Problem:
    """The problem. Its function is loaded, and its fields get their formulas, when the check begins."""
    given = {variable(name): problems.parameter(name, value) for name, value in (params or {}).items()}
    names, formulas = _fields(fields, net)
    coordinates = _coordinates(expression, variables, given, bool(names))
    residual = Residual(
        expression or "", names, tuple(coordinates), formulas, not any(formulas), net or "", call or "", operator or ""
    )
    _require_sound(residual, given)
    texts = tuple((name, str(value)) for name, value in (params or {}).items())
    base = problems.create(None, variables=coordinates, domain=_valued(domain, texts), **options)
    base = replace(base, expression=expression or "", residual=residual, params=texts if expression else ())
    return _trained(base) if names and training else base


def _fields(given: Sequence[str] | str | None, net: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names, and a formula or nothing for each."""
    texts = [given] if isinstance(given, str) else list(given or ([DEFAULT] if net else []))
    pairs = [part for text in texts for part in ([text] if "=" in text else split(text))]
    split_pairs = [(variable(name), formula.strip()) for name, _, formula in (text.partition("=") for text in pairs)]
    names = tuple(name for name, _ in split_pairs)
    wrong = [name for name in names if not NAME.fullmatch(name)] or [n for n in names if names.count(n) > 1]
    if wrong:
        raise RequestError(f"--field {printable(wrong[0])}: not a list of distinct names", HOW)
    formulas = tuple(formula for _, formula in split_pairs)
    if any(formulas) and not all(formulas):
        raise RequestError("--field: some fields have a formula and some have none", "Give all of them one, or none.")
    return names, formulas


def _coordinates(
    expression: str | None, variables: Sequence[str] | None, params: Mapping[str, Any], has_fields: bool
) -> list[str]:
    if variables:
        return list(map(variable, variables))
    if has_fields or expression is None:
        cause = "--vars is missing: nothing else names the coordinates"
        raise RequestError(cause, "Name them in the order in which the network takes them, such as --vars x,t.")
    found = dict.fromkeys(name for e in equations(expression, Fields((), ()), params) for name in e.unknown)
    return sorted(found, key=natural_order)


def _require_sound(residual: Residual, params: Mapping[str, Any]) -> None:
    """Refuse what can be seen without the code."""
    clash = sorted({*residual.fields, WEIGHT} & set(residual.coordinates))
    if clash and residual.fields:
        raise RequestError(f"{clash[0]} is a coordinate and a field at once", "Give one of them another name.")
    if residual.operator and residual.operator not in OPERATORS:
        cause = f"--operator {printable(residual.operator)}: unknown"
        raise RequestError(cause, f"Choose from {', '.join(OPERATORS)}.")
    if residual.operator and not residual.text:
        raise RequestError("--operator goes with an expression", 'Give one, such as "x1**2*sin(x2)".')
    meant(residual, Fields(residual.fields, residual.coordinates), params)
    formulas(residual)


def meant(residual: Residual, fields: Fields, params: Mapping[str, Any]) -> list[Equation]:
    """The equations that are meant, one per output; none if the code's own are."""
    if not residual.text:
        return []
    found = equations(residual.text, fields, params)
    return applied(residual.operator, found, fields) if residual.operator else found


def formulas(residual: Residual) -> list[sp.Expr]:
    """The formulas that were given for the fields."""
    found = []
    for name, text in zip(residual.fields, residual.closed, strict=False):
        parsed = parse(text) if text else None
        for used in parsed.names if parsed else ():
            if used not in residual.coordinates:
                cause = f"--field {name}=...: {printable(used)} is no coordinate"
                raise RequestError(cause, f"The coordinates are {', '.join(residual.coordinates)}.")
        found += [parsed.formula] if parsed else []
    return found


def _valued(domain: Any, params: Sequence[tuple[str, str]]) -> Any:
    """The domain with parameters in its ends replaced by their values."""
    if isinstance(domain, str):
        return _with_values(domain, params)
    if isinstance(domain, Mapping):
        return {name: _valued(ends, params) for name, ends in domain.items()}
    if isinstance(domain, Sequence) and all(isinstance(text, str) for text in domain):
        return [_with_values(text, params) for text in domain]
    return domain


def _with_values(text: str, params: Sequence[tuple[str, str]]) -> str:
    name, equals, ends = text.rpartition("=")
    for parameter, value in params:
        ends = re.sub(rf"\b{re.escape(parameter)}\b", f"({value})", ends)
    return f"{name}{equals}{ends}"


def untrained(problem: Problem) -> Problem:
    """The problem without the weight."""
    count = len(problem.coordinates)
    partials = tuple(alpha[:count] for alpha in problem.partials if not any(alpha[count:]))
    named, domain = problem.variables[:count], problem.domain[:count]
    return replace(problem, variables=named, domain=domain, partials=partials)


def _trained(problem: Problem) -> Problem:
    """The problem with one weight of the network as a variable more, and the derivative by it as a partial more."""
    partials = (*((*alpha, 0) for alpha in problem.partials), (*(0 for _ in problem.variables), 1))
    named, domain = (*problem.variables, WEIGHT), (*problem.domain, (0.0, 0.0))
    return replace(problem, variables=named, domain=domain, partials=partials)
