"""The command line: one command, no subcommands. Reads the request, passes it to `check`, prints, exits.

Nothing heavy is imported before it is needed: `--help` must not wait a second for torch.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from derivcheck.cli import options as o
from derivcheck.cli.request import Request
from derivcheck.errors import DerivcheckError, ExitStatus, RequestError
from derivcheck.expression import texts

if TYPE_CHECKING:
    from derivcheck.results import Report

app = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)


@app.command(epilog=o.EXITS)
def command(
    context: typer.Context,
    expression: o.Expression = "",
    wrt: o.Wrt = None,
    order: o.Order = 1,
    partial: o.Partial = None,
    variables: o.Variables = None,
    param: o.Param = None,
    domain: o.Domain = None,
    function: o.Function = "",
    layout: o.Layout = "columns",
    points: o.Points = 10_000,
    seed: o.Seed = 0,
    sampler: o.Sampler = "uniform",
    corners: o.Corners = True,
    dtype: o.Dtype = ["float64"],  # noqa: B006 never modified
    device: o.Device = ["cpu"],  # noqa: B006
    engine: o.Engine = ["reverse"],  # noqa: B006
    threads: o.Threads = None,
    list_engines: o.ListEngines = False,
    list_functions: o.ListFunctions = False,
    strict: o.Strict = False,
    control: o.Control = False,
    max_lost_bits: o.MaxLostBits = None,
    rtol: o.Rtol = None,
    atol: o.Atol = None,
    timeout: o.Timeout = None,
    suite: o.Suite = None,
    select: o.Select = None,
    tag: o.Tag = None,
    list: o.List = False,
    shard: o.Shard = "",
    fail_fast: o.FailFast = False,
    last_failed: o.LastFailed = False,
    no_functions: o.NoFunctions = False,
    known_ok: o.KnownOk = False,
    jobs: o.Jobs = 1,
    cluster: o.Cluster = "",
    resume: o.Resume = False,
    report: o.Reports = None,
    show: o.Show = "",
    formulas: o.Formulas = False,
    timing: o.Timing = True,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
    version: o.Version = False,
) -> None:
    """Is this derivative right? Torch autograd against sympy at random points, refereed by the exact value."""
    raise typer.Exit(int(_guarded(Request.of(context))))


def _guarded(request: Request) -> ExitStatus:
    """Run; every error becomes one message and one exit status."""
    try:
        return _run(request)
    except DerivcheckError as error:
        typer.echo(f"derivcheck: {error}", err=True)
        return ExitStatus.USAGE
    except KeyboardInterrupt:
        typer.echo("derivcheck: interrupted", err=True)
        return ExitStatus.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitStatus.INTERRUPTED
    except Exception as error:
        if request.debug:
            traceback.print_exc()
        hint = "" if request.debug else " (--debug shows where)"
        typer.echo(f"derivcheck: a bug in derivcheck: {type(error).__name__}: {error}{hint}", err=True)
        return ExitStatus.BUG


def _run(request: Request) -> ExitStatus:
    from derivcheck.cli import suite as of_suite  # noqa: PLC0415 rich
    from derivcheck.cli.delivery import Deliveries  # noqa: PLC0415 rich

    request.require_shown()
    if request.suite:
        return of_suite.run_suite(request)
    of_suite.refuse_without_suite(request)
    deliveries = Deliveries.open(request, show="all")
    with deliveries.discarded_on_failure(), deliveries.progress():
        result = _check(request)
    deliveries.write(result)
    return result.exit_status


def _check(request: Request) -> "Report":
    """Turn texts into what `check` takes."""
    text = sys.stdin.read() if request.expression == "-" else request.expression
    if not text.strip():
        raise RequestError("there is no expression", 'Give one: derivcheck "x1**2*sin(x2)" --order 2')
    from derivcheck.cli import apart  # noqa: PLC0415 multiprocessing

    return apart.checked(text, _arguments(request))


def _arguments(request: Request) -> dict[str, Any]:
    """The arguments of `check` but the expression."""
    from derivcheck.problem import OPTIONS, tolerances  # noqa: PLC0415 sympy

    as_they_are = ("order", "dtype", "device", "threads", *(name for name in OPTIONS if name != "tolerances"))
    return {
        "variables": request.variables or None,
        "wrt": request.wrt or None,
        "partials": request.partial or None,
        "params": dict(map(texts.assignment, request.param)),
        "domain": request.domain or "0:1",
        "engines": request.engine,
        "function": request.function or None,
        "tolerances": tolerances(request.rtol, request.atol),
        **{name: getattr(request, name) for name in as_they_are},
    }


def shielded(arguments: Sequence[str]) -> list[str]:
    """Let an expression begin with a minus: what looks like -x1**2 is moved after `--`, which ends the options."""
    params = {name: p for p in typer.main.get_command(app).params for name in (*p.opts, *p.secondary_opts)}
    kept: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":
            return [*kept, argument, *waiting]
        if _is_expression(argument, params):
            return [*kept, *shielded(list(waiting)), "--", argument]
        if argument.endswith(".toml") and "--suite" in kept:
            kept.append("--suite")  # `--suite a.toml b.toml`, as pre-commit names files
        kept.append(argument)
        if argument in params and not getattr(params[argument], "is_flag", False):
            kept.extend(value for value in [next(waiting, None)] if value is not None)
    return kept


def _is_expression(argument: str, params: dict[str, Any]) -> bool:
    """A single dash with something after it, and neither a known option nor -n5."""
    dashed = argument.startswith("-") and not argument.startswith("--") and argument != "-"
    return dashed and argument not in params and not (argument[:2] == "-n" and argument[2:].lstrip("=").isdigit())


def main() -> NoReturn:
    """The entry point of the command."""
    app(args=shielded(sys.argv[1:]), prog_name="derivcheck")
    raise AssertionError("typer exits by itself")


if __name__ == "__main__":
    main()
