"""`check`: from a request to a report. Nothing is measured, decided or printed here; this file says in which order."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from inspect import signature
from numbers import Integral, Real
from typing import Any, Unpack

import sympy as sp
import torch

from derivcheck import problem as problems
from derivcheck.choices import ALL, require_known, require_some
from derivcheck.engines import loading, state
from derivcheck.engines.calling import parameter_names
from derivcheck.engines.registry import engine
from derivcheck.errors import RequestError, did_you_mean, printable
from derivcheck.expression import texts
from derivcheck.expression.printing import require_domain, text_of
from derivcheck.pde import request as residuals
from derivcheck.problem import OPTIONS, Check, Options, Problem
from derivcheck.results import Report
from derivcheck.run import devices
from derivcheck.run.many import Run
from derivcheck.run.one import lost, run_check, safe_check
from derivcheck.run.report import reported, torch_threads

WHOLE = ("order", "threads", "points", "seed")
REAL = ("max_lost_bits", "timeout")

Names = str | Sequence[Any]  # "x1,x2", or a list of names or of sympy symbols
Dtypes = str | torch.dtype | Sequence[str | torch.dtype]
Devices = str | torch.device | Sequence[str | torch.device]
Ends = str | Sequence[float]  # "0:1" or (0, 1)
Shaped = str | int | Sequence[Any] | Mapping[str, Any]  # "3,4", 8, (3, 4), or by argument
Domain = Ends | Sequence[str] | Mapping[Any, Ends]


class Arguments(Options, total=False):
    """Every keyword of `check` but `function`, for functions that pass them on."""

    reference: str | Callable[..., Any] | None
    shape: "Shaped | None"
    fields: Names | Mapping[str, Any] | None
    net: str | None
    call: str | None
    operator: str | None
    training: bool
    variables: Names | None
    wrt: Names | None
    order: int
    partials: Names | None
    params: Mapping[Any, Any] | None
    domain: Domain
    dtype: Dtypes
    device: Devices
    engines: str | Sequence[str]
    threads: int | None


@state.standard()
def check(
    expression: str | sp.Expr | None = None,
    *,
    variables: Names | None = None,
    wrt: Names | None = None,
    order: int = 1,
    partials: Names | None = None,
    params: Mapping[Any, Any] | None = None,
    domain: Domain = (0, 1),
    function: str | Callable[..., Any] | None = None,
    reference: str | Callable[..., Any] | None = None,
    shape: Shaped | None = None,
    fields: Names | Mapping[str, Any] | None = None,
    net: str | None = None,
    call: str | None = None,
    operator: str | None = None,
    training: bool = True,
    dtype: Dtypes = "float64",
    device: Devices = "cpu",
    engines: str | Sequence[str] = ("reverse",),
    threads: int | None = None,
    **options: Unpack[Options],
) -> Report:
    """Check the partials of an expression as torch computes them against the exact ones.

    `expression` is a text such as "x1**2*sin(x2)" or a sympy expression, whose symbols are real. `function` is a torch
    function of one column (n,) per variable, or the text `module:name` or `file.py:name`; without it the expression
    itself is what torch computes. Without an expression, the forward of `function`, or of the plain torch function
    `reference`, is traced and is the formula; its parameters are the variables unless `variables` names them, or
    `params` fixes them, and it may return several numbers per point. With a `shape`, such as 8, (3, 4) or
    {"x": 8, "w": (3, 4)}, they are tensors, (n, 8) for 8, and x[0] to x[7] are the variables. `domain`
    is a pair for all variables or a mapping name -> pair; `partials` are texts such as "x1,x1,x2", one or several, and
    replace `order`; `dtype` and `device` are names or torch's own objects, one or several, and each combination is one
    check; each of several `engines` computes all partials, and "all" means every engine that can. `threads` is the
    number of threads that torch uses meanwhile.

    With `fields`, "u" or "u,v,p" or formulas by name, the expression is one or several equations of fields, separated
    by semicolons, and the function computes their residuals; `net` names its parameter or attribute that is the
    network, `call` says how it is called, such as "pde(X, net(X))", and `training` adds the derivative by a weight of
    the network. With `operator`, such as "gradient", it computes that of the expression. The other options are
    `problem.Options`; `tolerances` is (rtol, atol). Raises `RequestError` if the request is wrong.
    """
    _require_options(options)
    _require_numbers({"order": order, "threads": threads, **options})
    dtypes, devices_, names = _several(dtype), _several(device), _several(engines)
    require_some(dtype=dtypes, device=devices_, engine=names)
    asked = {"fields": _fields(fields), "net": net, "call": call, "operator": operator, "training": training}
    about_residuals = residuals.is_asked(asked)
    code = {**_named(function, "function", not about_residuals), **_named(reference, "reference")}
    first = residuals.requested(
        None if expression is None else text_of(expression),
        variables=_names(variables)
        or (None if about_residuals else _parameters(expression, code, options.get("layout", "columns"), params or {})),
        wrt=_names(wrt),
        order=order,
        partials=None if partials is None else _several(partials),
        params=None if params is None else _by_name(params),
        domain=_by_name(domain) if isinstance(domain, Mapping) else domain,
        shape=shape,
        **asked,
        **code,
        **options,
    )
    if expression is not None and not about_residuals:
        require_domain(expression, first.variables, first.domain, dict(first.params))
    require_known(dtype=dtypes)
    chosen = [replace(first, dtype=d, device=devices.resolve(where)) for where in devices_ for d in dtypes]
    name = first.function_name or first.expression
    for p in chosen:
        devices.require_dtype(p.device, p.dtype)
    for chosen_engine in names if names != [ALL] else ():
        engine(chosen_engine)
    with torch_threads(threads):
        return reported(Run([Check(name, p, tuple(names)) for p in chosen], run_check, lost))


def _require_options(given: Collection[str]) -> None:
    for name in given:
        if name not in OPTIONS:
            keywords = [*list(signature(check).parameters)[1:-1], *OPTIONS]
            suggestion = did_you_mean(name, keywords)
            cure = f"The options are {', '.join(keywords)}."
            raise RequestError(f"check has no option {printable(name)}", f"{suggestion} {cure}".strip())


def _require_numbers(given: Mapping[str, Any]) -> None:
    """Refuse text and the like before something is computed with it."""
    for name, value in given.items():
        if name in WHOLE and not ((value is None and name == "threads") or isinstance(value, Integral)):
            raise RequestError(f"{name}={value!r} is not a whole number", f"Write it like {name}=2.")
        if name in REAL and not (value is None or isinstance(value, Real)):
            raise RequestError(f"{name}={value!r} is not a number", f"Write it like {name}=10.")


def assert_derivatives(
    function: str | Callable[..., Any], expression: str | sp.Expr | None = None, **options: Unpack[Arguments]
) -> None:
    """For tests: raise AssertionError, with the table, unless `check(expression, function=function, ...)` is ok."""
    __tracebackhide__ = True  # pytest shows the line of the test
    options.setdefault("timing", False)
    report = check(expression, function=function, **options)
    if not report.ok:
        raise AssertionError(f"\n{report}")


def assert_residual(
    function: str | Callable[..., Any], formula: str | None = None, **options: Unpack[Arguments]
) -> None:
    """For tests: raise AssertionError, with the equations and the table, unless the residual that `function` computes
    is `formula`, such as "u_t + u*u_x - 0.01/pi*u_xx". The order is 0 by default, and the network its `net`."""
    __tracebackhide__ = True  # pytest shows the line of the test
    options.setdefault("order", 0)
    if not residuals.is_asked(options):
        options["net"] = "net"
    assert_derivatives(function, formula, **options)


def _named(function: str | Callable[..., Any] | None, field: str, loaded: bool = True) -> dict[str, Any]:
    """A function, or a reference, and the name to replay it by, as fields of a problem. One that is not loaded is
    loaded when its check begins, with the object that it is a method of."""
    if function is None:
        return {}
    if isinstance(function, str):
        return {f"{field}_name": function, **({field: loading.load(function, f"--{field}")} if loaded else {})}
    name = _name_of(function)
    if not loaded:
        return {field: function, f"{field}_name": name}
    return {field: loading.callable_of(function, name, f"--{field}"), f"{field}_name": name}


def _fields(given: Names | Mapping[str, Any] | None) -> list[str] | None:
    """u, "u,v", or {"u": "exp(-t)*sin(x)"}."""
    if isinstance(given, Mapping):
        return [f"{name}={text_of(formula)}" for name, formula in given.items()]
    return [given] if isinstance(given, str) else None if given is None else _several(given)


def _parameters(expression: Any, code: Mapping[str, Any], layout: str, params: Collection[Any]) -> list[str] | None:
    """The variables of torch code that is the formula: the parameters of the function, else of the reference."""
    if expression is not None:
        if "reference" in code:
            raise RequestError(*problems.TWO_TRUTHS)
        return None
    if "function" not in code:
        lacking = "--reference goes with --function" if "reference" in code else "there is no expression"
        raise RequestError(lacking, texts.NOTHING_TO_CHECK)
    if layout != "columns":
        return None  # the one parameter is a matrix of all of them
    named = (parameter_names(code[field]) for field in ("function", "reference") if field in code)
    return next(([name for name in names if name not in params] for names in named if names), None)


def _name_of(function: Callable[..., Any]) -> str:
    """`module:name`: of an autograd.Function's `apply` that of its class; torch's own have no true qualified name."""
    owner = getattr(function, "__self__", None)
    named = owner if isinstance(owner, type) and getattr(function, "__name__", "") == "apply" else function
    short = getattr(named, "__name__", type(named).__name__)
    names = [f"{getattr(named, '__module__', '')}:{name}" for name in (getattr(named, "__qualname__", short), short)]
    return next((name for name in names if loading.is_name_of(name, function)), names[0])


def _several(value: Any) -> list[str]:
    """One or several names: `torch.float32` is float32, `torch.device("cuda", 1)` is cuda:1."""
    one = isinstance(value, str) or not isinstance(value, Iterable)
    return [str(each).removeprefix("torch.") for each in ([value] if one else value)]


def _names(value: Names | None) -> list[str] | None:
    """Names from "x1,x2", a list of names, or a list of sympy symbols."""
    if value is None:
        return None
    return texts.split(value) if isinstance(value, str) else _several(value)


def _by_name(given: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in given.items()}


def check_all(checks: Sequence[Check | Problem], executor: Executor | None = None) -> Report:
    """Run all checks, by an executor of `concurrent.futures` if one is given, and report them in their order.

    A check that cannot be run, or whose worker is lost, is `undecided` with the reason. What was finished before
    Ctrl-C is reported.
    """
    run = Run(
        [c if isinstance(c, Check) else Check(c.function_name or c.expression, c, (c.engine,)) for c in checks],
        safe_check,
        lost,
    )
    return reported(run, executor)
