"""The steps of a program in ball arithmetic: sums, products, powers, conditions; and the frame that one run fills."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

from flint import arb, ctx, fmpq

from derivcheck.symbolic.graph import Cases, Number, Ref

NAN = arb("nan")


class State:
    """What one run of a program decides; programs are shared and never change."""

    __slots__ = "point", "sides", "tied"

    def __init__(self, point: Sequence[float], sides: Mapping[Ref, int]) -> None:
        self.point, self.sides = point, sides
        self.tied: set[Ref] = set()
        """Switches that the dtype cannot tell from 0 at this point."""


STATE = -1  # where a frame has its state: a plain dict is read a fifth faster than one of a class of its own
Frame = dict[Ref, Any]
"""One run of a program: the value of each node so far (a ball, or for conditions a bool or None), and its state."""

Step = Callable[[Frame], Any]


def exact(number: Number) -> int | fmpq:
    """A number as flint takes it without rounding."""
    return number if isinstance(number, int) else fmpq(number.numerator, number.denominator)


def sum_step(constant: Number, terms: Sequence[tuple[Ref, Number]]) -> Step:
    """constant + Σ c·v[ref]."""
    start = exact(constant)
    pairs = [(t, None if c == 1 else exact(c)) for t, c in terms]
    if not pairs:
        return lambda v: arb(start)
    (lead, scale), *rest = pairs
    if not rest and (
        not start or scale is None
    ):  # the most frequent sums: without a loop they take a third of the time
        return (lambda v: v[lead] * scale) if not start else (lambda v: v[lead] + start)
    if not start and scale is None and len(rest) == 1 and rest[0][1] is None:
        other = rest[0][0]
        return lambda v: v[lead] + v[other]

    def step(v: Frame) -> arb:
        total: arb = arb(start) if start else v[lead] if scale is None else v[lead] * scale
        for t, c in pairs if start else rest:
            total = total + (v[t] if c is None else v[t] * c)
        return total

    return step


def product_step(factors: Sequence[tuple[Ref, Number]]) -> Step:
    """Π v[ref]**exponent."""
    (first, power), *rest = [(f, None if e == 1 else _power(e)) for f, e in factors]
    if not rest and power is not None:
        return lambda v: power(v[first])
    if len(factors) == 2:
        return _product_of_two(*factors)

    def step(v: Frame) -> arb:
        total: arb = v[first] if power is None else power(v[first])
        for f, raised in rest:
            total = total * (v[f] if raised is None else raised(v[f]))
        return total

    return step


def _product_of_two(a: tuple[Ref, Number], b: tuple[Ref, Number]) -> Step:
    """The most frequent products without a loop, in half of the time."""
    (first, p), (second, q) = a, b
    if (p, q) == (1, 1):
        return lambda v: v[first] * v[second]
    if (p, q) == (1, -1):
        return lambda v: v[first] / v[second]
    if p != 1 and q != 1:
        left, right = _power(p), _power(q)
        return lambda v: left(v[first]) * right(v[second])
    plain, raised, power = (first, second, _power(q)) if p == 1 else (second, first, _power(p))
    return lambda v: v[plain] * power(v[raised])


def _power(exponent: Number) -> Callable[[arb], arb]:
    """x -> x**(p/q), real for x >= 0 unless q is 1."""
    p, q = Fraction(exponent).numerator, Fraction(exponent).denominator
    if p == 2 and q == 1:
        return lambda x: x * x
    if q == 1:
        return (lambda x: _whole_power(x, p)) if p > 0 else (lambda x: 1 / _whole_power(x, -p))
    if q == 2:
        return lambda x: x.sqrt() ** p
    if q.bit_length() > 31:  # flint's root takes a C long
        return lambda x: x if x.is_zero() and p > 0 else (x.log() * p / q).exp()
    return lambda x: x if x.is_zero() and p > 0 else x.root(q) ** p


def _whole_power(x: arb, p: int) -> arb:
    """x**p by squaring: flint's own power is NaN for a ball that contains 0."""
    if p == 1:
        return x
    if p == 2:
        return x * x
    if p.bit_length() > 64:  # 2*1e300: as deep a recursion as it has bits
        power: arb = x**p
        return power
    half = _whole_power(x, p // 2)
    return half * half * x if p % 2 else half * half


def logic_step(operator: str, conditions: tuple[Ref, ...]) -> Step:
    """Three-valued: None is unknown."""
    if operator == "not":
        return lambda v: None if v[conditions[0]] is None else not v[conditions[0]]
    decisive = operator == "or"

    def step(v: Frame) -> bool | None:
        known = [v[c] for c in conditions]
        return decisive if decisive in known else (None if None in known else not decisive)

    return step


def cases_step(cases: Cases) -> Step:
    """The value of the first condition that holds; NaN if it is not known whether one holds."""
    pairs = cases.pairs()

    def step(v: Frame) -> arb:
        for value, condition in pairs:
            if v[condition] is not False:
                return v[value] if v[condition] else NAN
        return NAN

    return step


_precision = threading.RLock()


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Compute balls with this many bits inside the block. flint has one precision per process, whichever thread sets
    it, so one thread at a time is inside."""
    with _precision:
        before = ctx.prec
        ctx.prec = bits
        try:
            yield
        finally:
            ctx.prec = before
