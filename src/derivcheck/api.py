"""`check`: from a request to a report. Nothing is measured, decided or printed here; this file says in which order."""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from inspect import signature
from typing import Any

from derivcheck import problem as problems
from derivcheck.choices import ALL, require_known
from derivcheck.engines import loading
from derivcheck.engines.registry import engine
from derivcheck.errors import RequestError, did_you_mean, printable
from derivcheck.problem import OPTIONS, Check, Problem
from derivcheck.results import Report
from derivcheck.run import devices
from derivcheck.run.many import Run
from derivcheck.run.one import lost, run_check, safe_check
from derivcheck.run.report import reported, torch_threads


def check(
    expression: str,
    *,
    variables: Sequence[str] | None = None,
    wrt: Sequence[str] | None = None,
    order: int = 1,
    partials: Sequence[str] | None = None,
    params: Mapping[str, Any] | None = None,
    domain: Any = (0, 1),
    function: str | Callable[..., Any] | None = None,
    dtype: str | Sequence[str] = "float64",
    device: str | Sequence[str] = "cpu",
    engines: str | Sequence[str] = ("reverse",),
    threads: int | None = None,
    **options: Any,
) -> Report:
    """Check the partials of an expression as torch computes them against the exact ones.

    `function` is a torch function of one column (n,) per variable, or the text `module:name` or `file.py:name`; without
    it the expression itself is what torch computes. `domain` is a pair for all variables or a mapping name -> pair;
    `partials` are texts such as "x1,x1,x2" and replace `order`; `dtype` and `device` may be several, and each
    combination is one check; each of several `engines` computes all partials, and ("all",) means every engine that
    can. `threads` is the number of threads that torch uses meanwhile. The other options are `problem.OPTIONS`;
    `tolerances` is (rtol, atol). Raises `RequestError` if the request is wrong.
    """
    _require_options(options)
    _require_some(dtype=dtype, device=device, engine=engines)
    first = problems.create(
        expression,
        variables=variables,
        wrt=wrt,
        order=order,
        partials=partials,
        params=params,
        domain=domain,
        **_named(function),
        **options,
    )
    require_known(dtype=_several(dtype))
    chosen = [
        replace(first, dtype=d, device=devices.resolve(where)) for where in _several(device) for d in _several(dtype)
    ]
    name = first.function_name or first.expression
    for p in chosen:
        devices.require_dtype(p.device, p.dtype)
    for chosen_engine in _several(engines) if _several(engines) != [ALL] else ():
        engine(chosen_engine)
    with torch_threads(threads):
        return reported(Run([Check(name, p, tuple(_several(engines))) for p in chosen], run_check, lost))


def _require_options(given: Collection[str]) -> None:
    for name in given:
        if name not in OPTIONS:
            options = [*list(signature(check).parameters)[1:-1], *OPTIONS]
            cure = f"{did_you_mean(name, options)} The options are {', '.join(options)}.".lstrip()
            raise RequestError(f"check has no option {printable(name)}", cure)


def _require_some(**given: str | Sequence[str]) -> None:
    for option, values in given.items():
        if not any(_several(values)):
            raise RequestError(f"--{option}: nothing is named", "Leave the option out for its default.")


def assert_derivatives(function: str | Callable[..., Any], expression: str, **options: Any) -> None:
    """For tests: raise AssertionError, with the table, unless `check(expression, function=function, ...)` is ok."""
    __tracebackhide__ = True  # pytest shows the line of the test
    report = check(expression, function=function, **{"timing": False, **options})
    if not report.ok:
        raise AssertionError(f"\n{report}")


def _named(function: str | Callable[..., Any] | None) -> dict[str, Any]:
    """The function and the name to replay it by."""
    if function is None:
        return {}
    if isinstance(function, str):
        return {"function": loading.load(function), "function_name": function}
    name = _name_of(function)
    return {"function": loading.callable_of(function, name), "function_name": name}


def _name_of(function: Callable[..., Any]) -> str:
    """`module:name`: of an autograd.Function's `apply` that of its class; torch's own have no true qualified name."""
    owner = getattr(function, "__self__", None)
    named = owner if isinstance(owner, type) and getattr(function, "__name__", "") == "apply" else function
    short = getattr(named, "__name__", type(named).__name__)
    names = [f"{getattr(named, '__module__', '')}:{name}" for name in (getattr(named, "__qualname__", short), short)]
    return next((name for name in names if loading.is_name_of(name, function)), names[0])


def _several(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


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
