import math

import pytest
import torch

from derivcheck import ulp

DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]


@pytest.mark.parametrize("dtype", DTYPES)
def test_neighbours_are_one_ulp_apart_also_across_zero(dtype):
    tiny = ulp.smallest_subnormal(dtype)
    a = torch.tensor([1.0, -tiny, 0.0], dtype=dtype)
    b = torch.tensor([1.0 + torch.finfo(dtype).eps, 0.0, tiny], dtype=dtype)
    assert ulp.ulp_distance(a, b).tolist() == [1, 1, 1]


def test_adjacent_large_floats_are_not_zero_apart():
    x = torch.tensor([1.5e300], dtype=torch.float64)
    assert ulp.ulp_distance(x, torch.nextafter(x, x * 2)).item() == 1


def test_plus_and_minus_zero_are_the_same_place():
    assert ulp.ulp_distance(torch.tensor([0.0]), torch.tensor([-0.0])).item() == 0


def test_a_nan_is_far_from_everything():
    assert ulp.ulp_distance(torch.tensor([math.nan]), torch.tensor([1.0])).item() == ulp.FAR


@pytest.mark.parametrize("dtype", DTYPES)
def test_ordinals_lead_back_to_the_float(dtype):
    values = torch.tensor([0.0, 1.0, -1.0, 0.1, -3e4, 6e-8], dtype=dtype)
    assert torch.equal(ulp.from_ordinal(ulp.ordinal(values), dtype), values)


@pytest.mark.parametrize("dtype", DTYPES)
def test_smallest_subnormal_is_the_float_after_zero(dtype):
    assert ulp.from_ordinal(torch.tensor([1]), dtype).item() == ulp.smallest_subnormal(dtype)


def test_lost_bits_count_units_of_roundoff():
    u = 2.0**-53
    error, exact = torch.tensor([4 * u, 0.0, u / 8, math.nan]), torch.ones(4)
    assert ulp.lost_bits(error.double(), exact.double(), u).tolist() == [2.0, 0.0, 0.0, math.inf]
