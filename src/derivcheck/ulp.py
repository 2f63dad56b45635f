"""Distances between floating-point numbers: ordinals, ULP, lost bits.

The ordinal of a float counts the floats between it and 0, with its sign, so neighbours differ by 1 and the ULP
distance is a difference of ordinals (Dawson, "Comparing Floating Point Numbers", 2012). The subtraction is done
in int64: in float64 adjacent ordinals near 2**62 would collapse.
"""

import torch
from torch import Tensor

INTEGER = {8: torch.int64, 4: torch.int32, 2: torch.int16}
FAR = 2**62  # the distance to a NaN, and of two floats whose difference of ordinals overflows: beyond any other


def unit_roundoff(dtype: torch.dtype) -> float:
    """u: the largest relative error of one rounding to nearest, half the spacing of floats at 1."""
    return torch.finfo(dtype).eps / 2


def smallest_subnormal(dtype: torch.dtype) -> float:
    """The spacing of floats around 0, and so twice the largest error of a rounding there."""
    info = torch.finfo(dtype)
    return info.tiny * info.eps


def ordinal(values: Tensor) -> Tensor:
    """Signed count (int64, shape of `values`) of the floats of this dtype between 0 and each value."""
    bits = values.contiguous().view(INTEGER[values.element_size()]).to(torch.int64)
    lowest = -(2 ** (8 * values.element_size() - 1))
    return torch.where(bits < 0, lowest - bits, bits)


def from_ordinal(ordinals: Tensor, dtype: torch.dtype) -> Tensor:
    """The floats of `dtype` with these ordinals (int64)."""
    width = torch.finfo(dtype).bits
    bits = torch.where(ordinals < 0, -(2 ** (width - 1)) - ordinals, ordinals)
    return bits.to(INTEGER[width // 8]).view(dtype)


def ulp_distance(a: Tensor, b: Tensor) -> Tensor:
    """Number (int64) of floats from a to b, which have one dtype; `FAR` where either is NaN."""
    distance = (ordinal(a) - ordinal(b)).abs()
    return torch.where(torch.isnan(a) | torch.isnan(b) | (distance < 0), FAR, distance)


def lost_bits(error: Tensor, exact: Tensor, u: float) -> Tensor:
    """log2(error / (u·|exact|)) in bits, at least 0: how much of the significand is wrong. inf for a NaN error."""
    ratio = error / (u * exact.abs()).clamp(min=smallest_subnormal(torch.float64))
    bits = torch.where(error == 0, torch.zeros_like(ratio), torch.log2(ratio).clamp(min=0))
    return torch.where(torch.isfinite(error), bits, torch.inf)
