"""The command line of a suite: which options mean what for many checks at once."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from derivcheck.cli.delivery import Deliveries
from derivcheck.cli.progress import live
from derivcheck.errors import ExitStatus, RequestError
from derivcheck.run.plan import STATE, Plan, carry_out, chosen
from derivcheck.suite import selection

# Options that say how a suite runs, and those that every check of it takes over.
OF_A_SUITE = (
    "suite", "select", "tag", "list", "shard", "fail_fast", "last_failed", "no_functions", "known_ok", "jobs",
    "cluster", "resume",
)  # fmt: skip
OVERRIDES = (
    "order", "layout", "points", "seed", "sampler", "corners", "dtype", "device", "engine", "strict", "max_lost_bits",
    "rtol", "atol", "timeout",
)  # fmt: skip
OF_ONE_CHECK = ("expression", "wrt", "partial", "variables", "param", "domain", "function", "formulas")


def refuse_without_suite(given: Mapping[str, Any]) -> None:
    """An option of a suite means nothing for one expression."""
    for name in OF_A_SUITE:
        if name in given:
            raise RequestError(
                f"--{name.replace('_', '-')} goes with --suite", "Name a suite: --suite derivcheck.toml."
            )


def run(request: Mapping[str, Any], given: Mapping[str, Any]) -> ExitStatus:
    """Choose, run, report. `given` are the options that the command line has, `request` all with their defaults."""
    plan = _plan(request, given)
    checks = chosen(plan)
    if request["list"]:
        typer.echo(selection.listing(checks))
        return ExitStatus.AGREES
    show = request["show"] or "failures"
    deliveries = Deliveries.open(request["report"] or [], show=show, formulas=False, quiet=request["quiet"])
    showing = live(len(checks), quiet=request["quiet"], known_ok=plan.known_ok)
    with deliveries.discarded_on_failure(), showing as listener:
        report = carry_out(plan, checks, listener)
    deliveries.write(report)
    if report.interrupted:
        sys.stderr.write(f"derivcheck: {len(checks) - len(report.checks)} checks were not run; --resume goes on\n")
    return report.exit_status


def _plan(request: Mapping[str, Any], given: Mapping[str, Any]) -> Plan:
    for name in OF_ONE_CHECK:
        if name in given:
            option = "an expression" if name == "expression" else f"--{'vars' if name == 'variables' else name}"
            raise RequestError(
                f"{option} belongs to a single check, not beside --suite", "Write it into the suite file."
            )
    if request["cluster"] and "jobs" in given:
        raise RequestError("--cluster and --jobs exclude each other", "Keep one of them.")
    return Plan(
        suites=request["suite"],
        select=request["select"] or (),
        tags=request["tag"] or (),
        shard=request["shard"],
        functions=not request["no_functions"],
        overrides={name.replace("_", "-"): given[name] for name in OVERRIDES if name in given},
        last_failed=request["last_failed"],
        fail_fast=request["fail_fast"],
        resume=request["resume"],
        known_ok=request["known_ok"],
        jobs=request["jobs"],
        cluster=request["cluster"],
        timing="timing" in given and request["timing"],
        threads=request["threads"],
        journal=_journal(request["report"] or ()),
    )


def _journal(reports: list[str] | tuple[str, ...]) -> Path:
    """Beside the first report file, so that runs with different reports do not meet."""
    files = [text.partition("=")[2] for text in reports if text.partition("=")[2]]
    return Path(f"{files[0]}.jsonl") if files else STATE
