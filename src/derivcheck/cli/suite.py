"""The command line of a suite: what the options mean for many checks at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from derivcheck.cli.delivery import Deliveries, journal_of
from derivcheck.cli.preflight import require_engines
from derivcheck.cli.progress import live
from derivcheck.cli.request import Request, option
from derivcheck.errors import ExitStatus, RequestError, escaped
from derivcheck.run import streams
from derivcheck.run.journal import STATE
from derivcheck.run.plan import Plan, carry_out, chosen
from derivcheck.suite import selection

if TYPE_CHECKING:
    from derivcheck.problem import Check

# Options that replace the keys of its checks, and those that need a single check.
OVERRIDES = (
    "order", "layout", "points", "seed", "sampler", "corners", "dtype", "device", "engine", "strict", "control",
    "max_lost_bits", "rtol", "atol", "timeout",
)  # fmt: skip
OF_ONE_CHECK = (
    "expression", "wrt", "partial", "variables", "param", "domain", "function", "reference", "shape",
    "field", "net", "call",
    "operator", "training",
    "formulas",
)  # fmt: skip


def run_suite(request: Request) -> ExitStatus:
    """Choose the checks, run them, report them."""
    _refuse_with_suite(request)
    if "engine" in request.given:
        require_engines(request.engine)
    plan = _plan(request)
    say = _silent if request.quiet else streams.say
    checks = chosen(plan, say)
    if request.list:
        return _listed(checks)
    deliveries = Deliveries.open(request, show="failures")
    showing = live(len(checks), quiet=request.quiet, known_ok=request.known_ok)
    with showing as listener:
        report = carry_out(plan, checks, listener, say)
    deliveries.write(report)
    if report.interrupted:
        left = len(checks) - len(report.checks)
        were = "check was" if left == 1 else "checks were"
        streams.say(f"{left} {were} not run; --resume continues")
    return report.exit_status


def _listed(checks: Sequence[Check]) -> ExitStatus:
    """--list. Mistakes of entries are shown too."""
    typer.echo(escaped(selection.listing(checks)))
    wrong = [check.error for check in checks if check.error]
    for error in wrong:
        streams.say(error)
    return ExitStatus.USAGE if wrong else ExitStatus.AGREES


def _silent(text: str) -> None:
    """--quiet."""


def _refuse_with_suite(request: Request) -> None:
    for name in OF_ONE_CHECK:
        if name in request.given:
            raise RequestError(
                f"{option(name)} belongs to a single check, not beside --suite", "Write it into the suite file."
            )
    if request.cluster and "jobs" in request.given:
        raise RequestError("--cluster and --jobs exclude each other", "Keep one of them.")


def _plan(request: Request) -> Plan:
    return Plan(
        suites=request.suite,
        select=request.select,
        tags=request.tag,
        shard=request.shard,
        functions=not request.no_functions,
        overrides={name.replace("_", "-"): _as_in_toml(request, name) for name in OVERRIDES if name in request.given},
        last_failed=request.last_failed,
        fail_fast=request.fail_fast,
        resume=request.resume,
        known_ok=request.known_ok,
        jobs=request.jobs,
        cluster=request.cluster,
        timing="timing" in request.given and request.timing,
        threads=request.threads,
        journal=journal_of(request.report) or STATE,
    )


def _as_in_toml(request: Request, name: str) -> Any:
    """The value of an option as a suite file would have it."""
    value = getattr(request, name)
    return list(value) if isinstance(value, tuple) else value
