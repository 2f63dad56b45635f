"""The command line: one command, no subcommands. Reads the request, hands it to `check`, prints, exits.

Nothing heavy is imported before it is needed: `--help` must not wait a second for torch.
"""

import gc
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from derivcheck.cli import options as o
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
    dtype: o.Dtype = ["float64"],  # noqa: B006 nobody writes to it
    device: o.Device = ["cpu"],  # noqa: B006
    engine: o.Engine = ["reverse"],  # noqa: B006
    threads: o.Threads = None,
    list_engines: o.ListEngines = False,
    list_functions: o.ListFunctions = False,
    strict: o.Strict = False,
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
    request = dict(context.params)
    for name in o.WITH_COMMAS:
        request[name] = [word for text in request[name] or () for word in texts.split(text)]
    for shown_at_once in ("version", "list_engines", "list_functions"):
        request.pop(shown_at_once, None)
    given = {name for name in request if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"}
    raise typer.Exit(int(_guarded(request, given)))


def _guarded(request: dict[str, Any], given: set[str]) -> ExitStatus:
    """Run; every error becomes one message and one exit status. `given` are the options that the command line has."""
    debug = request.pop("debug")
    try:
        return _run(request, given)
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
        if debug:
            raise
        place = f"{type(error).__name__}: {error} (--debug shows where)"
        typer.echo(f"derivcheck: a defect of derivcheck: {place}", err=True)
        return ExitStatus.DEFECT


def _run(request: dict[str, Any], given: set[str]) -> ExitStatus:
    from derivcheck.cli import suite as cli_suite  # noqa: PLC0415 rich
    from derivcheck.cli.delivery import Deliveries  # noqa: PLC0415 rich

    if request["show"] not in ("", "all", "failures"):
        raise RequestError(f"--show {ascii(request['show'])[1:-1]}: unknown", "Choose from all, failures.")
    if request["suite"]:
        return cli_suite.run(request, {name: request[name] for name in given & request.keys()})
    cli_suite.refuse_without_suite({name: request[name] for name in given & request.keys()})
    for name in cli_suite.OF_A_SUITE:
        del request[name]
    report, show, formulas, quiet = (request.pop(name) for name in ("report", "show", "formulas", "quiet"))
    deliveries = Deliveries.open(report or [], show=show or "all", formulas=formulas, quiet=quiet)
    with deliveries.discarded_on_failure(), deliveries.progress():
        result = _check(**request)
    deliveries.write(result)
    return result.exit_status


def _check(expression: str, **given: Any) -> "Report":
    """Turn texts into what `check` takes."""
    text = sys.stdin.read() if expression == "-" else expression
    if not text.strip():
        raise RequestError("there is no expression", 'Give one: derivcheck "x1**2*sin(x2)" --order 2')
    check = _load_check()
    from derivcheck.problem import tolerances  # noqa: PLC0415 sympy

    request = {
        "variables": given.pop("variables") or None,
        "wrt": given.pop("wrt") or None,
        "partials": given.pop("partial"),
        "params": dict(map(texts.assignment, given.pop("param") or ())),
        "domain": given.pop("domain") or "0:1",
        "engines": given.pop("engine"),
        "function": given.pop("function") or None,
        "tolerances": tolerances(given.pop("rtol"), given.pop("atol")),
    }
    return check(text, **request, **given)


def _load_check() -> Callable[..., "Report"]:
    """Import what does the work. Collecting garbage among the objects of torch and sympy takes 0.1 s a time and finds
    none, so there is no collection while they are made, and they are left out of later ones."""
    gc.disable()
    from derivcheck.api import check  # noqa: PLC0415 torch

    gc.freeze()
    gc.enable()
    return check


def shielded(arguments: Sequence[str]) -> list[str]:
    """Let an expression begin with a minus: what looks like -x1**2 goes behind `--`, where no option is looked for."""
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
    """A single dash, more behind it, and neither a known option nor -n5."""
    dashed = argument.startswith("-") and not argument.startswith("--") and argument != "-"
    return dashed and argument not in params and not (argument[:2] == "-n" and argument[2:].lstrip("=").isdigit())


def main() -> NoReturn:
    """The entry point of the command."""
    app(args=shielded(sys.argv[1:]), prog_name="derivcheck")
    raise AssertionError("typer exits by itself")


if __name__ == "__main__":
    main()
