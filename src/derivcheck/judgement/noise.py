"""How far a correct computation may be off at a point: its rounding noise, in absolute units of the derivative.

Two estimates, the larger one counts:

1. *Perturbation*: repeat the same autograd computation with every operation's output moved by one rounding at random,
   forward and backward, and see how far the result moves (stochastic arithmetic: Vignes, Math. Comput. Simul. 35, 1993;
   Parker, Monte Carlo Arithmetic, 1997). It follows the conditioning of the code as it is written.
2. *Scaling*: compute once more in another dtype. A rounding error is proportional to u, so what float32 is off by,
   times 2^-29, is what float64 may be off by; a wrong formula does not scale at all. It sees cancellation *inside*
   one kernel, which the first cannot.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from derivcheck.judgement.operations import Operations, call, is_number
from derivcheck.ulp import smallest_subnormal, unit_roundoff

# Runs: 4 clear nearly all points. The largest of 16 is exceeded by a 17th in 6 % of cases, never by 32 times.
FIRST_RUNS, MORE_RUNS = 4, 12
PASSES = 4  # evaluations that the runs of the second round are spread over; the first round is one
# Relative steps to the points around each over which the second estimate takes its largest: at a single one an error
# may vanish by luck, and where 1 + erf(x) has one bit left it stays so over a hundredth of x (gelu at -5).
STEPS = (0.0, 2.0**-22, -(2.0**-22), 2.0**-12, -(2.0**-12), 2.0**-8, -(2.0**-8), 2.0**-6)
SHORT_BITS = 45  # a float64 scalar with fewer significant bits was written exactly; one with more (0.1, pi) was rounded

# Operations that move data or decide, and round nothing. Views are recognised by their schema.
EXACT = frozenset(
    "detach neg abs clone copy_ sign where index index_put index_put_ index_select gather scatter masked_fill "
    "masked_scatter zeros_like new_zeros zeros empty_like new_empty empty empty_strided new_empty_strided fill_ zero_ "
    "cat stack maximum minimum max min amax amin relu threshold threshold_backward clamp clamp_min clamp_max floor "
    "ceil round trunc frac heaviside nan_to_num lift_fresh flip roll repeat sort topk unbind expand_copy "
    "rand randn randint bernoulli _efficientzerotensor _new_zeros_with_same_feature_meta".split()
)
# Operations that make numbers from scalars: their outputs are rounded only if the scalar was.
FACTORIES = frozenset("full full_like new_full ones ones_like new_ones scalar_tensor arange linspace".split())

Values = Callable[[Tensor], Tensor]  # points (d, n) -> (n, m)
Distance = Callable[
    [Tensor, Tensor], Tensor
]  # points (d, n), values (n, m) there -> their distance from the exact ones


class Perturbed(Operations):
    """Inside this mode every rounding is redone at random: out·(1 + 2u·r) rounded, r uniform in [-1, 1].

    With 2u the move is up to one spacing of floats either way, so that a number just above a power of two, whose
    neighbours are 2u away, can move at all.
    """

    def __init__(self, seed: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.u = unit_roundoff(dtype)
        self.generator = torch.Generator().manual_seed(seed % 2**63)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        if name in EXACT or _is_view(func):
            return call(func, args, kwargs)
        if name == "_to_copy" and not _narrows(call(func, args, kwargs), args[0]):
            return call(func, args, kwargs)
        args, kwargs = tree_map(self._scalar, (args, kwargs or {})) if _has_tensor(args) else (args, kwargs or {})
        moved = tree_map(self._factory if name in FACTORIES else self._tensor, out := call(func, args, kwargs))
        if func._schema.is_mutable and isinstance(out, Tensor):
            return out.copy_(moved)
        return moved

    def _tensor(self, out: Any) -> Any:
        """A coarser dtype than the one asked for stays as it is: float32 inside a float64 backward is a defect."""
        if isinstance(out, Tensor) and out.is_complex():
            return torch.view_as_complex(self._tensor(torch.view_as_real(out.resolve_conj()).contiguous()))
        if not is_number(out) or unit_roundoff(out.dtype) > self.u:
            return out
        u, tiny = unit_roundoff(out.dtype), smallest_subnormal(out.dtype)
        r = torch.rand(out.shape, generator=self.generator, dtype=torch.float32).to(out.device, out.dtype) * 2 - 1
        subnormal = (out != 0) & (out.abs() < torch.finfo(out.dtype).tiny)
        moved = out + out * (2 * u * r)
        return torch.where(subnormal, out + r.sign() * tiny, moved)

    def _factory(self, out: Any) -> Any:
        """What was made from 1 or 0.5 is exact; what was made from 0.1 or pi was rounded."""
        if not is_number(out):
            return out
        return torch.where(_is_short(out.double()), out, self._tensor(out)) if out.dtype == torch.float64 else out

    def _scalar(self, value: Any) -> Any:
        """A scalar operand such as 0.1 stands for a number that no float is: move it by one rounding of float64."""
        if type(value) is not float or value == 0 or bool(_is_short(torch.tensor(value, dtype=torch.float64))):
            return value
        r = float(torch.rand((), generator=self.generator)) * 2 - 1
        return value * (1 + 2 * unit_roundoff(torch.float64) * r)


def _narrows(out: Tensor, source: Tensor) -> bool:
    """Whether a conversion rounds."""
    return out.is_floating_point() and unit_roundoff(out.dtype) > (
        unit_roundoff(source.dtype) if source.is_floating_point() else 0.0
    )


def _has_tensor(args: Any) -> bool:
    return any(isinstance(a, Tensor) for a in args)


def _is_view(func: Any) -> bool:
    return any(r.alias_info is not None and not r.alias_info.is_write for r in func._schema.returns)


def _is_short(values: Tensor) -> Tensor:
    """Whether a float64 has at most 45 significant bits, or is not finite."""
    mantissa, _ = torch.frexp(values)
    scaled = mantissa * 2.0**SHORT_BITS
    return (scaled == scaled.round()) | ~torch.isfinite(values)


def perturbation(evaluate: Values, points: Tensor, runs: int, seed: int) -> Tensor:
    """Largest move over `runs` perturbed evaluations, float64 (k, m), at points (d, k). 0 where a run says nothing.

    The runs are few evaluations of the points repeated, next to one that is not perturbed, of the same size: a function
    that mixes points must not see another batch and pass its leak off as noise. More than one, because a scalar operand
    is the same number for all points.
    """
    passes = PASSES if runs > FIRST_RUNS else 1
    repeated = points.repeat(1, runs // passes)
    plain = evaluate(repeated).double()
    found = []
    for k in range(passes):
        with Perturbed(seed + 1000 * k, points.dtype):
            found.append(evaluate(repeated).double())
    return _largest_move(torch.cat(found), plain.repeat(len(found), 1), runs)


def _largest_move(moved: Tensor, plain: Tensor, runs: int) -> Tensor:
    """Largest distance over the runs, (runs·k, m) -> (k, m). Where one rounding makes a number of a NaN or infinity, or
    the reverse, the noise is infinite: a singularity lies within a rounding. Where both are NaN a run says nothing."""
    distance = torch.nan_to_num((moved - plain).abs(), nan=0.0, posinf=0.0)
    distance = torch.where(torch.isfinite(moved) == torch.isfinite(plain), distance, torch.inf)
    return distance.reshape(runs, len(plain) // runs, plain.shape[1]).amax(0).cpu()


def of_inputs(evaluate: Values, points: Tensor, runs: int, seed: int) -> Tensor:
    """How far the result moves, float64 (k, m), when the inputs alone move by a quarter of a rounding, u/2·r.

    A kernel that is backward stable, such as x - mean(x) inside layer_norm, errs so, and neither perturbing its output
    nor another dtype, whose kernel may compute in float64 inside, shows it (Higham, Accuracy and Stability, 2002, 1.5).
    """
    repeated = points.repeat(1, runs)
    r = torch.rand(repeated.shape, generator=torch.Generator().manual_seed(seed % 2**63), dtype=torch.float64) * 2 - 1
    step = (repeated.double().cpu() * r * (2 * unit_roundoff(points.dtype))).to(points.device)
    moved = evaluate((repeated.double() + step).to(points.dtype)).double()
    return _largest_move(moved, evaluate(repeated).double(), runs) / 4


def scaling(evaluate: Values, points: Tensor, dtype: torch.dtype, error: Tensor, distance: Distance) -> Tensor:
    """Second estimate at points (d, k), float64 (k, m). `error` is what is to be explained."""
    if dtype == torch.float64:
        return _from_float32(evaluate, points)
    return _from_float64(evaluate, points, dtype, error, distance)


def _neighbours(points: Tensor) -> Tensor:
    """Each point (d, k) and others beside it, float64 (d, k·len(STEPS))."""
    factors = 1 + torch.tensor(STEPS, dtype=torch.float64).repeat(points.shape[1])
    return points.double().repeat_interleave(len(STEPS), 1) * factors


def _largest_around(distance: Tensor) -> Tensor:
    """(k·len(STEPS), m) -> (k, m). What is not a number says nothing."""
    clean = torch.nan_to_num(distance, nan=0.0, posinf=0.0)
    return clean.reshape(-1, len(STEPS), distance.shape[1]).amax(1).cpu()


def _from_float32(evaluate: Values, points: Tensor) -> Tensor:
    """2^-29 of the distance between float32 and float64, at points that both represent."""
    near = _neighbours(points).float()
    shrink = unit_roundoff(torch.float64) / unit_roundoff(torch.float32)
    return _largest_around((evaluate(near).double() - evaluate(near.double())).abs()) * shrink


def _from_float64(evaluate: Values, points: Tensor, dtype: torch.dtype, error: Tensor, distance: Distance) -> Tensor:
    """The error that float64 makes here, scaled up by the ratio of the units, if the error to be explained is larger by
    at least the square root of that ratio. Otherwise it does not scale like rounding, and excuses nothing."""
    near = _neighbours(points)
    wide = _largest_around(distance(near, evaluate(near)))
    growth = unit_roundoff(dtype) / unit_roundoff(torch.float64)
    return torch.where(wide * growth**0.5 <= error, wide * growth, 0.0)
