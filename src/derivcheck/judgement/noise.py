"""Rounding noise by perturbation: how far a correct computation may be off at a point, in units of the derivative.

Repeat the same autograd computation with every operation's output moved by one rounding at random, forward and
backward, and see how far the results are apart (stochastic arithmetic: Vignes, Math. Comput. Simul. 35, 1993; Parker,
Monte Carlo Arithmetic, 1997). It follows the conditioning of the code as it is written. The computed value itself does
not enter, so that no error excuses itself. What happens inside one kernel it cannot see: `scatter` does.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from derivcheck.judgement.operations import of_all
from derivcheck.judgement.perturbed import Perturbed
from derivcheck.ulp import unit_roundoff

# Runs: 4 clear nearly all points. The largest of 16 is exceeded by a 17th in 6 % of cases, never by 32 times.
FIRST_RUNS, MORE_RUNS = 4, 12
PASSES = 4  # evaluations that the runs of the second round are spread over; the first round is one
LARGE_SIZE = 64  # roundings of the second perturbation: of 12 runs, one in ten then still hits a number exactly
LARGE_MOST = 2.0**-4  # at most this much of a number: in half precision 64 roundings are a quarter of it
FEWEST = 3  # runs that must have taken the same branches as the plain one for their distances to say anything

Values = Callable[[Tensor], Tensor]  # points (d, n) -> (n, m)


def perturbation(evaluate: Values, points: Tensor, runs: int, seed: int) -> Tensor:
    """How far perturbed evaluations are apart, float64 (k, m), at points (d, k): the smaller of what perturbations of
    one rounding and of several say. A result that jumps, because a perturbed number decides a branch, jumps as far by
    either; where it leaves a wrong branch for good, only the smaller one may still meet it."""
    return torch.minimum(*spreads(evaluate, points, runs, seed))


def spreads(evaluate: Values, points: Tensor, runs: int, seed: int) -> tuple[Tensor, Tensor]:
    """What perturbations of one rounding say, and those of several, each float64 (k, m) on the CPU. Of one rounding,
    those runs say nothing that decide otherwise than the plain one, if enough are left."""
    (small, wide), (same, _) = moves(evaluate, points, runs, seed)
    # A run that leaves the range says nothing, and those that are left of the wide ones are the smaller ones.
    whole, enough = torch.isfinite(wide).all(0), same.sum(0) >= FEWEST
    alike = spread(small.masked_fill(~same, torch.nan))
    small = torch.where(enough, alike, 0.0 if runs <= FIRST_RUNS else spread(small))
    return small, torch.where(whole, spread(wide), small)


def several(dtype: torch.dtype) -> int:
    """Roundings of the second perturbation in a dtype."""
    return min(LARGE_SIZE, int(LARGE_MOST / (2 * unit_roundoff(dtype))))


def moves(evaluate: Values, points: Tensor, runs: int, seed: int) -> tuple[Tensor, Tensor]:
    """How far each run moves the values, of one rounding and of several, float64 (2, runs, k, m), and whether it
    decided as the plain one, bool (2, runs, k, 1), on the CPU.

    The runs are few evaluations of the points repeated: more than one in the second round, because a scalar operand is
    the same number for all points. Each place is compared with its own unperturbed value, so that what depends on the
    place, as in a function that mixes points, is no noise; the unperturbed value of the point itself cancels. A
    function that gives something else when it is called again, because it keeps state, has no noise: NaN.
    """
    large = several(points.dtype)
    if runs <= FIRST_RUNS and (found := _together(evaluate, points, runs, seed, large)):
        return found
    passes = PASSES if runs > FIRST_RUNS else 1
    plain = _Plain(evaluate, points, runs // passes)
    each = [plain.moved(seed + 1000 * k, size) for size in (1, large) for k in range(passes)]
    values = torch.cat([moved for moved, _, _ in each]).reshape(2, runs, points.shape[1], -1)
    if passes > 1:
        values = values.masked_fill(plain.changed(), torch.nan)
    return values, torch.cat([same for _, same, _ in each]).reshape(2, runs, points.shape[1], 1)


def _together(evaluate: Values, points: Tensor, runs: int, seed: int, large: int) -> tuple[Tensor, Tensor] | None:
    """`moves` by one evaluation for both sizes; None where some result does not show which numbers are of a point."""
    k = points.shape[1]
    plain = _Plain(evaluate, points, 2 * runs)
    sizes = torch.ones(2, runs * k, device=points.device, dtype=points.dtype)
    sizes[1] = large
    values, same, placed = plain.moved(seed, sizes.flatten())
    return (values.reshape(2, runs, k, -1), same.reshape(2, runs, k, 1)) if placed else None


class _Plain:
    """What an evaluation gives unperturbed, at points (d, k) repeated so many times."""

    def __init__(self, evaluate: Values, points: Tensor, repeats: int) -> None:
        self.evaluate, self.repeats, self.dtype = evaluate, repeats, points.dtype
        self.points = points.repeat(1, repeats)
        self.values, self.decisions = self._unmoved()

    def _unmoved(self) -> tuple[Tensor, list[Tensor]]:
        """The values, and what was decided: perturbed by nothing, since in a mode torch takes other ways (det)."""
        with Perturbed(0, self.dtype, 0) as mode:
            return self.evaluate(self.points).double(), mode.decisions

    def moved(self, seed: int, size: int | Tensor) -> tuple[Tensor, Tensor, bool]:
        """How far a perturbation moves the values, (n, m) on the CPU; whether it took the same decisions, (n,); and
        whether all numbers could be moved by the size of their point."""
        with Perturbed(seed, self.dtype, size) as mode:
            found = self.evaluate(self.points).double() - self.values
        same = _decided_alike(self.decisions, mode.decisions, self.points.shape[1])
        return found.cpu(), same, mode.placed

    def changed(self) -> Tensor:
        """(k, m) bool: whether a second call gives something else."""
        again, u = self._unmoved()[0], unit_roundoff(self.dtype)
        changed = ~((again - self.values).abs() <= u**0.5 * self.values.abs()) & again.isfinite()
        anywhere: Tensor = changed.reshape(self.repeats, -1, changed.shape[1]).any(0)
        return anywhere.cpu()


def _decided_alike(first: list[Tensor], second: list[Tensor], n: int) -> Tensor:
    """(n,) bool: points at which both took the same decisions; all of them if the decisions do not correspond."""
    same = torch.ones(n, dtype=torch.bool)
    if [d.shape for d in first] == [d.shape for d in second]:
        for a, b in zip(first, second, strict=True):
            same &= of_all(a == b, n)
    return same


def spread(values: Tensor, fewest: int = 2) -> Tensor:
    """Largest minus smallest along the first dimension of what is finite; 0 where that is fewer than `fewest`."""
    valid = torch.isfinite(values)
    high, low = values.masked_fill(~valid, -torch.inf).amax(0), values.masked_fill(~valid, torch.inf).amin(0)
    return torch.where(valid.sum(0) >= fewest, high - low, 0.0)
