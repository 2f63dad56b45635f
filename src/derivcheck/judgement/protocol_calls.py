"""Ways of calling a function and its backward that must all give the same derivative.

Each way changes one thing in the plain call, which the verdict is based on: new contiguous leaves, cotangents ±2^k, a
graph only where it is differentiated again. No points at all are not tried: there is no derivative to compare, and
torch 2.13.0 ends the process in some kernels (`torch._weight_norm` divides by zero, SIGFPE).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from derivcheck import multi_index
from derivcheck.engines.calling import lacking, user_function
from derivcheck.engines.reverse import Sequence_, Tree, powers_of_two, tree
from derivcheck.errors import DerivcheckError
from derivcheck.judgement.operations import eager

if TYPE_CHECKING:
    from derivcheck.problem import Problem

POINTS = 32  # at once: some of the worst and some random ones; even, so that 7 and 1 are the odd numbers
SCALE = {torch.float16: 4}  # log2 of the size of a large cotangent; 2^20 is beyond what float16 holds
WIDEST = 20
ALWAYS, NEVER, TWICE = "always", "never", "twice"

Arrange = Callable[[Tensor], Tensor]  # (..., n) -> the same numbers, laid out differently
Vary = Callable[[Tensor, int], Tensor]  # cotangent ±2^k (n,), level of differentiation -> another one (n,)

_draw = cache(powers_of_two)  # by seed


def _same(numbers: Tensor) -> Tensor:
    return numbers.clone()


def _strided(numbers: Tensor) -> Tensor:
    """Every other element of a storage that holds NaN in between."""
    base = numbers.new_full((*numbers.shape[:-1], 2 * numbers.shape[-1]), torch.nan)
    base[..., 1::2] = numbers
    return base[..., 1::2]


def _expanded(numbers: Tensor) -> Tensor:
    """Copies of the first point, all at one place of the storage."""
    return numbers[..., :1].clone().expand(numbers.shape)


def _mantissas(v: Tensor, level: int) -> Tensor:
    """Full mantissas of either sign, so close to 1 that no product of them leaves the range."""
    generator = torch.Generator().manual_seed(level)
    fractions = torch.rand(len(v), generator=generator, dtype=torch.float64)
    return (v.sign().double().cpu() * (0.7 + 0.7 * fractions)).to(v.dtype).to(v.device)


def _scaled(sign: int) -> Vary:
    """Larger by 2^20 at even levels and smaller by it at odd ones, or the reverse: the product stays in the range."""
    return lambda v, level: v * 2.0 ** (sign * SCALE.get(v.dtype, WIDEST) * (-1) ** level)


def _zeros(v: Tensor, level: int) -> Tensor:
    """A quarter of the entries is 0, others at each of the first two levels."""
    return torch.where(torch.arange(len(v), device=v.device) % 4 == level + 1, 0.0, v) if level < 2 else v


@dataclass(frozen=True)
class Way:
    """One way of calling; the defaults are the plain call."""

    failure: str
    """What is said if this way alone gives another derivative."""
    inputs: Arrange = _same
    leaf: bool = True
    """Whether the inputs are leaves of the graph, not results of an operation."""
    vary: Vary = lambda v, level: v.clone()
    graph: str = ""
    """`create_graph`: as needed, always, or never for what is recorded; or a second backward is recorded."""
    single: bool = False
    """Whether all inputs are one point."""
    only: int | None = None
    """The variable that alone requires grad."""
    between: bool = False
    """Whether the function and its backward run on other points between this forward and this backward."""
    grad: bool = True
    """Whether grad is enabled; without it there are only values."""
    count: int = POINTS
    scaled: bool = False
    """Whether the cotangents have another size, so that an intermediate result may leave the range."""
    refusable: str = ""
    """Where an exception is a legitimate refusal and no failure: `forward`, `everywhere`, or nowhere."""

    @property
    def of_backward(self) -> bool:
        """Whether it differs from the plain call in the backward pass alone."""
        return self.grad and self.count == POINTS and self.inputs is _same


PLAIN = Way(f"wrong for {POINTS} points: it depends on their number", refusable="everywhere")
WITH_GRAPH = Way("wrong with create_graph=True, right without", graph=ALWAYS)
WITHOUT_GRAPH = Way("wrong without create_graph, right with it", graph=NEVER)
WAYS = (
    Way("wrong unless grad_output is a power of two: it is rounded, or compared with something", vary=_mantissas,
        scaled=True),
    Way("wrong for a large grad_output: it is clipped, or overflows", vary=_scaled(1), scaled=True),
    Way("wrong for a small grad_output: it is cut off, or underflows", vary=_scaled(-1), scaled=True),
    Way("wrong if some entries of grad_output are 0", vary=_zeros),
    Way("wrong for a strided grad_output: read as if it were contiguous", vary=lambda v, level: _strided(v)),
    Way("wrong for the grad_output of .sum().backward(): ones, expanded with stride 0",
        vary=lambda v, level: v.new_ones(1).expand(len(v))),
    WITH_GRAPH,
    WITHOUT_GRAPH,
    Way("wrong in a second backward on the same graph", graph=TWICE),
    Way("wrong if the function is called again before its backward: it keeps state outside of ctx", between=True),
    Way("wrong for inputs that are results of an operation, not leaves", leaf=False),
    Way("wrong for strided inputs: read as if they were contiguous", inputs=_strided, refusable="forward"),
    Way("wrong for expanded inputs, with stride 0", inputs=_expanded, single=True,
        refusable="forward"),
    Way("wrong for 7 points: it depends on their number", count=7, refusable="forward"),
    Way("wrong for a single point: it depends on their number", count=1, refusable="forward"),
    Way("its value is another under torch.no_grad()", grad=False, refusable="everywhere"),
)  # fmt: skip


def ways(problem: Problem) -> Iterator[Way]:
    """Those that apply to a problem: without derivatives nothing runs backward, and a matrix is a single input."""
    yield from (way for way in WAYS if problem.order or not way.of_backward)
    if problem.layout == "columns" and len(problem.variables) > 1:
        for j in problem.places:
            name = problem.variables[j]
            yield Way(f"wrong if {name} is the only input that requires grad", only=j)


class Called(NamedTuple):
    """What one way gave at n points, by the column of the partial: of those that were computed."""

    raw: Mapping[int, Tensor]
    """(n,) partials times their cotangents."""
    scales: Mapping[int, Tensor]
    """(n,) the products of the cotangents, float64."""
    misdeed: str = ""
    """What the call did beside giving numbers, as a sentence: it changed something in place, or raised."""
    blamed: frozenset[int] = frozenset()
    """The partials that this concerns."""

    def values(self, k: int) -> Tensor:
        """(n,) partial k, float64 on the CPU."""
        return self.raw[k].double().cpu() / self.scales[k].cpu()


def call(problem: Problem, way: Way, points: Tensor) -> Called | None:
    """Call the user's function one way at points (d, n), in their dtype, and differentiate. None where it refuses."""
    walk = _Walk(problem, way, points)
    try:
        with torch.set_grad_enabled(way.grad), eager():
            walk.go()
    except DerivcheckError:
        raise
    except Exception as error:
        refuses = way.refusable == "everywhere" or (way.refusable == "forward" and not walk.forward_done)
        if refuses or lacking(error):
            return None
        said = next(iter(str(error).splitlines()), "")
        walk.misdeed = f"{way.failure.partition(':')[0]}: it raises {type(error).__name__}: {said}"
    return walk.called


class _Walk:
    """One evaluation along the tree of all canonical sequences, depth first."""

    def __init__(self, problem: Problem, way: Way, points: Tensor) -> None:
        self.problem, self.way, self.points, self.n = problem, way, points, points.shape[1]
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
        if self.problem.layout == "matrix":
            matrix = self.way.inputs(points).T
            made = [matrix.contiguous() if self.way.inputs is _same else matrix]
        else:
            made = [self.way.inputs(row) for row in points]
        made = [x.requires_grad_(self.way.only in (None, j)) for j, x in enumerate(made)]
        return made if self.way.leaf else [x * 1 for x in made]

    def _function(self, inputs: list[Tensor]) -> Tensor:
        """The value, (n,)."""
        matrix = self.problem.layout == "matrix"
        function = self.problem.function if matrix else user_function(self.problem)
        result: Tensor = function(*inputs)  # type: ignore[misc]
        if result.numel() != self.n:
            self.misdeed = f"returns {result.numel()} number(s) for {self.n} point(s)"
        return result.reshape(self.n)

    def go(self) -> None:
        """Forward once, then backward along every sequence."""
        before = [x.detach().clone() for x in self.inputs]
        value = self._function(self.inputs)
        self.forward_done = True
        if self.way.between:
            self._elsewhere()
        scale = torch.ones(self.n, dtype=torch.float64, device=value.device)
        self._record((), value, scale)
        self._descend((), value, tree([s for s in self.columns if s]), scale)
        self._watch("backward changes the inputs of the function in place", self.inputs, before)

    def _elsewhere(self) -> None:
        """The function and its backward on the points in reverse order."""
        others = self._made(self.points.flip(1))
        value = self._function(others)
        if value.requires_grad:
            torch.autograd.grad(value, others, torch.ones_like(value), allow_unused=True)

    def _descend(self, sequence: Sequence_, value: Tensor, branches: Tree, scale: Tensor) -> None:
        if not branches:
            return
        level, kept = len(sequence), value.detach().clone()
        v = self.way.vary(self.draw(self.n, level, value.device, value.dtype), level)
        given = v.clone()
        try:
            recorded, onward = self._gradients(value, branches, v)
        except (RuntimeError, NotImplementedError) as error:
            if lacking(error):
                return
            raise
        self._watch("backward changes its grad_output in place", [v], [given])
        self._watch("backward changes the result of the function in place", [value.detach()], [kept])
        scale = scale * v
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
        matrix = self.problem.layout == "matrix"
        wanted = self.inputs if matrix else [self.inputs[j] for j in branches]
        found = torch.autograd.grad(value, wanted, v, True, create_graph, allow_unused=True)
        if matrix:
            found = tuple(found[0][:, j] for j in branches) if found[0] is not None else (None,) * len(branches)
        return [nothing if g is None else g for g in found]

    def _record(self, sequence: Sequence_, value: Tensor, scale: Tensor) -> None:
        k = self.columns.get(sequence)
        if k is not None:
            self.raw[k], self.scales[k] = value.detach().clone(), scale

    def _watch(self, says: str, after: list[Tensor], before: list[Tensor]) -> None:
        if not all(map(_equal, after, before)):
            self.misdeed = self.misdeed or says


def _equal(a: Tensor, b: Tensor) -> bool:
    return torch.equal(a, b) or torch.equal(a.nan_to_num(), b.nan_to_num())
