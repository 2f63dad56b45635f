"""Rounding noise by scatter: how far the errors of neighbouring points are apart, each against its own exact value.

Rounding errors of neighbours have nothing to do with each other; a wrong formula errs alike on all of them. So this
sees cancellation *inside* one kernel (gelu at -6), what a backward stable kernel does to its inputs (Higham, Accuracy
and Stability of Numerical Algorithms, 2002, section 1.5), and code that runs differently when it is perturbed. The
point's own value does not enter. A float32 shortcut in a float64 kernel looks like rounding too, so the scatter counts
only as far as exact mathematics confirms its size:

    noise = min(scatter, 8·(noise of the lowered formula + conditioning + u·natural scale))

or where it is larger in float32 and in float64 alike, in units of each, as no shortcut is.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from derivcheck import ulp
from derivcheck.engines.streams import Stream, generator, seed_of
from derivcheck.exact.enclosures import Status
from derivcheck.judgement.bound import FACTOR, ROUNDINGS
from derivcheck.judgement.noise import MORE_RUNS, spread, spreads
from derivcheck.sampling.points import ends, into, placed

if TYPE_CHECKING:
    from derivcheck.judgement.judge import Judge
    from derivcheck.multi_index import MultiIndex

COPIES = 12  # of a point: as many as the runs of a perturbation
FEWEST = 3  # copies that must have an error for their scatter to say anything
SHARED = 8  # times what exact mathematics confirms: a kernel takes other steps than the formula
ALIKE = 256  # times: a float32 that is 2^-20 away from a float64 may be that much nearer to where a matrix is singular
CANCELS = 8  # roundings of the value: with fewer lost, what the kernel's own operations say is enough
STEEP = 2  # several roundings, 8 at least, that move a formula less than so many times as far as one does
NEAR = 8  # roundings: the errors of a backward stable kernel already have nothing to do with each other
# Where a kernel that is saturated, as the slope of silu beyond 36.7, or a singular matrix no longer is.
AWAY = 2.0**-8
FAR = 2.0**-20  # or the square root of u: a kernel that has few bits left gives other bits


def steps(dtype: torch.dtype) -> tuple[float, ...]:
    """How far copies lie from a point: relative to its largest coordinate, and to each one.

    An error that is the same for all copies, relative to a value of condition number c, has a scatter of 2·c·step of
    itself: far from what excuses it, unless c is large. In half precision copies that are apart at all are too far
    apart to be neighbours, and kernels compute in float32 inside.
    """
    u = ulp.unit_roundoff(dtype)
    return () if torch.finfo(dtype).bits < 32 else (NEAR * u, max(FAR, u**0.5))


def scatter(judge: Judge, points: Tensor) -> Tensor:
    """The noise at points (d, k), (k, c); 0 where there is nothing to compare."""
    near, far = steps(judge.dtype)
    u, size = ulp.unit_roundoff(judge.dtype), points.abs()
    errors, values = _at_copies(judge, points, near * size.amax(0).expand_as(size))
    distant, _ = _at_copies(judge, points, far * size)
    terms = u * _natural_scale(judge, points)
    moved = spread(values) * (u / near) + terms
    cap = SHARED * (_spreads_of_formula(judge, points)[0] + moved)
    # Away it counts as far as rounded inputs and terms alone confirm it: what the formula loses may differ there.
    away = torch.minimum(spread(_at_copies(judge, points, AWAY * size)[0], FEWEST), SHARED * moved)
    found = torch.stack([spread(errors, FEWEST), spread(distant, FEWEST), away]).amax(0)
    doubtful = (found > cap).any(1)
    if bool(doubtful.any()):
        least = cap[doubtful] / u
        rounding = _is_proportional(judge, points[:, doubtful], FAR, least)
        rounding |= _is_proportional(judge, points[:, doubtful], AWAY, least)
        found[doubtful] = torch.where(rounding, found[doubtful], torch.minimum(found, cap)[doubtful])
    # Where the partial is 0 all around, terms cancel: mostly without a remainder, so that none of the copies has one.
    return torch.where((values.nan_to_num() == 0).all(0), torch.maximum(found, terms), found)


def _copies(judge: Judge, points: Tensor, reach: Tensor, dtype: torch.dtype) -> Iterator[tuple[Tensor, Tensor]]:
    """Copies (d, k) of points, a set at a time, in a dtype; and where all coordinates that can move did, (k, 1): an
    error that comes from one coordinate must not be taken for scatter."""
    low, high = ends(judge.problem)
    fixed = (low == high) | (reach == 0)
    random = generator(Stream.COPIES, judge.problem.seed)
    for _ in range(COPIES):
        copy = points + reach * (torch.rand(points.shape, generator=random, dtype=torch.float64) * 2 - 1)
        inside = (copy >= low) & (copy <= high)
        moved = into(judge.problem, torch.where(inside, copy, 2 * points - copy)).to(dtype).double()
        yield moved, ((moved != points) | fixed).all(0).unsqueeze(1)


def _at_copies(judge: Judge, points: Tensor, reach: Tensor) -> tuple[Tensor, Tensor]:
    """Signed errors and exact values (copies, k, c), NaN where there are none. A set of copies is evaluated at a time:
    every copy of a point then has the same cotangents."""
    errors, values = [], []
    for moved, movable in _copies(judge, points, reach, judge.dtype):
        exact = judge.exact(moved)
        usable = movable & (exact.status == Status.SETTLED)
        errors.append(exact.signed_error(judge.attempted(moved.to(judge.dtype))).masked_fill(~usable, torch.nan))
        values.append(exact.high.masked_fill(~usable, torch.nan))
    return torch.stack(errors), torch.stack(values)


def _is_proportional(judge: Judge, points: Tensor, far: float, cap: Tensor) -> Tensor:
    """Whether errors at copies of points (d, k) scatter by more than `cap` roundings in float32 and in float64, each
    about as its own rounding, (k, c): then they are rounding, whatever the formula says. The second derivative of det
    by one entry is 0, and torch computes it from the inverse of the matrix. A float32 shortcut errs alike in both, and
    a shortcut of one dtype in that alone."""
    if judge.problem.device.startswith("mps"):  # which has no float64
        return torch.zeros_like(cap, dtype=torch.bool)
    referee = judge.referees.of(judge.problem.partials, torch.float64)
    errors: dict[torch.dtype, list[Tensor]] = {torch.float32: [], torch.float64: []}
    for moved, movable in _copies(judge, points, far * points.abs(), torch.float32):
        exact = referee.enclose(moved).at(slice(None), judge.columns)
        usable = movable & (exact.status == Status.SETTLED)
        for dtype, found in errors.items():
            found.append(exact.signed_error(judge.attempted(moved.to(dtype))).masked_fill(~usable, torch.nan))
    roundings = [spread(torch.stack(found), FEWEST) / ulp.unit_roundoff(dtype) for dtype, found in errors.items()]
    least, most = torch.minimum(*roundings), torch.maximum(*roundings)
    return (least > cap) & (most <= ALIKE * least)


def steep(judge: Judge, points: Tensor) -> Tensor:
    """The noise by perturbation, (k, c). Next to a pole, as in tan(1e5*x), perturbations of several roundings lead away
    to where results are small and close to each other; where they do so in the lowered formula too, which has no
    branches but those of the exact function, those of one rounding count, as far as the formula confirms their size."""
    small, wide = spreads(judge.attempted, points.to(judge.dtype), MORE_RUNS, _seed(judge, Stream.MORE_NOISE))
    found, steeper = torch.minimum(small, wide), (wide < small).any(1)
    if bool(steeper.any()):
        inside, outside = _spreads_of_formula(judge, points[:, steeper])
        confirmed = torch.where(outside < STEEP * inside, torch.minimum(small[steeper], SHARED * inside), 0.0)
        found[steeper] = torch.maximum(found[steeper], confirmed)
    return found


def cancelled(judge: Judge, points: Tensor) -> Tensor:
    """The noise of the lowered formula, (k, c), where its terms cancel, if the same code in float64 has no larger error
    than the formula has there, and half of the digits of this dtype right. gelu(approximate="tanh") at -6 is 0 in
    float32, as the formula is, but inside of one kernel, which no perturbation reaches. An error that does not shrink
    in float64 as that of the formula does is no rounding; nor is 0 for the third derivative of i1 at 1e-9, where the
    formula has no digit left in float64 either."""
    inside, _ = _spreads_of_formula(judge, points)
    referee = judge.referees.of(judge.problem.partials, torch.float64)
    exact = referee.enclose(points).at(slice(None), judge.columns)
    error, size = exact.error(judge.attempted(points)), exact.high.abs()
    wide, _ = _spreads_of_formula(judge, points, torch.float64)
    shrinks = error <= FACTOR * wide + ROUNDINGS * ulp.unit_roundoff(torch.float64) * size
    u = ulp.unit_roundoff(judge.dtype)
    cancels, is_right = inside > CANCELS * u * size, error <= u**0.5 * size
    return torch.where(shrinks & is_right & cancels & (exact.status == Status.SETTLED), inside, 0.0)


def _spreads_of_formula(judge: Judge, points: Tensor, dtype: torch.dtype | None = None) -> tuple[Tensor, Tensor]:
    """What perturbing the lowered formulas in a dtype says, by one rounding and by several, each (k, c)."""

    def values(points: Tensor) -> Tensor:
        return judge.evaluate_sympy(placed(judge.problem, points)).values.cpu()[:, list(judge.columns)]

    return spreads(values, points.to(dtype or judge.dtype), MORE_RUNS, _seed(judge, Stream.FORMULA_NOISE))


def _seed(judge: Judge, stream: Stream) -> int:
    return seed_of(stream, judge.problem.seed)


def _natural_scale(judge: Judge, points: Tensor) -> Tensor:
    """The largest |∂^β f|·Π|x_j|^(β_j - α_j) over β <= α, (k, c): what the terms of ∂^α f amount to that may cancel, as
    in the second derivative of a product by one factor, which is 0."""
    alphas = [judge.problem.partials[column] for column in judge.columns]
    below = sorted({beta for alpha in alphas for beta in product(*(range(times + 1) for times in alpha))})
    exact = judge.referees.of(tuple(below), judge.dtype).enclose(points)
    size = torch.where(exact.status == Status.SETTLED, exact.high.abs(), 0.0)
    scales = [_scale(alpha, below, size, points) for alpha in alphas]
    return torch.stack(scales, 1)


def _scale(alpha: MultiIndex, below: list[MultiIndex], size: Tensor, points: Tensor) -> Tensor:
    """(k,) for one α."""
    largest = torch.zeros(points.shape[1], dtype=torch.float64)
    for column, beta in enumerate(below):
        powers = torch.tensor([b - a for a, b in zip(alpha, beta, strict=True)], dtype=torch.float64).unsqueeze(1)
        if bool((powers <= 0).all()):
            term = size[:, column] * (points.abs() ** powers).prod(0)
            largest = torch.maximum(largest, term.nan_to_num(nan=0.0, posinf=0.0))
    return largest
