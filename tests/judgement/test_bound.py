import math

import torch

from derivcheck.exact.enclosures import Exact, Status
from derivcheck.judgement.bound import judge
from derivcheck.judgement.rows import difference
from derivcheck.sampling.points import Points

U = 2.0**-53


def exactly(*values, status=Status.SETTLED):
    high = torch.tensor(values, dtype=torch.float64).unsqueeze(1)
    return Exact(high, torch.zeros_like(high), torch.full(high.shape, int(status)))


def judged(values, exact, estimates=(), dtype=torch.float64, **more):
    table = torch.tensor(values, dtype=torch.float64).unsqueeze(1)
    points = Points(torch.zeros(1, len(values), dtype=torch.float64), torch.zeros(len(values), dtype=torch.int64))
    return judge(points, table, exact, dtype, estimates, **more)


def test_a_few_roundings_pass_and_more_fail():
    found = judged([1 + 4 * U, 1 + 16 * U], exactly(1.0, 1.0))
    assert found.fails[:, 0].tolist() == [False, True]


def test_nan_and_infinity_always_fail():
    found = judged([math.nan, math.inf, -math.inf], exactly(1.0, 1.0, 1.0))
    assert found.fails.all()
    assert torch.isinf(found.excess).all()


def test_the_noise_counts_32_times_and_is_asked_for_only_where_it_matters():
    asked = []

    def estimate(places, error):
        asked.extend(places.tolist())
        return torch.full_like(error, 1e-12)

    found = judged([1.0, 1 + 3e-11, 1 + 4e-11], exactly(1.0, 1.0, 1.0), [estimate])
    assert asked == [1, 2]
    assert found.fails[:, 0].tolist() == [False, False, True]


def test_later_estimates_see_only_what_still_fails():
    seen = []

    def estimate(size):
        def run(places, error):
            seen.append(places.tolist())
            return torch.full_like(error, size)

        return run

    judged([1.0, 1 + 1e-12, 1 + 1e-9], exactly(1.0, 1.0, 1.0), [estimate(1e-13), estimate(1e-13)])
    assert seen == [[1, 2], [2]]


def test_points_without_an_exact_value_are_not_judged():
    for status in (Status.UNDEFINED, Status.KINK, Status.UNSETTLED):
        assert not judged([math.nan], exactly(0.0, status=status)).fails.any()


def test_a_value_beyond_the_dtype_is_not_judged():
    assert not judged([math.inf], exactly(1e5), dtype=torch.float16).fails.any()
    assert judged([math.inf], exactly(6e4), dtype=torch.float16).fails.all()


def test_tolerances_replace_the_rule():
    assert not judged([1.001], exactly(1.0), tolerances=(1e-2, 0.0)).fails.any()
    assert judged([1.001], exactly(1.0), tolerances=(0.0, 1e-4)).fails.all()


def test_the_difference_of_both_sides_leaves_out_where_neither_is_defined():
    a = torch.tensor([1.0, math.nan, 2.0], dtype=torch.float64)
    b = torch.tensor([1.0, math.nan, 2.0 + 2**-51], dtype=torch.float64)
    found = difference(a, b, torch.zeros(3, dtype=torch.bool))
    assert (found.max_abs, found.max_ulp) == (2.0**-51, 1.0)


def test_a_nan_on_one_side_is_not_hidden():
    a, b = torch.tensor([1.0, math.nan]).double(), torch.tensor([1.0, 2.0]).double()
    assert math.isnan(difference(a, b, torch.zeros(2, dtype=torch.bool)).max_abs)
    assert difference(a, b, torch.tensor([False, True])).max_abs == 0
