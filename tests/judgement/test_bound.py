import math

import torch

from derivcheck.exact.enclosures import Exact, Status
from derivcheck.judgement.bound import Estimate, judge
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


def test_the_noise_counts_8_times_and_is_asked_for_only_where_it_matters():
    asked = []

    def estimate(places):
        asked.extend(places.tolist())
        return torch.full((len(places), 1), 4e-12, dtype=torch.float64)

    found = judged([1.0, 1 + 3e-11, 1 + 4e-11], exactly(1.0, 1.0, 1.0), [Estimate(estimate)])
    assert sorted(asked) == [1, 2]
    assert found.fails[:, 0].tolist() == [False, False, True]


def sizes(seen, size):
    def run(places):
        seen.append(places.tolist())
        return torch.full((len(places), 1), size, dtype=torch.float64)

    return run


def test_later_estimates_see_only_what_still_fails():
    seen = []
    estimates = [Estimate(sizes(seen, 4e-13)), Estimate(sizes(seen, 4e-13))]
    judged([1.0, 1 + 1e-12, 1 + 1e-9], exactly(1.0, 1.0, 1.0), estimates)
    assert [sorted(places) for places in seen] == [[1, 2], [2]]


def test_a_costly_estimate_takes_the_worst_points_first_and_stops_at_one_that_stays_wrong():
    seen = []
    judged([1 + 1e-12, 1 + 1e-9, 1 + 2e-12], exactly(1.0, 1.0, 1.0), [Estimate(sizes(seen, 4e-13), batch=1)])
    assert seen == [[1]]
    seen.clear()
    judged([1 + 1e-12, 1 + 3e-12, 1 + 2e-12], exactly(1.0, 1.0, 1.0), [Estimate(sizes(seen, 4e-13), batch=1)])
    assert seen == [[1], [2], [0]]


def test_a_costly_estimate_goes_on_for_a_partial_that_is_not_decided():
    values = torch.tensor([[1 + 1e-3, 1.0], [1.0, 1 + 1e-12]], dtype=torch.float64)
    high = torch.ones_like(values)
    exact = Exact(high, torch.zeros_like(high), torch.zeros(high.shape, dtype=torch.int64))
    points = Points(torch.zeros(1, 2, dtype=torch.float64), torch.zeros(2, dtype=torch.int64))
    estimate = Estimate(lambda places: torch.full((len(places), 2), 4e-13, dtype=torch.float64), batch=1)
    assert judge(points, values, exact, torch.float64, [estimate]).fails.tolist() == [[True, False], [False, False]]


def test_what_is_wrong_at_a_point_of_extreme_magnitude_is_only_remarked_upon():
    found = judged([2.0, 2.0], exactly(1.0, 1.0), extreme=torch.tensor([[True], [False]]))
    assert found.fails[:, 0].tolist() == [False, True]
    assert found.remarked[:, 0].tolist() == [True, False]


def test_points_without_an_exact_value_are_not_judged():
    for status in (Status.UNDEFINED, Status.KINK, Status.UNSETTLED):
        assert not judged([math.nan], exactly(0.0, status=status)).fails.any()


def test_infinity_is_right_beyond_the_largest_float_and_nothing_else_is():
    found = judged([math.inf, -math.inf, math.nan, 6e4], exactly(1e5, 1e5, 1e5, 1e5), dtype=torch.float16)
    assert found.fails[:, 0].tolist() == [False, True, True, True]
    assert judged([math.inf], exactly(6e4), dtype=torch.float16).fails.all()


def test_tolerances_replace_the_rule():
    assert not judged([1.001], exactly(1.0), tolerances=(1e-2, 0.0)).fails.any()
    assert judged([1.001], exactly(1.0), tolerances=(0.0, 1e-4)).fails.all()


def test_the_difference_of_both_sides_is_that_at_the_judged_points():
    found = judged([1.0, math.nan, 2.0], exactly(1.0, 1.0, 2.0), extreme=torch.tensor([[False], [True], [False]]))
    sympy = torch.tensor([1.0, 1.0, 2.0 + 2**-51], dtype=torch.float64)
    gap = difference(found.values[:, 0], sympy, found, 0)
    assert (gap.max_abs, gap.max_ulp) == (2.0**-51, 1.0)


def test_a_nan_on_one_side_is_not_hidden():
    found = judged([1.0, math.nan], exactly(1.0, 2.0))
    assert math.isnan(difference(found.values[:, 0], torch.tensor([1.0, 2.0]).double(), found, 0).max_abs)
