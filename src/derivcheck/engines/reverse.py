"""Reverse mode, nested: `torch.autograd.grad` of `torch.autograd.grad`.

With n points, y = f(x) is a vector and J = ∂y/∂x is n x n and diagonal, because point i feeds y_i alone. One
vector-Jacobian product vᵀJ therefore gives v_i·∂f/∂x at every point at once. The usual v = (1, ..., 1) cannot see a
backward that forgets `grad_output`, nor one that mixes points; v_i = ±2^k drawn at random can, and dividing
by v_i afterwards is exact. Differentiating v·∂f once more gives v·v'·∂²f, so the product of the cotangents is divided
out at the end only (Griewank & Walther, Evaluating Derivatives, 2008, ch. 3 and 5).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence, Set
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from derivcheck import multi_index
from derivcheck.engines.calling import call, is_lacking, lack, point_function
from derivcheck.engines.extend import Evaluate, Partials
from derivcheck.engines.streams import Stream, generator
from derivcheck.engines.timing import once, require_time
from derivcheck.errors import Unsupported
from derivcheck.multi_index import Steps

if TYPE_CHECKING:
    from derivcheck.problem import Problem

Cotangent = Callable[[int, int, torch.device, torch.dtype], Tensor]  # (n, level, device, dtype) -> (n,)
Tree = dict[int, "Tree"]

MOST_GROWTH = 6.0  # of a gradient from one order to the next (measured: 3 to 6); a pause of the machine looks like more


def powers_of_two(seed: int) -> Cotangent:
    """±2^k, a new draw for every level of differentiation, always the same for one seed.

    The exponents are differences of ones drawn from -1 and 0, so that the product of the cotangents of any number of
    levels is ±1 or ±1/2: dividing it out again never meets an overflow that the derivative itself does not have.
    """

    def exponents(n: int, level: int) -> Tensor:
        if level < 0:
            return torch.zeros(n, dtype=torch.int64)
        return torch.randint(-1, 1, (n,), generator=generator(Stream.COTANGENT_EXPONENTS, seed, level))

    @cache
    def draw(n: int, level: int, device: torch.device, dtype: torch.dtype) -> Tensor:
        signs = torch.randint(0, 2, (n,), generator=generator(Stream.COTANGENT_SIGNS, seed, level)) * 2 - 1
        return (signs * 2.0 ** (exponents(n, level) - exponents(n, level - 1))).to(dtype).to(device)

    return draw


def ones(n: int, level: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """The usual cotangent."""
    return torch.ones(n, device=device, dtype=dtype)


def prepare(problem: Problem) -> Evaluate:
    """Every partial by its canonical sequence, with random cotangents."""
    return along(problem, [multi_index.canonical(alpha) for alpha in problem.partials], powers_of_two(problem.seed))


def along(
    problem: Problem, sequences: Sequence[Steps], cotangent: Cotangent, tracked: Set[int] | None = None
) -> Evaluate:
    """One column per sequence of differentiations. Common prefixes are computed once.

    `tracked` are the variables that require grad: by default all of a user's function, as in a training loop, which
    matters where it differentiates by itself; otherwise those that are differentiated by.
    """
    function = point_function(problem)
    branches = tree(sequences)
    columns_of = {s: [k for k, other in enumerate(sequences) if other == s] for s in sequences}
    places = {j for s in sequences for j in s}
    tracked = tracked if tracked is not None else set(range(len(problem.variables))) if problem.function else places
    depth = max(map(len, sequences))
    own = Tensor.clone if problem.function else Tensor.detach  # a user's function may write to its input

    def evaluate(points: Tensor) -> Partials:
        inputs = [own(row).requires_grad_(j in tracked) for j, row in enumerate(points)]
        drawn = [cotangent(points.shape[1], level, points.device, points.dtype) for level in range(depth)]
        walk = _Walk(inputs, drawn, len(sequences), columns_of, problem.deadline)
        try:
            with torch.set_grad_enabled(bool(branches or problem.function)):
                value = call(function, *inputs)
        except Unsupported as reason:
            if tracked != places:
                return along(problem, sequences, cotangent, places)(points)
            return _one_by_one(problem, sequences, cotangent, points, str(reason))
        walk.descend((), value, branches, cut=False)
        return Partials(walk.values.T, frozenset(walk.cut), walk.unsupported)

    return evaluate


def _one_by_one(
    problem: Problem, sequences: Sequence[Steps], cotangent: Cotangent, points: Tensor, reason: str
) -> Partials:
    """An operation has no backward: compute the columns that do not need it, each with its own variables tracked."""
    if len(sequences) == 1:
        return Partials(torch.full_like(points[:1].T, torch.nan), unsupported={0: reason})
    parts = [along(problem, [s], cotangent, set(s))(points) for s in sequences]
    cut = frozenset(k for k, part in enumerate(parts) if part.cut)
    unsupported = {k: part.unsupported[0] for k, part in enumerate(parts) if part.unsupported}
    return Partials(torch.cat([part.values for part in parts], 1), cut, unsupported)


def tree(sequences: Sequence[Steps]) -> Tree:
    """The sequences as a tree: {0: {0: {}, 1: {}}} for (0, 0) and (0, 1)."""
    root: Tree = {}
    for sequence in sequences:
        branch = root
        for j in sequence:
            branch = branch.setdefault(j, {})
    return root


class _Walk:
    """One evaluation, depth first, so that only the graphs on the way to the current node are alive."""

    def __init__(
        self,
        inputs: list[Tensor],
        cotangents: Sequence[Tensor],
        count: int,
        columns_of: dict[Steps, list[int]],
        deadline: float | None,
    ) -> None:
        self.deadline = deadline
        self.seconds: dict[int, float] = {}
        """Per level, how long its last gradient took."""
        self.inputs, self.cotangents, self.columns_of = inputs, cotangents, columns_of
        self.inverses = [scale.reciprocal() for scale in accumulate(cotangents, operator.mul)]
        self.values = inputs[0].new_full((count, inputs[0].shape[0]), torch.nan)
        self.cut: set[int] = set()
        self.unsupported: dict[int, str] = {}

    def descend(self, sequence: Steps, value: Tensor, tree: Tree, cut: bool) -> None:
        """Record the value along `sequence`, then differentiate it by every variable of the tree."""
        for k in self.columns_of.get(sequence, ()):
            self._record(k, value.detach(), len(sequence))
            if cut:
                self.cut.add(k)
        if not tree:
            return
        level = len(sequence)
        require_time(self.deadline, f"autograd at order {level + 1}", at_least=self._next(level))
        v = self.cotangents[level]
        wanted = [self.inputs[j] for j in tree]
        try:
            gradients, self.seconds[level] = once(lambda: self._gradients(value, wanted, v, deeper=any(tree.values())))
        except (RuntimeError, NotImplementedError) as error:
            if not is_lacking(error):
                raise
            self._unsupported(sequence, lack(error))
            return
        for j, gradient in zip(tree, gradients, strict=True):
            known = torch.zeros_like(value) if gradient is None else gradient
            self.descend((*sequence, j), known, tree[j], cut=gradient is None)

    def _next(self, level: int) -> float:
        """Seconds that the gradient at a level will take at least, if it grows from the last one as that one has."""
        last, before = self.seconds.get(level - 1, 0.0), self.seconds.get(level - 2, math.inf)
        return last * min(MOST_GROWTH, max(1.0, last / before))

    def _record(self, k: int, value: Tensor, order: int) -> None:
        """Column k, without the cotangents of its orders."""
        known = value.clone() if value._is_zerotensor() else value
        if order:
            torch.mul(known, self.inverses[order - 1], out=self.values[k])
        else:
            self.values[k] = known

    def _gradients(self, value: Tensor, wanted: list[Tensor], v: Tensor, deeper: bool) -> Sequence[Tensor | None]:
        """vᵀ·∂value/∂x for every wanted x; None where autograd has no path, which means 0 or a cut graph."""
        if not value.requires_grad:
            return [None] * len(wanted)
        return torch.autograd.grad(value, wanted, v, retain_graph=True, create_graph=deeper, allow_unused=True)

    def _unsupported(self, sequence: Steps, reason: str) -> None:
        for s, columns in self.columns_of.items():
            if s[: len(sequence)] == sequence and len(s) > len(sequence):
                self.unsupported.update(dict.fromkeys(columns, reason))
