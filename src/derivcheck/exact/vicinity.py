"""Is a singularity, or the other side of a switch, within one rounding of a point? Enclosures over all x_j(1 ± u).

Exact mathematics alone: the user's code plays no part. Constants that the dtype cannot represent move by a rounding as
the inputs do, so that sqrt(log10(1.001 + x)) at 0 in bfloat16, where 1.001 is 1, counts as on the edge of its domain.
A switch that the box does not decide takes both sides: a kink is not a singularity. Balls overestimate, above all for
wide ones, so a box whose enclosure is not finite is halved before it counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import reduce

from flint import arb

from derivcheck.exact import steps
from derivcheck.exact.arb_heads import HEADS
from derivcheck.exact.balls import Program
from derivcheck.exact.steps import NAN, Frame, Step, exact
from derivcheck.symbolic.graph import Cases, Constant, Graph, Number, Ref, Sum

Box = tuple[arb, ...]  # one ball per variable

HALVINGS = 6  # of a box, along its coordinates in turn: 64 pieces, which in bfloat16 are as fine as 2^-15

UNION: dict[str, Callable[..., arb]] = {
    "abs": lambda x: abs(x),
    "sign": lambda x: arb(-1).union(arb(1)) if x.contains(0) else x.sgn(),
    "heaviside": lambda x: arb(0).union(arb(1)) if x.contains(0) else (x.sgn() + 1) / 2,
    "max": lambda a, b, _: a.max(b),
    "min": lambda a, b, _: a.min(b),
}
"""Heads that jump or bend, over all of a ball."""

MONOTONE = ("besseli", "besselk", "lowergamma", "uppergamma")
"""Heads that are monotone in their last argument on either side of 0, by their derivatives (DLMF 10.29, 10.37, 8.8).
Arb takes up to a second for one wide ball of these, and microseconds for its two ends."""


class BoxProgram(Program):
    """A program whose inputs are balls, with every constant that is not representable a ball of one rounding and of the
    `smallest` subnormal; with `every` the result of every step too."""

    def __init__(
        self, graph: Graph, roots: Sequence[Ref], u: float, every: bool = False, smallest: float = 0.0
    ) -> None:
        self.every, self.smallest = every, smallest
        super().__init__(graph, roots, u)

    def over(self, box: Sequence[arb]) -> list[arb]:
        """The balls of the roots over a box."""
        frame: Frame = {ref: box[place] for ref, place in self.inputs.items()}
        for ref, step in self.steps:
            found = step(frame)
            frame[ref] = self._rounded(found) if self._rounds(ref) and isinstance(found, arb) else found
        return [frame[root] for root in self.roots]

    def _step(self, ref: Ref) -> Step:
        match self.graph.nodes[ref]:
            case Constant(name):
                return lambda v: self._rounded(arb.pi() if name == "pi" else arb.const_e())
            case Sum(constant, terms):
                return self._sum(constant, terms)
            case Cases() as cases:
                return _cases(cases)
        return super()._step(ref)

    def _rounds(self, ref: Ref) -> bool:
        """Whether the result of a step is rounded too. A lone number is not: it may be the order of a polygamma."""
        return self.every and self.graph.value_of(ref) is None

    def _rounded(self, value: arb) -> arb:
        """value·(1 ± u)."""
        return value * arb(1, self.u)

    def _number(self, number: Number) -> arb:
        value = arb(exact(number))
        return value if self._is_exact(number) else self._rounded(value) + arb(0, self.smallest)

    def _is_exact(self, number: Number) -> bool:
        """Whether the dtype has this number: the numbers it has are multiples of its smallest one."""
        whole = not self.smallest or (Fraction(number) / Fraction(self.smallest)).denominator == 1
        return whole and _fits(number, self.u)

    def _sum(self, constant: Number, terms: Sequence[tuple[Ref, Number]]) -> Step:
        if all(self._is_exact(number) for number in (constant, *(c for _, c in terms))):
            return steps.sum_step(constant, terms)
        return lambda v: sum((v[t] * self._number(c) for t, c in terms), self._number(constant))

    def _function(self, head: str, arguments: tuple[Ref, ...]) -> Step:
        if head in UNION:
            rule = UNION[head]
            return lambda v: rule(*(v[a] for a in arguments)) if all(v[a].is_finite() for a in arguments) else NAN
        if head in MONOTONE:
            order, last = arguments
            return lambda v: _between_ends(HEADS[head], v[order], v[last])
        return super()._function(head, arguments)

    def _floor(self, head: str, arguments: tuple[Ref, ...]) -> Step:
        def whole(v: Frame) -> arb:
            q: arb = v[arguments[-1]]
            return q.lower().floor().union(q.upper().floor()) if q.is_finite() else NAN

        return whole if head == "floor" else lambda v: v[arguments[0]] - v[arguments[1]] * whole(v)

    def _switch(self, ref: Ref) -> Callable[[Frame], int | None]:
        """The sign of a node, None where the box does not tell."""
        return lambda v: 1 if v[ref] > 0 else -1 if v[ref] < 0 else 0 if v[ref].is_zero() else None


def _between_ends(head: Callable[..., arb], order: arb, x: arb) -> arb:
    """head(order, x) for a ball x, of a head that is monotone for x of one sign."""
    if not x.is_finite() or x.contains(0) or not order.is_exact():
        return head(order, x)
    low, high = head(order, x.lower()), head(order, x.upper())
    return low.union(high) if low.is_finite() and high.is_finite() else NAN


def _fits(number: Number, u: float) -> bool:
    """Whether a float of unit roundoff u can be this number: its odd part has at most -log2(u) bits."""
    value = Fraction(number)
    bits = Fraction(u).denominator.bit_length() - 1
    odd = abs(value.numerator) >> (((value.numerator & -value.numerator).bit_length() - 1) if value.numerator else 0)
    return value.denominator & (value.denominator - 1) == 0 and odd.bit_length() <= bits


def _cases(cases: Cases) -> Step:
    """The union of all values whose condition may be the first to hold."""
    pairs = cases.pairs()

    def step(v: Frame) -> arb:
        possible = []
        for value, condition in pairs:
            if v[condition] is not False:
                possible.append(v[value])
            if v[condition] is True:
                break
        return reduce(lambda a, b: a.union(b), possible) if possible else NAN

    return step


class Roundings:
    """What the nodes of a graph may be at a point whose inputs, constants and steps are all rounded to u."""

    def __init__(self, graph: Graph, u: float) -> None:
        self.graph, self.u = graph, u
        self._programs: dict[Ref, BoxProgram] = {}

    def __call__(self, ref: Ref, point: Sequence[float]) -> arb:
        if ref not in self._programs:
            self._programs[ref] = BoxProgram(self.graph, [ref], self.u, every=True)
        return self._programs[ref].over(_box(point, self.u))[0]


def _box(point: Sequence[float], u: float) -> Box:
    return tuple(arb(x) * arb(1, u) for x in point)


def singular(program: BoxProgram, point: Sequence[float]) -> list[bool]:
    """For each root, whether some piece of the box around the point has no finite enclosure of it."""
    found = _singular_over(program, _box(point, program.u), 0, set(range(len(program.roots))))
    return [k in found for k in range(len(program.roots))]


def _singular_over(program: BoxProgram, box: Box, depth: int, roots: set[int]) -> set[int]:
    """Those of the roots that are singular in the box."""
    balls = program.over(box)
    open_ = {k for k in roots if not balls[k].is_finite()}
    moving = [j for j, ball in enumerate(box) if not ball.is_exact()]
    if not open_ or not moving or depth == HALVINGS:
        return open_
    first, second = _halves(box, moving[depth % len(moving)])
    found = _singular_over(program, first, depth + 1, open_)
    return found | (_singular_over(program, second, depth + 1, open_ - found) if open_ - found else set())


def _halves(box: Box, j: int) -> tuple[Box, Box]:
    """The box cut in two along coordinate j."""
    low, middle, high = box[j].lower(), box[j].mid(), box[j].upper()
    return (*box[:j], low.union(middle), *box[j + 1 :]), (*box[:j], middle.union(high), *box[j + 1 :])
