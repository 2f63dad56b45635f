"""One function at one point, in one dtype: what is wrong with the derivatives that autograd gives, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor

from derivcheck import ulp
from derivcheck.engines.calling import is_lacking, lack
from derivcheck.engines.products import Called, Vectors, places
from derivcheck.errors import RequestError, Unsupported, first_line
from derivcheck.exact.products import Products, Undefined
from derivcheck.judgement.products import Comparison, Wrong
from derivcheck.tracing.stops import Detached
from derivcheck.tracing.whole import Whole, trace_whole

MOST_ROWS = 8  # outputs up to which every row of the Jacobian is compared as well, one backward each
MOST_LOCATED = 64  # outputs that are looked at one by one to name the entry that is wrong
MOVED = 2.0**-6  # of an input, relative: far from any special value, and near to where the function is meant for
LEAST_MOVED = 2.0**-3  # of the largest input: what a zero is moved as if it were
CURE = "Give a plain torch function that computes the same: reference=..."


class Where(NamedTuple):
    """A point, and how it is called after "at the inputs"."""

    words: str
    x: Tensor


class WholeCheck:
    """One check in one dtype. `reference` says what is right, else the function's own forward, with `stop` without the
    derivatives of what it detaches."""

    def __init__(
        self, called: Called, reference: Callable[..., Any] | None, order: int, seed: int, stop: bool = False
    ) -> None:
        self.called, self.reference, self.order, self.seed, self.stop = called, reference, order, seed, stop
        self.random = torch.Generator().manual_seed(seed)
        self.detached: list[str] = []
        self.x = torch.cat([t.detach().to(called.dtype).double().cpu().flatten() for t in called.templates])

    def first_wrong(self) -> str:
        """A message about the lowest order that is wrong, at the point or beside it; empty if nothing is."""
        products = self._products(self.x)
        self.differentiable = self._differentiable()
        found = list(self._compared(products))
        if self.reference is None:  # the trace must hold at all points before anything is said
            for _, _, wrong in found:
                self._require_replay([one for one in wrong if one.order == 0])
        messages = (self._judged(wrong, made, where) for where, made, wrong in found)
        return next(filter(None, messages), "")

    def _products(self, x: Tensor) -> Products:
        return Products(self._traced(x), len(x), self.order, ulp.unit_roundoff(self.called.dtype))

    def _compared(self, products: Products) -> Iterator[tuple[Where, Products, list[Wrong]]]:
        """What is not within the bound at the given inputs, and at moved ones."""
        for where in (Where("", self.x), Where(" moved by 1 %", self._moved())):
            try:
                made = self._products(where.x) if self.stop and where.words else products
                for order, vectors in self._vectors(products.outputs, rows=not where.words):
                    yield where, made, self._comparison(made, where.x, vectors, order).wrong()
            except Undefined:
                continue  # a switch is not decided there
            except (RuntimeError, NotImplementedError) as error:
                raise Unsupported(lack(error) if is_lacking(error) else _raised(error)) from error

    def _comparison(self, products: Products, x: Tensor, vectors: Vectors, order: int) -> Comparison:
        return Comparison(self.called, products, x, vectors, order, self.differentiable)

    @cached_property
    def _outputs(self) -> list[Tensor]:
        """At the given inputs: how many numbers there are, in which shapes, and which of them have a derivative."""
        return self.called.outputs(self.called.leaves(self.x))

    def _traced(self, x: Tensor) -> Whole:
        """The graph of what is right, in float64 for a reference."""
        called = self.called
        function, mode = self.reference or called.function, Detached(stop=self.stop)

        def watched(*arguments: Any) -> Any:
            with mode:
                return function(*arguments)

        found = trace_whole(watched, called.arguments(called.leaves(x)), called.varied, CURE)
        self.detached = list(mode.lines)
        count = sum(part.numel() for part in self._outputs)
        if len(found.outputs) != count:
            cause = f"the reference returns {len(found.outputs)} numbers, the function {count}"
            raise RequestError(cause, "Let the reference return what the function returns.")
        return found

    def _differentiable(self) -> Tensor:
        """(m,) 1 for the outputs that require grad, 0 for the others, which nobody differentiates, such as the mean
        that a norm returns too. If none does, all are compared: the graph is cut."""
        parts = [torch.full((part.numel(),), float(part.requires_grad)) for part in self._outputs]
        found = torch.cat(parts).double()
        return found if bool(found.any()) else torch.ones_like(found)

    def _moved(self) -> Tensor:
        size = self.x.abs()
        size = torch.maximum(size, LEAST_MOVED * size.amax()) if len(size) else size
        r = torch.rand(self.x.shape, generator=self.random, dtype=torch.float64) * 2 - 1
        return (self.x + MOVED * size * r).to(self.called.dtype).double()

    def _vectors(self, outputs: int, *, rows: bool) -> Iterator[tuple[int, Vectors]]:
        """Pairs of vectors, with the order to compare to: at random, and each row of a small Jacobian."""
        yield self.order, Vectors(self._signs(outputs) * self.differentiable, self._signs(len(self.x)))
        if rows and 1 < outputs <= MOST_ROWS:
            for i in self.differentiable.nonzero().flatten().tolist():
                yield 1, Vectors(torch.eye(outputs, dtype=torch.float64)[i], self._signs(len(self.x)))

    def _signs(self, count: int) -> Tensor:
        """±1 and ±1/2 at random: products with them are exact."""
        signs = torch.randint(0, 2, (count,), generator=self.random) * 2 - 1
        return signs.double() * 2.0 ** torch.randint(-1, 1, (count,), generator=self.random)

    def _judged(self, wrong: Sequence[Wrong], products: Products, where: Where) -> str:
        if self.reference is None:
            wrong = [one for one in wrong if one.order > 0]
        if not wrong:
            return ""
        lowest = min(one.order for one in wrong)
        worst = max((one for one in wrong if one.order == lowest), key=lambda one: one.excess)
        return self._message(*self._entry(worst, products, where.x), where.words)

    def _require_replay(self, values: Sequence[Wrong]) -> None:
        """The function's own values are right by definition; those that lack half of the digits show that the trace
        missed something."""
        part = ulp.unit_roundoff(self.called.dtype) ** 0.5
        for one in values:
            if not abs(one.value - one.exact) <= part * max(abs(one.exact), one.scale):
                raise Unsupported(
                    f"the trace does not hold: it gives {one.exact:.6g} where the function gives {one.value:.6g}; "
                    f"a part of it is not computed by operations of torch, or it depends on the data. {CURE}"
                )

    def _entry(self, worst: Wrong, products: Products, x: Tensor) -> tuple[Wrong, str]:
        """Which output is wrong by which input: found by one-hot cotangents where the outputs are few."""
        outputs = places(self._outputs)
        if worst.order == 0:
            return worst, f"out{_index(outputs, worst.place)}"
        inputs = places(self.called.templates)
        by = f"by input{_index(inputs, worst.place)}" if worst.place < len(inputs) else "by the cotangent"
        if worst.order > 1 or len(outputs) > MOST_LOCATED:
            return worst, f"the product with a random cotangent {by}"
        one_hot = torch.eye(len(outputs), dtype=torch.float64)
        for i in self.differentiable.nonzero().flatten().tolist():
            found = self._comparison(products, x, Vectors(one_hot[i], torch.ones_like(x)), 1).wrong()
            for one in found:
                if (one.order, one.place) == (1, worst.place):
                    return one, f"out{_index(outputs, i)} {by}"
        return worst, f"the product with a cotangent that is not one-hot {by}"

    def _message(self, worst: Wrong, entry: str, where: str) -> str:
        dtype = str(self.called.dtype).removeprefix("torch.")
        lines = [
            f"{_named(worst.order)} is wrong: {entry}, at the inputs{where}, in {dtype}",
            f"  autograd  {worst.value!r}" if worst.order else f"  function  {worst.value!r}",
            f"  exact     {worst.exact!r}",
            f"  bound     {worst.bound!r}",
            f"  cause     {self._cause(worst)}",
        ]
        return "\n".join(lines)

    def _is_right_without(self) -> bool:
        """Whether autograd is right once what the code detaches is a constant."""
        other = WholeCheck(self.called, self.reference, self.order, self.seed, stop=True)
        return not self.stop and not other.first_wrong()

    def _cause(self, worst: Wrong) -> str:
        if worst.order > 0 and self.detached and self._is_right_without():
            lines = "; ".join(self.detached)
            return f"cut: right if what is detached is constant, at {lines} (stop_gradient=True takes it as meant)"
        if worst.order in self.called.cut and worst.value == 0:
            return "cut: no graph of autograd leads there, as after detach, .data or no_grad"
        if worst.value != worst.value or abs(worst.value) == float("inf"):
            return "non-finite: the exact number is finite"
        if worst.order == 0:
            return "value: the function differs from its reference"
        return "formula: wrong by more than rounding explains"


def _named(order: int) -> str:
    return "the value" if order == 0 else "the gradient" if order == 1 else f"a derivative of order {order}"


def _raised(error: Exception) -> str:
    return f"autograd raises {type(error).__name__}: {first_line(error)}"


def _index(places_: Sequence[tuple[int, tuple[int, ...]]], k: int) -> str:
    """[0][1, 2]: which tensor, and where in it."""
    tensor, index = places_[k]
    return f"[{tensor}]" + (f"[{', '.join(map(str, index))}]" if index else "")
