"""The command line: one command, no subcommands. Reads the request, passes it to `check`, prints, exits.

Nothing heavy is imported before it is needed: `--help` must not wait a second for torch.
"""

import gc
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from derivcheck.cli import options as o
from derivcheck.cli import refusal, signals
from derivcheck.cli.request import Request
from derivcheck.errors import DerivcheckError, ExitStatus, RequestError, escaped
from derivcheck.expression import texts
from derivcheck.reports.encoding import encodable
from derivcheck.run import streams
from derivcheck.run.many import Terminated

if TYPE_CHECKING:
    from derivcheck.results import Report

MOST_BYTES_EACH = 4  # per character of UTF-8 (RFC 3629)

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
    """Run; every error becomes one message and one exit status, and is in every report but that of an interruption."""
    try:
        return _run(request)
    except DerivcheckError as error:
        return _refused(request, ExitStatus.USAGE, str(error))
    except Terminated:
        _say("terminated")
        return ExitStatus.TERMINATED
    except KeyboardInterrupt:
        _say("interrupted")
        return ExitStatus.INTERRUPTED
    except Exception as error:
        if request.debug:
            traceback.print_exc()
        hint = "" if request.debug else " (--debug shows where)"
        return _refused(request, ExitStatus.BUG, f"a bug in derivcheck: {type(error).__name__}: {error}{hint}")


def _refused(request: Request, status: ExitStatus, reason: str) -> ExitStatus:
    _say(reason)
    if request.report:
        refusal.deliver(() if request.quiet else request.report, request.suite, status, reason)
    return status


def _say(text: str) -> None:
    """A message on stderr. What users wrote may be in it."""
    typer.echo(f"derivcheck: {escaped(text)}", err=True)


def _run(request: Request) -> ExitStatus:
    from derivcheck.cli import suite as of_suite  # noqa: PLC0415 rich
    from derivcheck.cli.delivery import Deliveries  # noqa: PLC0415 rich

    request.require_shown()
    if request.suite:
        return of_suite.run_suite(request)
    of_suite.refuse_without_suite(request)
    deliveries = Deliveries.open(request, show="all")
    with deliveries.progress():
        result = _check(request)
    deliveries.write(result)
    return result.exit_status


def _check(request: Request) -> "Report":
    """Turn texts into what `check` takes."""
    text = _from_stdin() if request.expression == "-" else request.expression
    if not text.strip():
        raise RequestError("there is no expression", 'Give one: derivcheck "x1**2*sin(x2)" --order 2')
    check = _load_check()
    from derivcheck.problem import OPTIONS, tolerances  # noqa: PLC0415 sympy

    as_they_are = ("order", "dtype", "device", "threads", *(name for name in OPTIONS if name != "tolerances"))
    return check(
        text,
        variables=request.variables or None,
        wrt=request.wrt or None,
        partials=request.partial or None,
        params=dict(map(texts.assignment, request.param)),
        domain=request.domain or "0:1",
        engines=request.engine,
        function=request.function or None,
        tolerances=tolerances(request.rtol, request.atol),
        **{name: getattr(request, name) for name in as_they_are},
    )


def _from_stdin() -> str:
    """What stdin has, up to some characters more than an expression may have, which is enough to refuse it."""
    from derivcheck.expression.scanning import LONGEST  # noqa: PLC0415 sympy

    if sys.stdin is None:
        return ""
    try:
        return sys.stdin.buffer.read(MOST_BYTES_EACH * (LONGEST + 1)).decode(errors="replace")
    except OSError as error:
        raise RequestError(f"stdin cannot be read: {error.strerror}", "Write the expression in quotes.") from None


def _load_check() -> Callable[..., "Report"]:
    """Import what does the work. Each garbage collection among the objects of torch and sympy takes 0.1 s and finds
    nothing, so there is none while they are created, and later ones leave them out."""
    gc.disable()
    from derivcheck.api import check  # noqa: PLC0415 torch

    gc.freeze()
    gc.enable()
    return check


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
    """The entry point of the command. Signals that end it and streams that fail have their own exit statuses."""
    streams.guard()
    sys.stdout, sys.stderr = encodable(sys.stdout), encodable(sys.stderr)
    if os.environ.get("COLUMNS") == "0":  # what some shells set where there is no terminal; rich would print nothing
        del os.environ["COLUMNS"]
    stopped = signals.stop_on_termination()
    try:
        app(args=shielded(sys.argv[1:]), prog_name="derivcheck")
    except SystemExit as end:
        status = end.code
        said = getattr(end.__context__, "format_message", None)  # an option that does not exist: there is no request
        if said:
            refusal.of_command_line(sys.argv[1:], ExitStatus.USAGE, said())
    except Terminated:
        status = ExitStatus.TERMINATED
    sys.exit(_after_streams(ExitStatus.TERMINATED if stopped else status))


def _after_streams(status: Any) -> Any:
    """The exit status, unless the reader of stdout left before the end; a warning if stdout failed in another way."""
    error = streams.lost(sys.stdout)
    if error is not None and streams.is_reader_gone(error):
        status = ExitStatus.READER_GONE
    elif error is not None:
        _say(f"stdout cannot be written: {error.strerror}; the exit status is that of the checks")
    streams.lost(sys.stderr)
    return status
