"""From suite files to a report: choose the checks, run them, and keep a journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derivcheck.run import streams
from derivcheck.run.executors import executor, needs_worker, stopping_on_sigterm
from derivcheck.run.journal import STATE, Journal, Say, read
from derivcheck.run.many import Run
from derivcheck.run.pool import share, start_server
from derivcheck.run.worker import Named
from derivcheck.suite import selection

if TYPE_CHECKING:
    from derivcheck.problem import Check
    from derivcheck.results import Report
    from derivcheck.run.many import Listener


@dataclass(frozen=True)
class Plan:
    """Which checks of which suites to run, and how."""

    suites: Sequence[str]
    select: Sequence[str] = ()
    tags: Sequence[str] = ()
    shard: str = ""
    functions: bool = True
    overrides: Mapping[str, Any] = field(default_factory=dict)
    """Keys of a check that the command line sets for all checks."""
    last_failed: bool = False
    fail_fast: bool = False
    resume: bool = False
    known_ok: bool = False
    jobs: int = 1
    cluster: str = ""
    timing: bool = False
    threads: int | None = None
    journal: Path = STATE

    @property
    def is_parallel(self) -> bool:
        """Whether all checks are computed by other processes."""
        return self.jobs > 1 or bool(self.cluster)


def chosen(plan: Plan, say: Say = streams.say) -> tuple[Check, ...]:
    """The checks of the plan, in order. Raises `RequestError` with everything that is wrong, before anything runs."""
    from derivcheck.suite import loader  # noqa: PLC0415 sympy

    checks = [c for s in plan.suites for c in loader.load(s, functions=plan.functions, overrides=plan.overrides)]
    found = selection.tagged(selection.select(_untimed(checks, plan), plan.select), plan.tags)
    if plan.last_failed:
        found = _failed_last(found, plan, say)
    return selection.shard(found, plan.shard) if plan.shard else found


def _untimed(checks: Sequence[Check], plan: Plan) -> Sequence[Check]:
    """Measuring times costs more than a small check, so it is done only on request."""
    return [replace(check, problem=replace(check.problem, timing=plan.timing)) for check in checks]


def _failed_last(checks: Sequence[Check], plan: Plan, say: Say) -> tuple[Check, ...]:
    """The checks that failed or were left open by the last run, or all if there is no such check. They count by name:
    a function that was repaired since is the reason to ask."""
    last = read(plan.journal)
    if last.unusable:
        say(f"--last-failed: {last.unusable}; all checks are run")
    needing = (r for r in last.results.values() if r.outcome.needs_attention(known_ok=plan.known_ok))
    failed = {(result.source, result.name) for result in needing}
    return tuple(check for check in checks if (check.source, check.name) in failed) or tuple(checks)


def carry_out(plan: Plan, checks: Sequence[Check], listener: Listener | None = None, say: Say = streams.say) -> Report:
    """Run the chosen checks, and write each result to the journal as it comes in. Only processes that compute import
    torch."""
    journal = Journal(plan.journal, checks, resume=plan.resume, say=say, threads=plan.threads)
    if plan.is_parallel or any(map(needs_worker, checks)):
        start_server()
    task, lost = Named("derivcheck.run.one", "safe_check"), Named("derivcheck.run.one", "lost")
    run = Run(checks, task, lost, journal=journal, listener=listener, fail_fast=plan.fail_fast, known_ok=plan.known_ok)
    try:
        report = _reported(plan, run)
        if not report.interrupted:
            journal.finish()
        return report
    finally:
        journal.close()


def _reported(plan: Plan, run: Run) -> Report:
    """Run the checks where the plan says: those that need no worker are computed here if there is a single job."""
    from derivcheck.run.report import reported, torch_threads  # noqa: PLC0415 sympy

    here = not plan.is_parallel and not all(map(needs_worker, run.checks))
    with (
        stopping_on_sigterm(),
        torch_threads(plan.threads if here else None),
        executor(plan.jobs, plan.cluster, plan.threads) as chosen_executor,
    ):
        apart = None if plan.is_parallel else needs_worker
        threads = None if here or plan.cluster else share(plan.jobs, plan.threads)
        return reported(run, chosen_executor, apart=apart, threads=threads)
