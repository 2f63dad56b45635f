"""Errors that scatter: rounding inside a kernel is noise, a shortcut is not."""

import pytest
import torch

from derivcheck import Verdict, check
from tests.liars import backward


def det(x, y, z):
    return torch.linalg.det(torch.stack([torch.stack([x, z], -1), torch.stack([z, y], -1)], -2))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_inverse_of_a_nearly_singular_matrix_is_no_error_in_the_second_derivative_of_det(dtype):
    """It is 0 or a whole number, and torch computes it from the inverse: the errors are as large as its entries."""
    partials = ["x,x", "x,y", "z,z"]
    report = check("x*y - z**2", function=det, domain=(1, 2), dtype=dtype, partials=partials, timing=False)
    assert report.verdict is not Verdict.DISAGREES


def rough(x, size):
    """A factor that differs from float to float, up to this size from 1."""
    bits = x.detach().view(torch.int64 if x.dtype is torch.float64 else torch.int32)
    return 1 + size * (bits % 7).to(x.dtype) / 8


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("coarse", [torch.float64, torch.float32])
def test_a_slope_that_is_rough_in_one_dtype_disagrees_in_it_and_in_no_other(dtype, coarse):
    """By 2^10 roundings, as a table of few bits is."""

    def slope(x):
        return x.cosh() * rough(x, 2.0**10 * torch.finfo(x.dtype).eps) if x.dtype is coarse else x.cosh()

    report = check("sinh(x)", function=backward(torch.sinh, slope), domain=(0, 2), dtype=dtype, timing=False)
    assert (report.verdict is Verdict.DISAGREES) == (f"torch.{dtype}" == str(coarse))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_slope_that_is_as_rough_in_every_dtype_disagrees(dtype):
    """What does not shrink with the unit is no rounding."""
    function = backward(torch.sinh, lambda x: x.cosh() * rough(x, 2.0**-12))
    assert check("sinh(x)", function=function, domain=(0, 2), dtype=dtype, timing=False).verdict is Verdict.DISAGREES
