"""One call of the user's function and its backward passes, one way: what it gives, and what it does beside that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from derivcheck import multi_index
from derivcheck.engines.calling import is_lacking, user_function
from derivcheck.engines.reverse import Tree, powers_of_two, tree
from derivcheck.engines.state import keeping, kept
from derivcheck.errors import DerivcheckError, first_line
from derivcheck.judgement.protocol_ways import ALWAYS, NEVER, TWICE, Way, same
from derivcheck.multi_index import Steps
from derivcheck.tracing.stance import eager

if TYPE_CHECKING:
    from derivcheck.problem import Problem

Function = Callable[..., Tensor]
_draw = lru_cache(maxsize=8)(powers_of_two)  # by seed


class Called(NamedTuple):
    """What one way gave at n points, by the column of the partial: of those that were computed."""

    raw: Mapping[int, Tensor]
    """(n,) partials times their cotangents."""
    scales: Mapping[int, Tensor]
    """(n,) the products of the cotangents, float64 on the CPU."""
    misdeed: str = ""
    """What the call did beside giving numbers, as a sentence: it changed something in place, or raised."""
    blamed: frozenset[int] = frozenset()
    """The partials that this concerns."""

    def values(self, k: int) -> Tensor:
        """(n,) partial k, float64 on the CPU."""
        return self.raw[k].to("cpu", torch.float64) / self.scales[k]


def function_of_inputs(problem: Problem) -> Function:
    """The user's function of the inputs that a call is given: the matrix (n, d), or one (n,) per variable."""
    assert problem.function is not None
    return keeping(problem.function) if problem.takes_matrix else user_function(problem)


def call(problem: Problem, function: Function, way: Way, points: Tensor) -> Called | None:
    """Call the `function` of a problem one way at points (d, n), in their dtype, and differentiate. None where it
    refuses."""
    walk = _Walk(problem, function, way, points)
    try:
        with kept(), torch.set_grad_enabled(way.grad), eager():
            walk.go()
    except DerivcheckError:
        raise
    except Exception as error:
        refuses = way.refusable == "everywhere" or (way.refusable == "forward" and not walk.forward_done)
        if refuses or is_lacking(error):
            return None
        walk.misdeed = f"{way.failure.partition(':')[0]}: it raises {type(error).__name__}: {first_line(error)}"
    return walk.called


class _Walk:
    """One evaluation along the tree of all canonical sequences, depth first."""

    def __init__(self, problem: Problem, function: Function, way: Way, points: Tensor) -> None:
        self.problem, self.way, self.points, self.n = problem, way, points, points.shape[1]
        self.function = function
        self.columns = {
            multi_index.canonical(alpha): k for k, alpha in enumerate(problem.partials) if self._wanted(alpha)
        }
        self.raw: dict[int, Tensor] = {}
        self.scales: dict[int, Tensor] = {}
        self.draw = _draw(problem.seed)
        self.inputs = self._made(points)
        self.misdeed, self.forward_done = "", False

    @property
    def called(self) -> Called:
        """What there is so far. What was changed in place concerns all derivatives; an exception, what is missing."""
        missing = frozenset(self.columns.values()) - self.raw.keys()
        derivatives = frozenset(k for sequence, k in self.columns.items() if sequence)
        return Called(self.raw, self.scales, self.misdeed, missing or derivatives)

    def _wanted(self, alpha: multi_index.MultiIndex) -> bool:
        alone = self.way.only is None or not any(count for j, count in enumerate(alpha) if j != self.way.only)
        return alone and (self.way.grad or not any(alpha))

    def _made(self, points: Tensor) -> list[Tensor]:
        """The inputs: one (n,) per variable, or the matrix (n, d)."""
        if self.problem.takes_matrix:
            matrix = self.way.inputs(points).T
            made = [matrix.contiguous() if self.way.inputs is same else matrix]
        else:
            made = [self.way.inputs(row) for row in points]
        made = [x.requires_grad_(self.way.only in (None, j)) for j, x in enumerate(made)]
        return made if self.way.leaf else [x * 1 for x in made]

    def _value(self, inputs: list[Tensor]) -> Tensor:
        """The value, (n,)."""
        return self.function(*inputs).reshape(self.n)

    def go(self) -> None:
        """Forward once, then backward along every sequence."""
        before = [x.detach().clone() for x in self.inputs]
        value = self._value(self.inputs)
        self.forward_done = True
        if self.way.between:
            self._elsewhere()
        scale = torch.ones(self.n, dtype=torch.float64)
        self._record((), value, scale)
        self._descend((), value, tree([s for s in self.columns if s]), scale)
        self._watch("backward changes the inputs of the function in place", self.inputs, before)

    def _elsewhere(self) -> None:
        """The function and its backward on the points in reverse order."""
        others = self._made(self.points.flip(1))
        value = self._value(others)
        if value.requires_grad:
            torch.autograd.grad(value, others, torch.ones_like(value), allow_unused=True)

    def _descend(self, sequence: Steps, value: Tensor, branches: Tree, scale: Tensor) -> None:
        if not branches:
            return
        level, kept = len(sequence), value.detach().clone()
        v = self.way.vary(self.draw(self.n, level, value.device, value.dtype), level)
        given = v.clone()
        try:
            recorded, onward = self._gradients(value, branches, v)
        except (RuntimeError, NotImplementedError) as error:
            if is_lacking(error):
                return
            raise
        self._watch("backward changes its grad_output in place", [v], [given])
        self._watch("backward changes the result of the function in place", [value.detach()], [kept])
        scale = scale * v.to("cpu", torch.float64)
        for j, known, further in zip(branches, recorded, onward, strict=True):
            self._record((*sequence, j), known, scale)
            self._descend((*sequence, j), further, branches[j], scale)

    def _gradients(self, value: Tensor, branches: Tree, v: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """vᵀ·∂value/∂x_j for every branch j: what is recorded, and what is differentiated further."""
        deeper = any(branches.values())
        if self.way.graph not in (NEVER, TWICE):
            found = self._backward(value, branches, v, deeper or self.way.graph == ALWAYS)
            return found, found
        first = self._backward(value, branches, v, False)
        kept = [g.clone() for g in first]
        again = [-g for g in self._backward(value, branches, -v, deeper)]  # another cotangent: a shared buffer changes
        self._watch("a second backward changes the gradients that the first one returned", first, kept)
        return (kept if self.way.graph == NEVER else again), again

    def _backward(self, value: Tensor, branches: Tree, v: Tensor, create_graph: bool) -> list[Tensor]:
        nothing = torch.zeros_like(value)
        if not value.requires_grad:
            return [nothing] * len(branches)
        matrix = self.problem.takes_matrix
        wanted = self.inputs if matrix else [self.inputs[j] for j in branches]
        found = torch.autograd.grad(value, wanted, v, True, create_graph, allow_unused=True)
        if matrix:
            found = tuple(found[0][:, j] for j in branches) if found[0] is not None else (None,) * len(branches)
        return [nothing if g is None else g for g in found]

    def _record(self, sequence: Steps, value: Tensor, scale: Tensor) -> None:
        k = self.columns.get(sequence)
        if k is not None:
            self.raw[k], self.scales[k] = value.detach().clone(), scale

    def _watch(self, says: str, after: list[Tensor], before: list[Tensor]) -> None:
        if not all(map(_equal, after, before)):
            self.misdeed = self.misdeed or says


def _equal(a: Tensor, b: Tensor) -> bool:
    return torch.equal(a, b) or torch.equal(a.nan_to_num(), b.nan_to_num())
