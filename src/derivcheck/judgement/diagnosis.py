"""Why a partial is wrong: the same point again under one changed condition, until one explains it.

Each question is one more evaluation at a handful of points: is it right for a constant cotangent? along another
sequence of differentiations? in float64? does an intermediate result leave the range of the dtype?
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from derivcheck import multi_index
from derivcheck.engines import reverse
from derivcheck.engines.calling import is_marked_once, point_function
from derivcheck.judgement.bound import Judged
from derivcheck.judgement.judge import Judge
from derivcheck.judgement.protocol_calls import call, function_of_inputs
from derivcheck.judgement.protocol_ways import WITH_GRAPH, WITHOUT_GRAPH, Way
from derivcheck.judgement.watch import watch
from derivcheck.multi_index import MultiIndex
from derivcheck.outcomes import Cause
from derivcheck.sampling.points import on_device, placed
from derivcheck.tracing.stance import eager, may_be_compiled


@dataclass(frozen=True)
class Suspect:
    """Partial k of a problem at some points where it fails."""

    judge: Judge
    k: int
    judged: Judged
    """Its failing points alone, the worst first."""
    cut: bool
    """Whether autograd found no graph."""

    @property
    def order(self) -> int:
        return sum(self.alpha)

    @property
    def alpha(self) -> MultiIndex:
        return self.judge.problem.partials[self.k]

    @property
    def points(self) -> Tensor:
        """(d, p) float64."""
        return self.judged.points.columns

    @property
    def values(self) -> Tensor:
        """(p,) what is wrong."""
        return self.judged.values[:, self.k]

    def again(self, points: Tensor) -> Tensor:
        """(p,) the partial by the engine, in the dtype of the points."""
        return self.judge.values(points)[:, self.k]

    def along(self, sequence: tuple[int, ...], cotangent: reverse.Cotangent | None = None) -> Tensor:
        """(p,) the partial by another sequence or with another cotangent."""
        return self.judge.along([sequence], cotangent).values(self.points.to(self.judge.dtype))[:, 0]

    def within(self, values: Tensor) -> bool:
        """Whether values (p,) are within the bound at all points."""
        error = self.judged.exact.at(slice(None), [self.k]).error(values.unsqueeze(1))
        return bool((error <= self.judged.bound[:, self.k : self.k + 1]).all())


def diagnose(suspect: Suspect) -> tuple[Cause, str]:
    """The first cause that explains the failure, and what is known of it."""
    for question in (
        _compiled, _value, _non_finite, _once, _cut, _cotangent, _graph, _asymmetric, _range, _precision,
    ):  # fmt: skip
        answer = question(suspect)
        if answer is not None:
            return answer
    return Cause.FORMULA, ""


def _compiled(suspect: Suspect) -> tuple[Cause, str] | None:
    """Whether the Python that torch.compile compiled is right."""
    if not may_be_compiled() or suspect.judge.problem.function is None:
        return None
    with eager():
        right = suspect.within(suspect.again(suspect.points.to(suspect.judge.dtype)))
    return (Cause.FORMULA if suspect.order else Cause.VALUE, "right without torch.compile") if right else None


def _value(suspect: Suspect) -> tuple[Cause, str] | None:
    return (Cause.VALUE, "") if suspect.order == 0 and bool(torch.isfinite(suspect.values).all()) else None


def _non_finite(suspect: Suspect) -> tuple[Cause, str] | None:
    broken = ~torch.isfinite(suspect.values)
    if not bool(broken.any()):
        return None
    problem, point = suspect.judge.problem, suspect.points[:, broken][:, :1].to(suspect.judge.dtype)
    trace = watch(suspect.again, point)
    function = watch(lambda p: point_function(problem)(*placed(problem, p)), point)
    if suspect.order > 0 and "where" in function.operations:
        reason = "torch.where sends NaN through the branch not taken: clean its input with a second where"
        return Cause.NON_FINITE, reason
    return Cause.NON_FINITE, trace.sentence


def _once(suspect: Suspect) -> tuple[Cause, str] | None:
    """Whether a backward on the way is marked @once_differentiable, so that its result is a constant to autograd."""
    problem = suspect.judge.problem
    if problem.function is None or suspect.order < 2:
        return None
    columns = on_device(problem, suspect.points[:, :1].to(suspect.judge.dtype))
    marked = is_marked_once(point_function(problem), columns, multi_index.canonical(suspect.alpha)[:-1])
    return (Cause.CUT, "here by a backward that is marked @once_differentiable") if marked else None


def _cut(suspect: Suspect) -> tuple[Cause, str] | None:
    return (Cause.CUT, "") if suspect.cut else None


def _cotangent(suspect: Suspect) -> tuple[Cause, str] | None:
    if suspect.judge.problem.engine != "reverse" or suspect.order == 0:
        return None
    with_ones = suspect.along(multi_index.canonical(suspect.alpha), reverse.ones)
    if not suspect.within(with_ones):
        return None
    return Cause.PROTOCOL, "right for a constant grad_output only: the backward ignores it, or mixes points"


def _graph(suspect: Suspect) -> tuple[Cause, str] | None:
    """Whether it is right with create_graph where it was computed without, or the reverse."""
    problem = suspect.judge.problem
    if problem.engine != "reverse" or problem.function is None or suspect.order == 0:
        return None
    with_graph, without = (_is_right(suspect, way) for way in (WITH_GRAPH, WITHOUT_GRAPH))
    if with_graph == without:
        return None
    return Cause.PROTOCOL, (WITHOUT_GRAPH if with_graph else WITH_GRAPH).failure


def _is_right(suspect: Suspect, way: Way) -> bool:
    problem = suspect.judge.problem
    called = call(problem, function_of_inputs(problem), way, on_device(problem, suspect.points))
    return called is not None and suspect.k in called.raw and suspect.within(called.values(suspect.k))


def _asymmetric(suspect: Suspect) -> tuple[Cause, str] | None:
    if suspect.judge.problem.engine != "reverse":
        return None
    for sequence in multi_index.sequences(suspect.alpha)[1:]:
        if suspect.within(suspect.along(sequence)):
            by = ", ".join(suspect.judge.problem.variables[j] for j in sequence)
            return Cause.ASYMMETRIC, f"differentiating by {by} is right"
    return None


def _range(suspect: Suspect) -> tuple[Cause, str] | None:
    trace = watch(suspect.again, suspect.points[:, :1].to(suspect.judge.dtype))
    return (Cause.RANGE, trace.sentence) if trace.left_range else None


def _precision(suspect: Suspect) -> tuple[Cause, str] | None:
    if suspect.judge.dtype == torch.float64:
        return None
    try:
        right = suspect.within(suspect.again(suspect.points))
    except (RuntimeError, TypeError, ValueError):
        return None
    return (Cause.PRECISION, "") if right else None
