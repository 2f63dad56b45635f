"""Graph -> ball arithmetic (python-flint, Arb: Johansson, IEEE Trans. Computers 66, 2017).

Every value is a ball that provably contains the exact one. Where a head jumps or bends (sign, abs, max, floor,
Piecewise) a *switch* decides by the sign of a difference. A switch that is zero, or so close to it that the dtype
cannot tell, is *tied*; a program can be run with tied switches forced to either side, which is how one-sided
derivatives at a kink are had. A switch without variables is never tied: more precision decides it.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from flint import arb, fmpq

from derivcheck.errors import Unsupported
from derivcheck.exact import steps
from derivcheck.exact.arb_heads import HEADS, JUMPS
from derivcheck.exact.steps import NAN, STATE, Frame, State, Step, exact
from derivcheck.symbolic.graph import (
    Cases,
    Constant,
    Function,
    Graph,
    Logic,
    Product,
    Ref,
    Relation,
    Sum,
    Variable,
    evaluate,
)

# A tie is a difference within 8 roundings of its largest terms: a sum of a few terms, each rounded once, moves so far.
TIE = 8

Reach = Callable[[Ref, Sequence[float]], arb]
"""(node, point) -> all values that the node may have at the point where the dtype rounds."""


class Program:
    """The roots of a graph, compiled once, run at any point and precision.

    `u` is the unit roundoff of the dtype: it says when a switch is tied. With `reach`, so is a switch that rounding
    may turn before its last sum: cos((1000/x)**4) + 1/2 moves by far more than roundings of its terms.
    """

    def __init__(self, graph: Graph, roots: Sequence[Ref], u: float, reach: Reach | None = None) -> None:
        self.graph, self.roots, self.u, self.reach = graph, roots, u, reach
        self.inputs = {ref: node.place for ref, node in enumerate(graph.nodes) if isinstance(node, Variable)}
        walk = [ref for ref in graph.reachable(roots) if ref not in self.inputs]
        self.steps: list[tuple[Ref, Step]] = [(ref, self._step(ref)) for ref in walk]

    def run(self, point: Sequence[float], sides: Mapping[Ref, int] | None = None) -> tuple[list[arb], set[Ref]]:
        """The balls of the roots at a point (d floats, taken exactly), with the given switches forced to a side, and
        the switches that are tied there."""
        frame = self.frame(point, sides)
        return [frame[root] for root in self.roots], frame[STATE].tied

    def frame(self, point: Sequence[float], sides: Mapping[Ref, int] | None = None) -> Frame:
        """The balls of all nodes."""
        frame: Frame = {ref: arb(point[place]) for ref, place in self.inputs.items()}
        frame[STATE] = State(point, sides or {})
        return evaluate(self.steps, frame)

    def _step(self, ref: Ref) -> Step:
        match self.graph.nodes[ref]:
            case Constant(name):
                return (lambda v: arb.pi()) if name == "pi" else (lambda v: arb.const_e())
            case Sum(constant, terms):
                return steps.sum_step(constant, terms)
            case Product(factors):
                return steps.product_step(factors)
            case Function(head, arguments):
                return self._function(head, arguments)
            case Relation(operator, difference):
                return self._relation(operator, difference)
            case Logic(operator, conditions):
                return steps.logic_step(operator, conditions)
            case Cases() as cases:
                return steps.cases_step(cases)
        raise AssertionError(f"no ball of {self.graph.nodes[ref]}")

    def _function(self, head: str, arguments: tuple[Ref, ...]) -> Step:
        if head in JUMPS:
            switch, rule = self._switch(arguments[-1]), JUMPS[head]
            return lambda v: NAN if (side := switch(v)) is None else rule(side, *(v[a] for a in arguments))
        if head in ("floor", "mod"):
            return self._floor(head, arguments)
        if head not in HEADS:
            raise Unsupported(f"the referee has no enclosure of {head}")
        op = HEADS[head]
        if len(arguments) == 1:
            (argument,) = arguments
            return lambda v: op(v[argument])
        return lambda v: op(*(v[a] for a in arguments))

    def _switch(self, ref: Ref) -> Callable[[Frame], int | None]:
        """The sign of a node: 1, 0, -1, or None where the ball does not tell. Multiples of a node share its switch."""
        node = self.graph.nodes[ref]
        lead = node.terms[0][1] if isinstance(node, Sum) and node.terms else 1
        name = self.graph.sum([(ref, Fraction(1) / lead)])
        orientation = 1 if lead > 0 else -1
        varies, reach = self._varies(ref), self._reach(ref)

        def side(v: Frame) -> int | None:
            if not v[ref].is_finite():
                return None
            forced: int | None = v[STATE].sides.get(name)
            if forced is not None:
                return forced * orientation
            if varies and (self._is_tied(ref, v) or _may_vanish(reach, v)):
                v[STATE].tied.add(name)
            return self._sign(ref, v)

        return side

    def _varies(self, ref: Ref) -> bool:
        return any(isinstance(self.graph.nodes[r], Variable) for r in self.graph.reachable([ref]))

    def _reach(self, ref: Ref) -> Callable[[Frame], arb] | None:
        """All values that a node may have where the dtype rounds; None if `TIE` roundings of its terms cover them."""
        node, reach = self.graph.nodes[ref], self.reach
        parts = [t for t, _ in node.terms] if isinstance(node, Sum) else [ref]
        if reach is None or all(map(self._is_monomial, parts)) or not self._varies(ref):
            return None
        return lambda v: reach(ref, v[STATE].point)

    def _is_monomial(self, ref: Ref) -> bool:
        """Whether a node is a product of variables whose roundings, one per factor, are fewer than `TIE`."""
        node = self.graph.nodes[ref]
        factors = node.factors if isinstance(node, Product) else ((ref, 1),)
        return all(f in self.inputs for f, _ in factors) and bool(sum(abs(Fraction(e)) for _, e in factors) < TIE)

    def _is_tied(self, ref: Ref, v: Frame) -> bool:
        node, value = self.graph.nodes[ref], v[ref]
        if isinstance(node, Sum) and len(node.terms) + bool(node.constant) > 1:
            scale = sum((abs(v[t] * exact(c)) for t, c in node.terms), abs(arb(exact(node.constant))))
            return not abs(value) > scale * (TIE * self.u)
        return not (value > 0 or value < 0)

    def _sign(self, ref: Ref, v: Frame) -> int | None:
        value = v[ref]
        if value > 0:
            return 1
        if value < 0:
            return -1
        rational = fmpq(0) if value.is_zero() else self.rational(ref, v[STATE].point)
        return None if rational is None else (rational > 0) - (rational < 0)

    def rational(self, ref: Ref, point: Sequence[float]) -> fmpq | None:
        """The exact value at a point, for a rational function of the variables."""
        known: dict[Ref, fmpq | None] = {}
        for r in self.graph.reachable([ref]):
            known[r] = self._rational(r, known, point)
        return known[ref]

    def _rational(self, ref: Ref, known: dict[Ref, fmpq | None], point: Sequence[float]) -> fmpq | None:
        node = self.graph.nodes[ref]
        if isinstance(node, Variable):
            return arb(point[node.place]).fmpq()
        if not isinstance(node, Sum | Product) or any(known[a] is None for a in self.graph.arguments(ref)):
            return None
        if isinstance(node, Sum):
            return sum((known[t] * exact(c) for t, c in node.terms), fmpq(1) * exact(node.constant))  # type: ignore[operator, return-value]
        if any(Fraction(e).denominator != 1 or (known[f] == 0 and e < 0) for f, e in node.factors):
            return None
        total = fmpq(1)
        for f, e in node.factors:
            total *= known[f] ** int(e)  # type: ignore[operator]
        return total

    def _floor(self, head: str, arguments: tuple[Ref, ...]) -> Step:
        """floor(q), or Mod(x, p) = x - p·floor(x/p). Tied where q is nearly whole."""
        ref = arguments[-1]
        varies, reach = self._varies(ref), self._reach(ref)

        def whole(v: Frame) -> arb:
            q: arb = v[ref]
            nearest = (q.mid() + arb(0.5)).floor()
            if nearest.unique_fmpz() is None:
                return NAN
            tied = not abs(q - nearest) > abs(q) * (TIE * self.u) or _may_jump(reach, v)
            if not (varies and tied):
                return q.floor()
            v[STATE].tied.add(ref)
            side = v[STATE].sides.get(ref) or self._sign_of_gap(ref, v, nearest)
            return NAN if side is None else nearest - int(side < 0)

        if head == "floor":
            return whole
        return lambda v: v[arguments[0]] - v[arguments[1]] * whole(v)

    def _sign_of_gap(self, ref: Ref, v: Frame, nearest: arb) -> int | None:
        q = v[ref]
        if q > nearest or q < nearest:
            return 1 if q > nearest else -1
        rational = self.rational(ref, v[STATE].point)
        return None if rational is None else (1 if arb(rational) >= nearest else -1)

    def _relation(self, operator: str, difference: Ref) -> Step:
        switch, holds = self._switch(difference), HOLDS[operator]
        return lambda v: None if (side := switch(v)) is None else side in holds


HOLDS = {"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (0, 1), "==": (0,), "!=": (-1, 1)}


def _may_vanish(reach: Callable[[Frame], arb] | None, v: Frame) -> bool:
    if reach is None:
        return False
    values = reach(v)
    return values.is_finite() and values.contains(0)


def _may_jump(reach: Callable[[Frame], arb] | None, v: Frame) -> bool:
    """Whether the values lie on both sides of a whole number."""
    if reach is None:
        return False
    values = reach(v)
    return values.is_finite() and bool(values.lower().floor() != values.upper().floor())
