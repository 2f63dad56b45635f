"""Which equation code computes: traced with an opaque field at two and at three points, and read off the graph.

At every point the coordinates are variables of their own, so that a mix of points, a factor 1/n and a value that
depends on the data are seen as what they are. Parameters of the code that are trained are symbols too: a term whose
coefficient is 0 at first would be invisible.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy as sp
import torch
from torch import Tensor

from derivcheck.errors import DerivcheckError, Unsupported
from derivcheck.expression.fields import Fields, Partial
from derivcheck.expression.parsing import symbol
from derivcheck.pde import losses
from derivcheck.pde.numbers import cleaned
from derivcheck.pde.opaque import Opaque, is_field, read_head
from derivcheck.pde.operation import is_transformed, partial
from derivcheck.pde.outputs import Output
from derivcheck.pde.target import Target, trainable
from derivcheck.symbolic.graph import Function, Graph, Product, Ref, Sum, Variable
from derivcheck.symbolic.translation import formula
from derivcheck.tracing.forward import SIZES, in_batches
from derivcheck.tracing.recording import Recording
from derivcheck.tracing.refusals import raised_when_traced
from derivcheck.tracing.stance import eager

CURE = "Give the equation that is meant, so that the numbers decide."
MOST_SYMBOLS = 64  # numbers of one parameter that are symbols: those of an equation are few, a network's are many
COUNT = "n"  # the number of points, in an equation that depends on it


@dataclass(frozen=True)
class Reading:
    """The equations that code was found to compute, exactly: floats are the fractions that they are."""

    equations: tuple[sp.Expr, ...]
    """One per output, or one per term of a loss."""
    parameters: Mapping[sp.Symbol, sp.Rational] = field(default_factory=dict)
    """Those that are trained, with their values."""
    weights: tuple[losses.Weight, ...] = ()
    """Of a loss: what the square of each equation is multiplied by."""
    is_mixed: bool = False
    """Whether the value at a point depends on another point, or on how many there are."""

    def texts(self) -> tuple[str, ...]:
        """To print."""
        return tuple(str(sp.expand(cleaned(e))) if e.count_ops() < 3000 else str(cleaned(e)) for e in self.equations)


@dataclass(frozen=True)
class _Batch:
    """One recorded call at n points."""

    graph: Graph
    roots: Sequence[Sequence[Ref]]
    """Per output the node at each point; of a loss one node."""
    n: int


def read(target: Target, slots: Sequence[Output], points: Tensor, fields: Fields) -> Reading:
    """The equations of the code. `points` (d, k), k >= 5. Raises `Unsupported` for what cannot be traced."""
    given = trainable(target)
    values = {name: p for name, p in given.items() if p.numel() <= MOST_SYMBOLS}
    with eager():
        batches = [_recorded(target, slots, batch, values) for batch in in_batches(points)]
    names = [symbol(name) for name in _labels(values)]
    numbers = [sp.Rational(*float(x).as_integer_ratio()) for p in values.values() for x in p.detach().flatten()]
    readers = [_Reader(batch, fields, names) for batch in batches]
    parameters = dict(zip(names, numbers, strict=True))
    if slots[0].is_loss:
        equations, weights = losses.read([reader.squares() for reader in readers], SIZES)
        return Reading(equations, parameters, weights)
    found = [[reader.equations(k) for reader in readers] for k in range(len(slots))]
    merged = [_merged(each) for each in found]
    mixed = any(reader.is_mixed for reader in readers) or any(is_mixed for _, is_mixed in merged)
    return Reading(tuple(equation for equation, _ in merged), parameters, (), mixed)


def _labels(values: Mapping[str, Tensor]) -> list[str]:
    """lambda_1, or w[0] and w[1] of a parameter of several numbers."""
    return [name if p.numel() == 1 else f"{name}[{k}]" for name, p in values.items() for k in range(p.numel())]


def _recorded(target: Target, slots: Sequence[Output], batch: Tensor, values: Mapping[str, Tensor]) -> _Batch:
    d, n = batch.shape
    graph = Graph()
    recording = Recording(graph, CURE)
    columns = [row.clone().unsqueeze(1) for row in batch]
    matrix = batch.T.clone(memory_format=torch.contiguous_format)
    place = torch.tensor([[graph.node(Variable(i * d + j)) for j in range(d)] for i in range(n)])
    write = recording.arrays.shadows.write
    for j, column in enumerate(columns):
        write(column, place[:, j : j + 1])
    write(matrix, place)
    start = n * d
    for parameter in values.values():
        count = parameter.numel()
        nodes = [graph.node(Variable(start + k)) for k in range(count)]
        write(parameter.detach(), torch.tensor(nodes).reshape(parameter.shape))
        start += count
    result = _called(target, recording, [c.requires_grad_() for c in columns], matrix.requires_grad_())
    refs = [recording.arrays.numbers(slot.of(result, n).detach()).reshape(-1).tolist() for slot in slots]
    if any(ref < 0 for row in refs for ref in row):
        raise Unsupported(f"a residual is infinite where it is traced. {CURE}")
    return _Batch(graph, refs, n)


def _called(target: Target, recording: Recording, columns: list[Tensor], matrix: Tensor) -> Any:
    """What the code returns, while every operation makes nodes."""
    zero = (0,) * len(columns)
    source, fields = Opaque(recording), range(len(target.asked.fields))

    def evaluate(X: Tensor) -> list[Tensor]:
        if is_transformed():
            return [source.polynomial(X, k) for k in fields]
        return [partial(X, None, source, k, zero) for k in fields]

    try:
        return recording.inside(lambda: target(columns, matrix, evaluate))
    except DerivcheckError:
        raise
    except Exception as error:
        raise raised_when_traced(error, CURE) from error


class _Reader:
    """Nodes of one batch as sympy expressions in the coordinates of a point."""

    def __init__(self, batch: _Batch, fields: Fields, parameters: Sequence[sp.Symbol]) -> None:
        self.batch, self.fields, self.parameters = batch, fields, list(parameters)
        self.is_mixed = False

    def equations(self, k: int) -> list[sp.Expr]:
        """Output k at each point, in the same symbols."""
        return [self.at(root, i) for i, root in enumerate(self.batch.roots[k])]

    def at(self, root: Ref, i: int) -> sp.Expr:
        """A node in the symbols of point i; a coordinate of another point is named so."""
        symbols = self._symbols(i)
        made: dict[Ref, sp.Basic] = {}
        reachable = self.batch.graph.reachable([root])
        for ref in reachable:
            made[ref] = self._made(ref, symbols, made)
        self.is_mixed |= any(s.name.endswith("[other]") for s in made[root].free_symbols) or self._is_elsewhere(
            made[root]
        )
        return made[root]

    def _is_elsewhere(self, expression: sp.Basic) -> bool:
        own = set(self.fields.symbols)
        return any(
            s.name.endswith("[other]")
            for atom in self.fields.within(expression)
            for place in self.fields.partials[atom].at
            for s in place.free_symbols - own
        )

    def _symbols(self, i: int) -> list[sp.Symbol]:
        own = self.fields.symbols
        others = [symbol(f"{name}[other]") for name in self.fields.coordinates]
        return [s for k in range(self.batch.n) for s in (own if k == i else others)] + self.parameters

    def _made(self, ref: Ref, symbols: list[sp.Symbol], made: dict[Ref, sp.Basic]) -> sp.Basic:
        match self.batch.graph.nodes[ref]:
            case Sum(constant, terms):
                return sp.Add(sp.Rational(constant), *(sp.Rational(c) * made[t] for t, c in terms))
            case Product(factors):
                return sp.Mul(*(made[f] ** sp.Rational(e) for f, e in factors))
            case Function(head, arguments) if is_field(head):
                k, alpha = read_head(head)
                return self.fields.of(Partial(k, alpha, tuple(sp.expand(made[a]) for a in arguments)))
        return formula(self.batch.graph, ref, symbols, made)

    def squares(self) -> list[losses.Square]:
        """Of a loss: its terms, each a square at one point, or of no point."""
        return losses.squares(
            self.batch.graph, self.batch.roots[0][0], len(self.fields.coordinates), self.batch.n, self.at
        )


def _merged(found: Sequence[Sequence[sp.Expr]]) -> tuple[sp.Expr, bool]:
    """One equation from those of each batch and point, and whether it depends on the other points."""
    first = [batch[0] for batch in found]
    if all(_is_same(e, first[0]) for batch in found for e in batch):
        return first[0], False
    terms = [sp.expand(cleaned(e)).as_coefficients_dict() for e in first]
    if set(terms[0]) != set(terms[1]):
        return first[0], True
    parts = [_scaled(terms[0][t], terms[1][t]) for t in terms[0]]
    if None in parts:
        return first[0], True
    return sp.Add(*(part * t for part, t in zip(parts, terms[0], strict=True))), True


def _is_same(a: sp.Expr, b: sp.Expr) -> bool:
    return bool(a == b or sp.expand(cleaned(a) - cleaned(b)) == 0)


def _scaled(two: sp.Expr, three: sp.Expr) -> sp.Expr | None:
    """A coefficient at two and at three points as c·n^k."""
    ratio = sp.nsimplify(three / two)
    if not ratio.is_Rational or ratio <= 0:
        return None
    power = round(math.log(ratio) / math.log(SIZES[1] / SIZES[0]))
    if sp.Rational(SIZES[1], SIZES[0]) ** power != ratio:
        return None
    return two / sp.Integer(SIZES[0]) ** power * symbol(COUNT) ** power
