"""Rounding noise by perturbation: how far a correct computation may be off at a point, in units of the derivative.

Repeat the same autograd computation with every operation's output moved by one rounding at random, forward and
backward, and see how far the results are apart (stochastic arithmetic: Vignes, Math. Comput. Simul. 35, 1993; Parker,
Monte Carlo Arithmetic, 1997). It follows the conditioning of the code as it is written. The computed value itself does
not enter, so that no error excuses itself. What happens inside one kernel it cannot see: `scatter` does.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from derivcheck.judgement.operations import Operations, call, floats, is_number, of_all
from derivcheck.ulp import smallest_subnormal, unit_roundoff

# Runs: 4 clear nearly all points. The largest of 16 is exceeded by a 17th in 6 % of cases, never by 32 times.
FIRST_RUNS, MORE_RUNS = 4, 12
PASSES = 4  # evaluations that the runs of the second round are spread over; the first round is one
LARGE_SIZE = 64  # roundings of the second perturbation: of 12 runs, one in ten then still hits a number exactly
LARGE_MOST = 2.0**-4  # at most this much of a number: in half precision 64 roundings are a quarter of it
FEWEST = 3  # runs that must have taken the same branches as the plain one for their distances to say anything
SINGLE = unit_roundoff(torch.float32)
LONG_BITS = 8  # a number whose last 8 bits are not all 0, such as 0.1 or pi, was rounded; one of fewer bits was not

# Operations that move data or decide, and round nothing. Views are recognised by their schema.
EXACT = frozenset(
    "detach neg abs clone copy_ sign where index index_put index_put_ index_select gather scatter masked_fill "
    "masked_scatter zeros_like new_zeros zeros empty_like new_empty empty empty_strided new_empty_strided fill_ zero_ "
    "cat stack maximum minimum max min amax amin relu threshold threshold_backward clamp clamp_min clamp_max floor "
    "ceil round trunc frac heaviside nan_to_num flip roll repeat sort topk unbind expand_copy "
    "rand randn randint bernoulli _efficientzerotensor _new_zeros_with_same_feature_meta".split()
)
# Operations that make numbers from scalars: their outputs are rounded only if the scalar was.
FACTORIES = frozenset(
    "full full_like new_full ones ones_like new_ones scalar_tensor arange linspace lift_fresh".split()
)

# Operations whose results, though floats, are decisions: a number that has jumped.
DECIDING = frozenset("floor ceil round trunc sign heaviside".split())

Values = Callable[[Tensor], Tensor]  # points (d, n) -> (n, m)


class Perturbed(Operations):
    """Inside this mode every rounding is redone at random: out·(1 + size·2u·r) rounded, r uniform in [-1, 1].

    With 2u the move is up to one spacing of floats either way, so that a number just above a power of two, whose
    neighbours are 2u away, can move at all. What is not finite is left alone: it is no rounding.
    """

    def __init__(self, seed: int, dtype: torch.dtype, size: int | Tensor = 1) -> None:
        super().__init__()
        self.u = unit_roundoff(dtype)
        self.size = size if isinstance(size, int) else 1
        self.sizes = None if isinstance(size, int) else size
        """(n,) one for each point, if they differ; numbers that belong to no point are then moved by one rounding."""
        self.placed = True
        """Whether all numbers, if they have as many as there are points, showed which of them belong to a point."""
        self.decisions: list[Tensor] = []
        """What operations made of floats that is no float, or jumps: conditions, indices, whole numbers."""
        self.generator = torch.Generator().manual_seed(seed % 2**63)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        if not _rounding(func):
            return self._noted(name, args, call(func, args, kwargs))
        if name == "_to_copy" and not _narrows(call(func, args, kwargs), args[0]):
            return call(func, args, kwargs)
        if not self.size:
            out = call(func, args, kwargs)
            return out if func._schema.is_mutable else self._noted(name, args, out)
        if _has_tensor(args):
            args = tuple(_each(self._scalar, a) for a in args)
            kwargs = {key: _each(self._scalar, a) for key, a in (kwargs or {}).items()}
        moved = _each(self._factory if name in FACTORIES else self._tensor, out := call(func, args, kwargs or {}))
        if func._schema.is_mutable and isinstance(out, Tensor):
            return out.copy_(moved)
        return self._noted(name, args, moved)

    def _noted(self, name: str, args: Any, out: Any) -> Any:
        """The result of an operation, kept if it is a decision by floats."""
        if isinstance(out, Tensor) and (name in DECIDING or not _is_float(out)) and any(True for _ in floats(args)):
            self.decisions.append(out.detach().clone())
        return out

    def _tensor(self, out: Any) -> Any:
        """A coarser dtype than the one asked for stays as it is: float32 inside a float64 backward is a defect."""
        if isinstance(out, Tensor) and out.is_complex():
            return torch.view_as_complex(self._tensor(torch.view_as_real(out.resolve_conj()).contiguous()))
        if not is_number(out) or unit_roundoff(out.dtype) > self.u:
            return out
        size = self.size if self.sizes is None else self._sizes(out)
        width, tiny = 2 * unit_roundoff(out.dtype) * self.size, size * smallest_subnormal(out.dtype)
        r = torch.empty(out.shape, dtype=torch.float32).uniform_(-width, width, generator=self.generator)
        r = r.to(out.device, out.dtype) if self.sizes is None else r.to(out.device, out.dtype) * size
        moved = out + (out * r).nan_to_num(0.0, 0.0, 0.0)
        subnormal = (out != 0) & (out.abs() < torch.finfo(out.dtype).tiny)
        return torch.where(subnormal, out + r.sign() * tiny, moved) if bool(subnormal.any()) else moved

    def _sizes(self, out: Tensor) -> int | Tensor:
        """The sizes along the dimension of the points."""
        assert self.sizes is not None
        n = len(self.sizes)
        dimensions = [i for i, length in enumerate(out.shape) if length == n]
        if len(dimensions) == 1:
            return self.sizes.to(out.dtype).reshape(-1, *[1] * (out.dim() - 1 - dimensions[0]))
        self.placed &= out.numel() < n
        return 1

    def _factory(self, out: Any) -> Any:
        """What was made from 1 or 0.5 is exact; what was made from 0.1 or pi was rounded. In half precision, which has
        8 bits, that cannot be told; its own roundings are larger. A number of no dimension in more precision is a
        scalar to torch."""
        if not is_number(out) or torch.finfo(out.dtype).bits < 32:
            return out
        if out.dim() == 0 and unit_roundoff(out.dtype) < self.u:
            return torch.full_like(out, self._scalar(out.item()))
        return torch.where(_is_short(out.double(), unit_roundoff(out.dtype)), out, self._tensor(out))

    def _scalar(self, value: Any) -> Any:
        """A scalar operand such as 0.1 stands for a number that no float is: move it by one rounding of the dtype."""
        if type(value) is not float or value == 0 or bool(_is_short(torch.tensor(value, dtype=torch.float64), self.u)):
            return value
        r = float(torch.rand((), generator=self.generator)) * 2 - 1
        return value * (1 + 2 * self.u * self.size * r)


def _narrows(out: Tensor, source: Tensor) -> bool:
    """Whether a conversion rounds."""
    return out.is_floating_point() and unit_roundoff(out.dtype) > (
        unit_roundoff(source.dtype) if source.is_floating_point() else 0.0
    )


def _is_float(out: Tensor) -> bool:
    return out.is_floating_point() or out.is_complex()


def _each(change: Callable[[Any], Any], value: Any) -> Any:
    """`tree_map`, which takes longer than most operations, where there is a tree."""
    return tree_map(change, value) if isinstance(value, list | tuple | dict) else change(value)


def _has_tensor(args: Any) -> bool:
    return any(isinstance(a, Tensor) for a in args)


@cache
def _rounding(func: Any) -> str:
    """The name of an operation that may round, or nothing."""
    name: str = func.overloadpacket.__name__
    is_view = any(r.alias_info is not None and not r.alias_info.is_write for r in func._schema.returns)
    return "" if (is_view and name not in FACTORIES) or name in EXACT else name


def _is_short(values: Tensor, u: float) -> Tensor:
    """Whether a float64 has `LONG_BITS` significant bits fewer than floats of unit roundoff u, or is not finite. In
    half precision, which has so few, whether it is such a float."""
    mantissa, _ = torch.frexp(values)
    scaled = mantissa / (u if u > SINGLE else u * 2**LONG_BITS)
    return (scaled == scaled.round()) | ~torch.isfinite(values)


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


def moves(evaluate: Values, points: Tensor, runs: int, seed: int) -> tuple[Tensor, Tensor]:
    """How far each run moves the values, of one rounding and of several, float64 (2, runs, k, m), and whether it
    decided as the plain one, bool (2, runs, k, 1), on the CPU.

    The runs are few evaluations of the points repeated: more than one in the second round, because a scalar operand is
    the same number for all points. Each place is compared with its own unperturbed value, so that what depends on the
    place, as in a function that mixes points, is no noise; the unperturbed value of the point itself cancels. A
    function that gives something else when it is called again, because it keeps state, has no noise: NaN.
    """
    large = min(LARGE_SIZE, int(LARGE_MOST / (2 * unit_roundoff(points.dtype))))
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
