"""Where random points do not look: corners, kinks, and wherever the worst points lead."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from itertools import combinations, islice, product
from typing import TYPE_CHECKING, Any

import sympy as sp
import torch
from torch import Tensor

from derivcheck.engines.calling import dtype_of
from derivcheck.engines.streams import Stream, generator
from derivcheck.engines.timing import require_time
from derivcheck.sampling.points import Kind, Points, ends, into
from derivcheck.symbolic.differentiation import symbolic_of

if TYPE_CHECKING:
    from derivcheck.problem import Problem
    from derivcheck.symbolic.kinks import Switches

# Sizes at which implementations switch formulas, lose digits or leave the range, as exponents of two, for both signs.
SMALL = (-4, -10, -26, -40, -60, -100)
"""About the square roots of the unit roundoffs of bfloat16 (2**-4), float32 (2**-12) and float64 (2**-26.5): below its
own, 1 + x² rounds to 1. Further down, a formula for small x must still be right, as far as its square is a number."""
INTEGERS, HALVES = 8, 5
"""Integers up to 8 and odd multiples of 1/2 up to 5/2, of both signs: where powers, remainders and tables branch."""
MOST_CONSTANTS = 16  # numbers of the expression, the first in sympy's order: a formula that people write has a few
TIES, MOST_PAIRS = 4, 28  # points per pair of variables that are equal, and pairs: all those of up to 8 variables
LARGE = (4, 10, 30, 100, 500, 1000)
"""2**4: tanh and sigmoid of a float32 are about to round to 1. 2**10: exp has overflowed. 2**30: float32 has no odd
numbers. 2**100: its square leaves the range of float32. 2**500 and 2**1000: a cube, then a square, leaves float64's."""
NEAR_ENDS = (-5, -10, -20, -30)
"""Distances from the ends in units of the domain's width, from 3 % to 1e-9: a formula for the vicinity of an end may
take over at any of these magnitudes."""
MOST_CORNERS = 3000  # some 70 per variable and 164 of all together: every corner up to 40 variables
FEWEST_CORNERS = 200  # however many variables and partials: what the referee looks at in any case
MOST_NUMBERS = 2**20  # coordinates and partials of all corners: 8 MB, several times, and 300 columns have them all
MOST_COMBINED = 10  # variables whose ends are combined in all 2**d ways; of more, all low and all high
MOST_COMBINATIONS = 16  # kept of those: all of them up to 4 variables
LINES, GRID = 8, 33  # random lines per variable and places along each: a switch that is on for 3 % of a line is met
MOST_KINKS = 64  # kept per variable: a piecewise formula has a few, on each of the lines; fewer of 47 variables or more
BISECTIONS = 64  # halvings of an interval of float64 until its ends are neighbours
BESIDE = (2.0**-40, 2.0**-20, 2.0**-8)  # distances of points beside a kink: past the roundoff of float64, 32 and 16
KINK_AT_ZERO = 1e-3  # those distances are relative to |kink| plus this, so that 0 has neighbours too
SEARCHERS, PROPOSALS, ROUNDS = 8, 32, 3  # worst points followed, points tried around each, narrowings
NARROWING = 1 / 32  # of the steps, in units of the domain's width, from one round to the next


def special(problem: Problem, switches: Switches | None) -> Points:
    """The corners of the domain and, if the expression has switches, its kinks with points to both sides."""
    parts = [(Kind.CORNER, _corners(problem))] + ([(Kind.KINK, _kinks(problem, switches))] if switches else [])
    kinds = torch.cat([torch.full((columns.shape[1],), int(kind)) for kind, columns in parts])
    return Points(into(problem, torch.cat([columns for _, columns in parts], 1)), kinds)


def _corners(problem: Problem) -> Tensor:
    """Each variable at its special numbers with the others random; all at their ends; all at the same number; and pairs
    that are equal with the others random."""
    constants = _constants(problem)
    special = [_special(problem, constants, low, high) for low, high in problem.domain]
    random = generator(Stream.CORNERS, problem.seed)
    low, high = ends(problem)
    together, pairs = [*_combined_ends(problem), *((x,) * len(special) for x in special[0])], _pairs(problem)
    total = sum(map(len, special)) + len(together) + TIES * len(pairs)
    step, count, points = -(-total // _most_corners(problem)), 0, []
    for j, numbers in enumerate(special):
        chosen = numbers[-count % step :: step]  # those that are left out would take gigabytes with 1,700 variables
        fractions = torch.rand((len(chosen), len(special)), generator=random, dtype=torch.float64)
        rows = low.T + (high - low).T * fractions
        rows[:, j] = torch.tensor(chosen, dtype=torch.float64)
        points.append(rows)
        count += len(numbers)
    rest = torch.cat([torch.tensor(together, dtype=torch.float64), _ties(problem, pairs, random)])
    return torch.cat([*points, rest[-count % step :: step]]).T


def _most_corners(problem: Problem) -> int:
    """As many as memory has room for, with all their partials."""
    return max(FEWEST_CORNERS, min(MOST_CORNERS, MOST_NUMBERS // (len(problem.variables) + len(problem.partials))))


def _combined_ends(problem: Problem) -> list[tuple[float, ...]]:
    """Points at which every variable is at one of its ends."""
    together = zip if len(problem.domain) > MOST_COMBINED else product
    every = list(together(*problem.domain))
    return every[:: max(1, len(every) // MOST_COMBINATIONS)][:MOST_COMBINATIONS]


def _pairs(problem: Problem) -> list[tuple[int, int]]:
    """Variables whose domains overlap: where two are equal, a comparison branches."""
    both = combinations(enumerate(problem.domain), 2)
    return list(islice(((i, j) for (i, a), (j, b) in both if max(a[0], b[0]) <= min(a[1], b[1])), MOST_PAIRS))


def _ties(problem: Problem, pairs: list[tuple[int, int]], random: torch.Generator) -> Tensor:
    """Points (k, d) at which two variables are equal."""
    low, high = (end.squeeze(1) for end in ends(problem))
    fractions = torch.rand((TIES * len(pairs), len(low)), generator=random, dtype=torch.float64)
    points = low + (high - low) * fractions
    for k, (i, j) in enumerate(pairs * TIES):
        least, most = torch.maximum(low[i], low[j]), torch.minimum(high[i], high[j])
        points[k, [i, j]] = least + (most - least) * fractions[k, i]
    return points


def _constants(problem: Problem) -> list[float]:
    """Numbers of the formula and their negatives: an implementation may branch there as the formula does."""
    if problem.formula is None:
        found = symbolic_of(problem)
        numbers: list[Any] = sorted(found.graph.numbers(found.root), key=lambda number: abs(number))
    else:
        numbers = sorted(problem.formula.atoms(sp.Number), key=sp.default_sort_key)
    small = [number for number in numbers[:MOST_CONSTANTS] if abs(number) < sys.float_info.max]
    return [sign * float(number) for number in small for sign in (1, -1)]


def _special(problem: Problem, constants: Sequence[float], low: float, high: float) -> list[float]:
    """Numbers of the domain at which implementations branch, overflow or divide by zero."""
    tiny = torch.finfo(dtype_of(problem)).tiny
    width = high - low
    near_ends = [end + step * width * 2.0**k for end, step in ((low, 1), (high, -1)) for k in NEAR_ENDS]
    plain = [*range(1, INTEGERS + 1), *(k / 2 for k in range(1, HALVES + 1, 2))]
    sizes = [tiny, *plain, *(2.0**k for k in (*SMALL, *LARGE))]
    numbers = [low, high, low + width / 2, *near_ends, 0.0, *constants, *sizes, *(-x for x in sizes)]
    return sorted({x for x in numbers if low <= x <= high})


def _kinks(problem: Problem, switches: Switches) -> Tensor:
    """Zeros of the switches along random lines parallel to the axes, by bisection, each with points to both sides."""
    random = generator(Stream.KINKS, problem.seed)
    low, high = ends(problem)
    base = low + (high - low) * torch.rand((len(low), LINES), generator=random, dtype=torch.float64)
    grid = torch.linspace(0, 1, GRID, dtype=torch.float64)
    found, most = [], _most_corners(problem)
    scanned = range(0, len(low), -(-len(low) * (2 + 2 * len(BESIDE)) // most))
    for j in scanned:
        require_time(problem.deadline, "the search for kinks")
        line = base.repeat_interleave(GRID, 1)
        line[j] = low[j] + (high[j] - low[j]) * grid.repeat(LINES)
        found.append(_crossings(switches, line, j, min(MOST_KINKS, most // len(scanned))))
    return torch.cat(found, 1)


def _crossings(switches: Switches, line: Tensor, j: int, most: int) -> Tensor:
    """Where a switch changes sign on the lines, narrowed in x_j to neighbouring floats, and points beside them."""
    signs = switches(line).sign()
    change = (signs[:-1] * signs[1:] <= 0) & ((signs[:-1] != 0) | (signs[1:] != 0))
    change[GRID - 1 :: GRID] = False
    places, which = change.nonzero()[:most].T
    left, right = line[:, places].clone(), line[:, places + 1].clone()
    start = signs[places, which]
    for _ in range(BISECTIONS):
        middle = left.clone()
        middle[j] = left[j] + (right[j] - left[j]) / 2
        same = switches(middle).sign()[torch.arange(len(which)), which] == start
        left[j], right[j] = torch.where(same, middle[j], left[j]), torch.where(same, right[j], middle[j])
    beside = [left, right]
    for step in (sign * size for size in BESIDE for sign in (-1, 1)):
        moved = right.clone()
        moved[j] = right[j] + step * (right[j].abs() + KINK_AT_ZERO)
        beside.append(moved)
    return torch.cat(beside, 1)


def search(problem: Problem, points: Points, scores: Tensor, score: Callable[[Tensor], Tensor]) -> None:
    """Start from the points with the largest scores and narrow in: random steps around each, the best kept.

    `score` is called with the points that are tried, (d, k), and returns one finite number per point.
    """
    random = generator(Stream.SEARCH, problem.seed)
    low, high = ends(problem)
    worst = scores.topk(min(SEARCHERS, len(points))).indices
    best = points.columns[:, worst]
    for k in range(1, ROUNDS + 1):
        steps = torch.randn((len(low), best.shape[1] * PROPOSALS), generator=random, dtype=torch.float64)
        around = best.repeat_interleave(PROPOSALS, 1)
        proposals = into(problem, around + (high - low) * NARROWING**k * steps)
        values = score(proposals).reshape(best.shape[1], PROPOSALS)
        chosen = values.argmax(1) + torch.arange(best.shape[1]) * PROPOSALS
        best = proposals[:, chosen]
