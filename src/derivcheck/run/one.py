"""One check, by each of its engines, from the formula to the rows of its report: the task of a worker."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from derivcheck.choices import ALL
from derivcheck.engines import examination, loading, state
from derivcheck.engines.registry import names as engine_names
from derivcheck.errors import DerivcheckError, RequestError, TimedOut, Unsupported, message
from derivcheck.exact.referees import Referees
from derivcheck.judgement import rows
from derivcheck.judgement.evidence import collect
from derivcheck.outcomes import Verdict
from derivcheck.results import CheckResult, Limits, PartialResult, Seconds
from derivcheck.run import devices, residuals
from derivcheck.run.outputs import added, outputs
from derivcheck.run.times import times
from derivcheck.run.truth import recovered, truth
from derivcheck.symbolic.differentiation import symbolic_of
from derivcheck.symbolic.kinks import switches

if TYPE_CHECKING:
    from derivcheck.multi_index import MultiIndex
    from derivcheck.problem import Check, Problem


@dataclass(frozen=True)
class Found:
    """The rows of one problem by one engine, in the order of its partials, and what they cost."""

    rows: tuple[PartialResult, ...]
    seconds: Seconds


@state.standard()
def run_check(check: Check) -> CheckResult:
    """Run it. Raises `DerivcheckError` if the request is wrong: a function does not load, a device is missing."""
    if check.skip or check.error:
        return result(check, {}, {})
    timeout = check.problem.timeout
    deadline = None if timeout is None else time.monotonic() + timeout
    problems, findings = _problems(replace(_prepared(check), deadline=deadline))
    begun = [_begun(problem) for problem in problems]
    every = check.engines == (ALL,)
    names = engine_names() if every else check.engines
    found = {name: _together([by_engine(replace(p, engine=name), referees) for p, referees in begun]) for name in names}
    unable = _unable(found) if every else {}
    kept = {name: f for name, f in found.items() if name not in unable}
    computes = findings.computes or tuple(text for problem, _ in begun for text in recovered(problem))
    found_of_code = {**vars(findings), "computes": computes, "device": begun[0][0].device}
    return replace(result(check, kept, unable), **found_of_code)


def _problems(problem: Problem) -> tuple[Sequence[Problem], residuals.Findings]:
    """One per output of the function."""
    if problem.residual is None:
        return outputs(problem), residuals.Findings()
    return residuals.begun(problem)


def _together(found: Sequence[Found]) -> Found:
    """What was found of each output, as one."""
    return Found(tuple(row for one in found for row in one.rows), added([one.seconds for one in found]))


def safe_check(check: Check) -> CheckResult:
    """Run it; whatever goes wrong becomes a result that says so."""
    try:
        return run_check(check)
    except RequestError as error:
        return result(replace(check, error=str(error)), {}, {})
    except DerivcheckError as error:
        return lost(check, str(error))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return lost(check, f"{type(error).__name__}: {message(error)}")


def _prepared(check: Check) -> Problem:
    """The problem with its function loaded, on a device of this machine."""
    problem = replace(check.problem, device=devices.resolve(check.problem.device))
    devices.require_dtype(problem.device, problem.dtype)
    if problem.function is None and problem.function_name and problem.residual is None:
        problem = replace(problem, function=loading.load(problem.function_name))
    if problem.reference is None and problem.reference_name:
        problem = replace(problem, reference=loading.load(problem.reference_name, "--reference"))
    has_code = problem.function is not None or problem.reference is not None
    state.set_default_dtype(for_function=has_code)  # after the import, which may have set another
    return problem


def _begun(problem: Problem) -> tuple[Problem, Referees | None]:
    """The problem with the graph of its formula, which grows while it is checked, and its referees. Both belong to this
    check alone, so that checks in other threads, and those before it, change none of its rows."""
    try:
        if isinstance(problem.symbolic, Unsupported):
            raise problem.symbolic
        symbolic = truth(problem)
    except Unsupported as reason:
        return replace(problem, symbolic=reason), None  # the symbolic stage says so, in every row
    return replace(problem, symbolic=symbolic), Referees(symbolic)


def _unable(found: Mapping[str, Found]) -> dict[str, str]:
    """The engines that cannot compute some partial, and why. If none can compute all, the first one stays."""
    lacking = {
        name: next(row.message for row in f.rows if row.verdict is Verdict.UNSUPPORTED)
        for name, f in found.items()
        if any(row.verdict is Verdict.UNSUPPORTED for row in f.rows)
    }
    if len(lacking) == len(found):
        del lacking[next(iter(found))]
    return lacking


def result(check: Check, found: Mapping[str, Found], unable: Mapping[str, str]) -> CheckResult:
    """What the engines found, as the result of the check."""
    problem = check.problem
    return CheckResult(
        name=check.name,
        expression=problem.expression,
        function=problem.function_name,
        reference=problem.reference_name,
        variables=problem.coordinates,
        domain=dict(zip(problem.coordinates, problem.domain, strict=False)),
        points=problem.points,
        seed=problem.seed,
        dtype=problem.dtype,
        device=problem.device,
        seconds=next((f.seconds for f in found.values()), Seconds()),
        partials=tuple(row for f in found.values() for row in f.rows),
        limits=Limits(problem.strict, problem.max_lost_bits),
        engines={name: f.seconds for name, f in found.items()},
        unable=unable,
        **check.listing,
    )


def lost(check: Check, reason: str) -> CheckResult:
    """The result of a check that did not finish: every partial is undecided."""
    problem = replace(check.problem, engine=check.engines[0])
    found = Found(tuple(rows.lost(problem, alpha, reason) for alpha in problem.partials), Seconds())
    return result(check, {check.engines[0]: found}, {})


def by_engine(problem: Problem, referees: Referees | None) -> Found:
    """Check one problem by its engine. The engines of a check share its referees, which are None without a formula."""
    start = time.perf_counter()
    found = _symbolic_stage(problem)
    seconds = Seconds(prepare=time.perf_counter() - start)
    able = replace(problem, partials=tuple(alpha for alpha in problem.partials if alpha not in found))
    if referees is not None and able.partials:
        judged, seconds = _guarded_stage(able, referees, seconds)
        found |= judged
    seconds = replace(seconds, total=time.perf_counter() - start)
    return Found(tuple(found[alpha] for alpha in problem.partials), seconds)


def _symbolic_stage(problem: Problem) -> dict[MultiIndex, PartialResult]:
    """Differentiate symbolically. Returns the rows of partials that have no formula, or no formula in time."""
    done: dict[MultiIndex, PartialResult] = {}
    for alpha in problem.partials:
        try:
            symbolic_of(problem).partial(alpha, problem.deadline)
        except Unsupported as reason:
            done[alpha] = rows.unsupported(problem, alpha, str(reason))
        except TimedOut as reason:
            done[alpha] = rows.late(problem, alpha, str(reason))
    return done


def _guarded_stage(
    problem: Problem, referees: Referees, seconds: Seconds
) -> tuple[dict[MultiIndex, PartialResult], Seconds]:
    """The numeric stage; whatever the user's function raises, even SystemExit, is its failure, with its frames."""
    try:
        return _numeric_stage(problem, referees, seconds)
    except BaseException as error:
        failure = examination.failure(problem, error)
        if failure is None:
            raise
        raise failure from None


def _numeric_stage(
    problem: Problem, referees: Referees, seconds: Seconds
) -> tuple[dict[MultiIndex, PartialResult], Seconds]:
    """Compute, referee, time and judge the partials that have a formula."""
    try:
        evidence = collect(problem, referees, switches(referees.symbolic))
    except Unsupported as reason:
        return {alpha: rows.unsupported(problem, alpha, str(reason)) for alpha in problem.partials}, seconds
    except TimedOut as reason:
        return {alpha: rows.late(problem, alpha, str(reason)) for alpha in problem.partials}, seconds
    together, each = times(evidence)
    found = {alpha: rows.judged_row(evidence, k, each[k]) for k, alpha in enumerate(problem.partials)}
    spent = replace(
        seconds,
        prepare=seconds.prepare + evidence.prepare_seconds,
        autograd=together[0].median,
        autograd_min=together[0].minimum,
        sympy=together[1].median,
        sympy_min=together[1].minimum,
        referee=evidence.referee_seconds,
    )
    return found, spent
