"""The exact side: an enclosure of every partial at a point, precise enough to judge a float.

Evaluate the graph in ball arithmetic at the rational value of the point and raise the precision until the radius is
far below one rounding of the dtype, so the midpoint is the exact value for every purpose here. What does not settle is
said to be so, never passed. At a kink the partial exists where all one-sided ones agree.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain, product
from math import inf, isfinite
from typing import TYPE_CHECKING

import torch
from flint import arb
from torch import Tensor

from derivcheck.errors import TimedOut
from derivcheck.exact.arb_heads import until
from derivcheck.exact.balls import TIE, Program
from derivcheck.exact.enclosures import Enclosure, Exact, Status
from derivcheck.exact.rescue import KINK, NOT_RESCUED, Rescue
from derivcheck.exact.steps import precision
from derivcheck.exact.vicinity import BoxProgram, Roundings, singular
from derivcheck.multi_index import MultiIndex
from derivcheck.symbolic.graph import Graph, Ref, Variable

if TYPE_CHECKING:
    from derivcheck.symbolic.differentiation import SymbolicPartials

# Bits: the first serves float64 with room for cancellation of half the significand; the last resolves a value of
# exactly 0 in float64, whose smallest subnormal is 2**-1074, against intermediates up to 2**900.
PRECISIONS = (128, 512, 2048)
SPARE = 10  # bits by which the radius must lie below u·|value|: it then adds a thousandth of a rounding to any error
MOST_KNOWN = 20_000  # points whose enclosures are kept, some kilobytes each at order 8
TOGETHER = 256  # points enclosed while other threads wait: some milliseconds
MOST_TIES = 4  # switches tied at one point: beyond it 2**k sides are not worth the time, and the point is a kink
# At a distance of 2**-128 a partial that tends to a value as slowly as the fourth root of the distance is this near it.
APPROACHED = 2.0**-32
UNDEFINED = Enclosure(0.0, 0.0, Status.UNDEFINED)


class Referee:
    """Encloses the first `count` of the `roots` of a graph. `below[k]` are the roots that must exist for root k to.

    `u` is the unit roundoff of the dtype to be judged and `smallest` its smallest subnormal.
    """

    def __init__(
        self, graph: Graph, roots: Sequence[Ref], below: Sequence[Sequence[int]], u: float, smallest: float, count: int
    ) -> None:
        self.count = count
        self.program = Program(graph, roots, u, Roundings(graph, u))
        self.below = below
        self.bits = SPARE - round(torch.tensor(u).log2().item())
        self.tiny = arb(smallest) / 2**SPARE
        self._known: dict[tuple[float, ...], tuple[float, ...]] = {}
        self._boxes: dict[bool, BoxProgram] = {}
        self.rescue: Rescue | None = None
        """What is asked where some enclosure is undefined."""

    @property
    def cost(self) -> int:
        """Ball operations a point; reading a root out costs as much as four (measured: 5 us)."""
        return len(self.program.steps) + 4 * self.count

    def enclose(self, points: Tensor, deadline: float | None = None) -> Exact:
        """Enclosures at points (d, n), float64; at fewer where the deadline (of `time.monotonic`) passes."""
        numbers, width = array("d"), 3 * self.count  # an array is read in a third of the time that a list takes
        latest = inf if deadline is None else deadline
        with suppress(TimedOut):
            for block in points.split(TOGETHER, 1):
                with precision(PRECISIONS[0]), until(latest):
                    for point in zip(*block.tolist(), strict=True):
                        if time.monotonic() > latest:
                            break
                        numbers.extend(self._at(point)[:width])
        flat = torch.frombuffer(numbers, dtype=torch.float64) if numbers else torch.empty(0, dtype=torch.float64)
        table = flat.reshape(-1, self.count, 3)
        return Exact(table[..., 0].contiguous(), table[..., 1].contiguous(), table[..., 2].to(torch.int64))

    def at(self, point: Sequence[float]) -> list[Enclosure]:
        """Enclosures of all roots at one point."""
        with precision(PRECISIONS[0]):
            numbers = self._at(tuple(point))
        parts = (numbers[i : i + 3] for i in range(0, len(numbers), 3))
        return [Enclosure(high, low, Status(int(status))) for high, low, status in parts]

    def _at(self, point: tuple[float, ...]) -> tuple[float, ...]:
        """The enclosures of all roots, one after the other, at the lowest precision that settles them, nearly always
        the one that is set already. They are kept, because several engines are judged at the same points, and as
        numbers, because objects are a burden to the garbage collector."""
        found = self._known.get(point)
        if found is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            balls, tied = self.program.run(point)
            plain = None if tied else self._numbers(balls)
            found = plain or tuple(map(float, chain.from_iterable(self._settled(point, balls, tied))))
            self._known[point] = found
        return found

    def _numbers(self, balls: Sequence[arb]) -> tuple[float, ...] | None:
        """Settled enclosures, None if some ball is not precise enough."""
        numbers: list[float] = []
        for ball in balls:
            if ball.rel_accuracy_bits() < self.bits or not isfinite(high := float(ball)):
                return None
            numbers += (high, float(ball - high), 0.0)
        return tuple(numbers)

    def of_branch(self, symbolic: SymbolicPartials, alphas: Sequence[MultiIndex]) -> Referee:
        """A referee like this one of the same partials of one branch of the function."""
        roots, smallest = [symbolic.partial(alpha) for alpha in alphas], float(self.tiny * 2**SPARE)
        made = Referee(symbolic.graph, roots, self.below, self.program.u, smallest, self.count)
        made.rescue = Rescue(made, symbolic, alphas)
        return made

    def singular(self, points: Tensor, every: bool = False) -> Tensor:
        """(n, m) bool: a singularity of the partial, or of one below it, lies within one rounding of a point (d, n);
        with `every`, within one rounding of every step of the formula."""
        if every not in self._boxes:
            program, smallest = self.program, float(self.tiny * 2**SPARE)
            self._boxes[every] = BoxProgram(program.graph, program.roots, program.u, every, smallest)
        box = self._boxes[every]
        with precision(PRECISIONS[0]):
            found = [self._singular(box, point, every) for point in zip(*points.tolist(), strict=True)]
        return torch.tensor(found, dtype=torch.bool).reshape(-1, self.count)

    def _singular(self, box: BoxProgram, point: Sequence[float], every: bool) -> list[bool]:
        """For each partial, at one point: of its branch if there is one; never where it was rescued otherwise, by the
        series of the function or by both sides of a tie."""
        branch, rescued = self.rescue.rescued.get(tuple(point), NOT_RESCUED) if self.rescue else NOT_RESCUED
        if branch is not None:
            return branch.singular(torch.tensor(point, dtype=torch.float64).unsqueeze(1), every)[0].tolist()
        alone = singular(box, point)
        near = [alone[k] or any(alone[b] for b in self.below[k]) for k in range(self.count)]
        return [near[k] and k not in rescued for k in range(self.count)]

    def _settled(self, point: Sequence[float], balls: list[arb], tied: set[Ref]) -> list[Enclosure]:
        """Raise the precision until all roots settle; the balls are those of the lowest one."""
        found = self._read(point, balls, tied)
        for bits in PRECISIONS[1:]:
            if all(e.status is Status.SETTLED for e in found):
                return found
            found = self._existing(found)
            if all(e.status in (Status.SETTLED, Status.KINK) for e in found):
                return found
            with precision(bits):
                found = self._read(point, *self.program.run(point))
        found = self._existing(found)
        undefined = any(e.status is Status.UNDEFINED for e in found)
        return self.rescue(point, found) if undefined and self.rescue is not None else found

    def _read(self, point: Sequence[float], balls: list[arb], tied: set[Ref]) -> list[Enclosure]:
        return self._at_kink(point, balls, sorted(tied)) if tied else list(map(self.enclosure, balls))

    def _existing(self, found: list[Enclosure]) -> list[Enclosure]:
        """A function that is not defined at the point has no partials there: log at -1, although 1/x is finite."""
        undefined = {k for k, e in enumerate(found) if e.status == Status.UNDEFINED}
        return (
            [
                e._replace(status=Status.UNDEFINED) if undefined & set(b) else e
                for e, b in zip(found, self.below, strict=True)
            ]
            if undefined
            else found
        )

    def enclosure(self, ball: arb) -> Enclosure:
        """A ball as two floats, if it is precise enough."""
        if not ball.is_finite():
            return UNDEFINED
        if ball.rel_accuracy_bits() < self.bits and not ball.rad() < self.tiny:
            return Enclosure(0.0, 0.0, Status.UNSETTLED)
        high = float(ball)  # its midpoint
        return Enclosure(high, float(ball - high) if isfinite(high) else 0.0, Status.SETTLED)

    def _at_kink(self, point: Sequence[float], balls: list[arb], tied: list[Ref]) -> list[Enclosure]:
        """Compare all sides of the tied switches; a partial exists where it and all below it agree on every side."""
        if len(tied) > MOST_TIES:
            return [KINK for _ in balls]
        forced = [dict(zip(tied, signs, strict=True)) for signs in product((-1, 1), repeat=len(tied))]
        sides = [self.program.run(point, each)[0] for each in forced]
        agree = [all(self._same(sides[0][k], side[k]) for side in sides[1:]) for k in range(len(balls))]
        found = []
        for k, ball in enumerate(balls):
            exists = agree[k] and all(agree[b] and self._same(balls[b], sides[0][b]) for b in self.below[k])
            one_sided = bool(self.below[k]) and not all(side[k].is_finite() for side in sides)
            if agree[k] and ball.is_finite() and self._rest(tied, k):
                found.append(self.enclosure(ball))  # on the branch of the point, also where it is the point's alone
            elif one_sided and exists and ball.is_finite():
                found.append(self.enclosure(ball) if self._approached(point, k, ball) else UNDEFINED)
            elif exists or not ball.is_finite():
                # At a tie that is not exact the branch is known; at an exact one a derivative is that of either side.
                found.append(self.enclosure(ball if self._same(ball, sides[0][k]) else sides[0][k]))
            else:
                found.append(KINK)
        return found

    def _rest(self, tied: Sequence[Ref], k: int) -> bool:
        """Whether no tied switch moves with the variables that partial k differentiates by, as x1 != x2 does with
        neither y nor, in the value, any: the partial is then that of the point's own branch."""
        graph, alpha = self.program.graph, self.rescue.alphas[k] if self.rescue is not None else ()
        nodes = [graph.nodes[ref] for ref in graph.reachable(tied)] if any(alpha) else []
        return bool(alpha) and not any(isinstance(node, Variable) and alpha[node.place] for node in nodes)

    def _approached(self, point: Sequence[float], k: int, ball: arb) -> bool:
        """Whether a partial tends to its value at a tie, on a side where its formula is undefined at the tie itself, as
        exp(-1/x) is at 0. If it does, the partial is continuous there. Seen at a distance of 2**-128, no proof."""
        with precision(PRECISIONS[-1]):
            for j, step in product(range(len(point)), (1, -1)):
                near = [x + arb(step) / 2**128 if i == j else arb(x) for i, x in enumerate(map(arb, point))]
                value = self.program.run(near)[0][k]  # type: ignore[arg-type]  # not floats, but as exact
                if not abs(value - ball) < (1 + abs(ball)) * APPROACHED:
                    return False
        return True

    def _same(self, a: arb, b: arb) -> bool:
        """Two sides agree where they differ by no more than the tie itself: switches are tied within some roundings."""
        return bool(a.overlaps(b)) or bool(abs(a - b) <= (abs(a) + abs(b)) * (TIE * self.program.u))
