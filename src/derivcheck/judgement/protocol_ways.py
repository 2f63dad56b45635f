"""Ways of calling a function and its backward that must all give the same derivative.

Each way changes one thing in the plain call, which the verdict is based on: new contiguous leaves, cotangents ±2^k, a
graph only where it is differentiated again. No points at all are not tried: there is no derivative to compare, and
torch 2.13.0 ends the process in some kernels (`torch._weight_norm` divides by zero, SIGFPE).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from derivcheck.problem import Problem

POINTS = 32  # at once: some of the worst and some random ones; even, so that 7 and 1 are the odd numbers
SCALE = {torch.float16: 10}  # log2 of the size of a large cotangent; 2^20 is beyond what float16 holds
WIDEST = 20
ALWAYS, NEVER, TWICE = "always", "never", "twice"

Arrange = Callable[[Tensor], Tensor]  # (..., n) -> the same numbers, laid out differently
Vary = Callable[[Tensor, int], Tensor]  # cotangent ±2^k (n,), level of differentiation -> another one (n,)


def same(numbers: Tensor) -> Tensor:
    """The same numbers in a tensor of their own."""
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
    inputs: Arrange = same
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
        return self.grad and self.count == POINTS and self.inputs is same


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
    Way("wrong for inputs that are results of an operation, not leaves", leaf=False, refusable="forward"),
    Way("wrong for strided inputs: read as if they were contiguous", inputs=_strided, refusable="forward"),
    Way("wrong for expanded inputs, with stride 0", inputs=_expanded, single=True,
        refusable="forward"),
    Way("wrong for 7 points: it depends on their number", count=7, refusable="forward"),
    Way("wrong for a single point: it depends on their number", count=1, refusable="forward"),
    Way("its value is another under torch.no_grad()", grad=False, refusable="everywhere"),
)  # fmt: skip


def ways(problem: Problem) -> Iterator[Way]:
    """Those that apply to a problem: without derivatives nothing runs backward, and a matrix is a single input."""
    for way in WAYS:
        if problem.order > 1 or not (way is WITHOUT_GRAPH or (way.of_backward and not problem.order)):
            yield way  # up to order 1 the plain call itself makes no graph of the backward
    if problem.layout == "columns" and len(problem.variables) > 1:
        for j in problem.places:
            name = problem.variables[j]
            yield Way(f"wrong if {name} is the only input that requires grad", only=j, refusable="forward")
