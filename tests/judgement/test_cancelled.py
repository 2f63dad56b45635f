"""Terms that cancel inside of one kernel, where no perturbation reaches: rounding only if float64 shows less of it."""

import pytest
import torch
import torch.nn.functional as F

from derivcheck import check
from derivcheck.outcomes import Verdict

GELU = "x*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))/2"


def gelu(x):
    return F.gelu(x, approximate="tanh")


def slightly_off(x):
    """By a thousandth in the tail, which is far below the rounding of 1 + tanh in float32."""
    return torch.where(x < -4, 1.001 * gelu(x), gelu(x))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("domain", [(-6, 6), (-5.97, -5.97), (-5, -5)])
def test_what_the_formula_loses_as_well_is_no_lie(dtype, domain):
    report = check(GELU, function=gelu, dtype=dtype, domain=domain, points=300, timing=False)
    assert report.verdict in (Verdict.AGREES, Verdict.IMPRECISE)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_an_error_that_stays_in_float64_is_none_of_rounding(dtype):
    report = check(GELU, function=slightly_off, dtype=dtype, domain=(-6, 6), points=300, timing=False)
    assert report.verdict is Verdict.DISAGREES


def test_a_value_that_float64_does_not_know_either_is_wrong():
    """Torch's i1 has the third derivative 0 near 0 for 3/8: the formula's terms, 1/x**2, cancel in any dtype."""
    report = check("besseli(1, x)", function=torch.special.i1, dtype="float32", partials="x,x,x", domain=(1e-9, 1e-8))
    assert report.verdict is Verdict.DISAGREES
