"""What a pass says it would have seen."""

import math

import torch

from derivcheck import Verdict, check


def rows(expression, **request):
    return check(expression, dtype="float32", timing=False, points=200, **request).checks[0].partials


def test_where_infinity_is_right_no_relative_error_is_claimed_to_be_seen():
    """Beyond the largest float32, 3.4e38, the bound is that of this number, and 1e300 times smaller than the value."""
    for row in rows("(sin(x) + 1)**900"):
        assert row.sensitivity.median > torch.finfo(torch.float32).eps
        assert row.sensitivity.worst >= row.sensitivity.median


def test_a_partial_below_the_smallest_float_is_rightly_0_and_not_imprecise():
    for row in rows("x*1e-320", function=lambda x: x * 1e-320):
        assert row.verdict is Verdict.AGREES
        assert math.isnan(row.sensitivity.median)
