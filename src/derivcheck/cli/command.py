"""The command line: one command, no subcommands. Reads the request, passes it to `check`, prints, exits.

Nothing heavy is imported before it is needed: `--help` must not wait a second for torch.
"""

import os
import sys
import time
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from derivcheck.cli import options as o
from derivcheck.cli import refusal, signals
from derivcheck.cli.arguments import Command
from derivcheck.cli.collection import nothing_collected
from derivcheck.cli.project import PROJECT, has_suite
from derivcheck.cli.request import Request
from derivcheck.errors import DerivcheckError, ExitStatus, RequestError
from derivcheck.expression import texts
from derivcheck.expression.reading import read
from derivcheck.expression.scanning import LONGEST, require_short, scan
from derivcheck.reports.encoding import encodable
from derivcheck.run import streams
from derivcheck.run.many import Terminated

if TYPE_CHECKING:
    from derivcheck.results import Report

MOST_BYTES_EACH = 4  # per character of UTF-8 (RFC 3629)

app = typer.Typer(
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command(cls=Command, epilog=o.EXITS)
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
    reference: o.Reference = "",
    shape: o.Shape = None,
    field: o.Field = None,
    net: o.Net = "",
    call: o.Call = "",
    operator: o.Operator = "",
    training: o.Training = True,
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
        streams.say("terminated")
        return ExitStatus.TERMINATED
    except KeyboardInterrupt:
        streams.say("interrupted")
        return ExitStatus.INTERRUPTED
    except Exception as error:
        if request.debug:
            traceback.print_exc()
        hint = "" if request.debug else " (--debug shows where)"
        return _refused(request, ExitStatus.BUG, f"a bug in derivcheck: {type(error).__name__}: {error}{hint}")


def _refused(request: Request, status: ExitStatus, reason: str) -> ExitStatus:
    streams.say(reason)
    reports = [text for text in request.report if "=" in text or not request.quiet]
    if reports:
        refusal.deliver(reports, request.suite, status, reason)
    return status


def _run(request: Request) -> ExitStatus:
    request.require_shown()
    if not request.given & {"expression", "function", "suite"} and has_suite(PROJECT):
        request = replace(request, suite=(PROJECT,), given=request.given | {"suite"})
        if not request.quiet:
            streams.say(f"the checks of {PROJECT}")
    if request.suite:
        from derivcheck.cli.suite import run_suite  # noqa: PLC0415 sympy

        return run_suite(request)
    request.refuse_options_of_suites()
    from derivcheck.cli.delivery import Deliveries  # noqa: PLC0415 rich

    deliveries = Deliveries.open(request, show="")
    with deliveries.progress():
        result = _check(request)
    deliveries.write(result)
    return result.exit_status


def _check(request: Request) -> "Report":
    """Turn texts into what `check` takes. Whatever is wrong with them is said before torch is imported."""
    started = time.monotonic()
    text = _from_stdin() if request.expression == "-" else request.expression
    has_code = bool(request.function) and request.expression != "-"
    if not text.strip() and not has_code:
        cause = "--reference goes with --function" if request.reference else "there is no expression"
        raise RequestError(cause, texts.NOTHING_TO_CHECK)
    expression = text if text.strip() else None
    if expression is not None:
        _scanned(expression, parts=bool(request.field or request.net or request.call or request.operator))
    if request.function or request.timeout is not None:
        from derivcheck.run.pool import start_server  # noqa: PLC0415 multiprocessing

        start_server()  # which imports torch while sympy is imported here
    with nothing_collected():
        from derivcheck.cli import apart, preflight  # noqa: PLC0415 sympy, multiprocessing
    arguments = _arguments(request)
    problem = preflight.require_sound(expression, arguments)
    for note in preflight.notes(text, problem, [*request.variables, *arguments["params"]]) if not request.quiet else ():
        streams.say(note)
    return apart.checked(expression, arguments, started)


def _scanned(text: str, parts: bool) -> None:
    """Most typos are seen by a look at the text, for which not even sympy is needed. Equations are read in `parts`."""
    text = text.strip()
    require_short(text)
    if not parts:
        scan(read(text))


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
        "shape": request.shape or None,
        "fields": request.field or None,
        **{name: getattr(request, name) or None for name in ("net", "call", "operator")},
        "training": request.training,
        "engines": request.engine,
        "function": request.function or None,
        "reference": request.reference or None,
        "tolerances": tolerances(request.rtol, request.atol),
        **{name: getattr(request, name) for name in as_they_are},
    }


def _from_stdin() -> str:
    """What stdin has, up to some characters more than an expression may have, which is enough to refuse it."""
    if sys.stdin is None:
        return ""
    try:
        return sys.stdin.buffer.read(MOST_BYTES_EACH * (LONGEST + 1)).decode(errors="replace")
    except OSError as error:
        raise RequestError(f"stdin cannot be read: {error.strerror}", "Write the expression in quotes.") from None


def main() -> NoReturn:
    """The entry point of the command. Signals that end it and streams that fail have their own exit statuses."""
    streams.guard()
    sys.stdout, sys.stderr = encodable(sys.stdout), encodable(sys.stderr)
    if os.environ.get("COLUMNS") == "0":  # what some shells set where there is no terminal; rich would print nothing
        del os.environ["COLUMNS"]
    stopped = signals.stop_on_termination()
    try:
        app(prog_name="derivcheck")
    except SystemExit as end:
        status = end.code
    except Terminated:
        status = ExitStatus.TERMINATED
    sys.exit(_after_streams(ExitStatus.TERMINATED if stopped else status))


def _after_streams(status: Any) -> Any:
    """The exit status, unless the reader of stdout left before the end; a warning if stdout failed in another way."""
    error = streams.lost(sys.stdout)
    if error is not None and streams.is_reader_gone(error):
        status = ExitStatus.READER_GONE
    elif error is not None:
        streams.say(f"stdout cannot be written: {error.strerror}; the exit status is that of the checks")
    streams.lost(sys.stderr)
    return status
