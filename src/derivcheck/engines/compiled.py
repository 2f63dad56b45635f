"""Reverse mode under `torch.compile`: the forward pass and all backward passes as one fused kernel.

`torch.compile` does not differentiate twice, so the nested backward passes are first traced to one graph of plain
operations (`make_fx`), which then compiles like any other function. Evaluations under a dispatch mode, in which every
rounding is perturbed, and those in another dtype run the same passes uncompiled: fusing changes no rounding that they
estimate.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

from derivcheck import multi_index
from derivcheck.engines import reverse
from derivcheck.engines.calling import dtype_of, own_warnings_ignored
from derivcheck.engines.extend import Evaluate, Partials
from derivcheck.errors import Unsupported, first_line

if TYPE_CHECKING:
    from derivcheck.problem import Problem

COMPILERS = ("g++", "clang++", "c++", "cl")  # the usual names on Linux, macOS, any Unix and Windows


def prepare(problem: Problem) -> Evaluate:
    """Trace and compile at the first evaluation. `Unsupported` if there is no compiler or the function has no trace."""
    compiler = os.environ.get("CXX") or next(filter(shutil.which, COMPILERS), None)
    if compiler is None and not problem.device.startswith("cuda"):
        raise Unsupported("torch.compile needs a C++ compiler, and there is none: install g++ or set CXX")
    eager, draw = reverse.prepare(problem), reverse.powers_of_two(problem.seed)
    dtype, kernel = dtype_of(problem), _Kernel(problem)
    first: list[Partials] = []

    def evaluate(points: Tensor) -> Partials:
        if not first:
            first.append(eager(points))  # finds what is cut or has no backward, which a trace does not
        if is_in_torch_dispatch_mode() or points.dtype != dtype or first[0].unsupported:
            return eager(points)
        points = points.contiguous()  # the strides of a slice would be compiled into the kernel
        return Partials(kernel(points, *_cotangents(draw, problem.order, points)), first[0].cut)

    return evaluate


def _cotangents(draw: reverse.Cotangent, order: int, points: Tensor) -> list[Tensor]:
    return [draw(points.shape[1], level, points.device, points.dtype) for level in range(order)]


class _Kernel:
    """(points (d, n), one cotangent (n,) per level) -> values (n, m), compiled at the first call, for any n."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.sequences = [multi_index.canonical(alpha) for alpha in problem.partials]
        self.compiled: Callable[..., Tensor] | None = None

    def __call__(self, points: Tensor, *cotangents: Tensor) -> Tensor:
        if self.compiled is not None:
            return self.compiled(points, *cotangents)
        with own_warnings_ignored():
            try:
                compiled, values = self._compile(points, *cotangents)
            except Exception as error:
                raise Unsupported(f"torch.compile: {type(error).__name__}: {first_line(error)}") from error
        self.compiled = compiled
        return values

    def _compile(self, *inputs: Tensor) -> tuple[Callable[..., Tensor], Tensor]:
        """The compiled passes, and what they give for these inputs.

        They are traced with n = d + 2 points: a trace takes a length of 1 for constant, and equal lengths for one.
        """
        from torch.fx.experimental.proxy_tensor import make_fx  # noqa: PLC0415 the compiler takes seconds to import

        d = inputs[0].shape[0]
        graph = make_fx(self._traced, tracing_mode="symbolic")(
            *(t[..., :1].repeat_interleave(d + 2, -1) for t in inputs)
        )
        compiled: Callable[..., Tensor] = torch.compile(graph, dynamic=True)
        return compiled, compiled(*inputs)

    def _traced(self, points: Tensor, *cotangents: Tensor) -> Tensor:
        """All backward passes, with the cotangents as inputs: drawn inside, they would be constants of one length."""
        evaluate = reverse.along(self.problem, self.sequences, lambda n, level, device, dtype: cotangents[level])
        return evaluate(points).values
