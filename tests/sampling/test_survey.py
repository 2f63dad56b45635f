"""The pass over all points: whatever the chunks, what matters is kept and memory stays bounded."""

import math
import time
from dataclasses import replace

import pytest
import torch

from derivcheck import Verdict, check, problem
from derivcheck.engines.extend import Partials
from derivcheck.errors import TimedOut
from derivcheck.sampling.points import Kind, Points
from derivcheck.sampling.survey import MOST_KEPT, Sides, Survey, suspicious


def sides(autograd, reference, kinds=None, drawn=()):
    n = len(reference)
    points = Points(
        torch.zeros(1, n, dtype=torch.float64), torch.zeros(n, dtype=torch.int64) if kinds is None else kinds
    )
    chosen = torch.zeros(n, dtype=torch.bool)
    chosen[list(drawn)] = True
    return Sides(points, autograd, reference, reference, chosen)


def test_the_referee_sees_the_extremes_the_corners_and_a_random_share():
    reference = torch.ones(10_000, 2, dtype=torch.float64)
    autograd, kinds = reference.clone(), torch.zeros(10_000, dtype=torch.int64)
    autograd[123, 0], autograd[4567, 1], autograd[42, 0] = 1 + 1e-9, math.nan, 3.0
    kinds[7] = int(Kind.CORNER)
    chosen = suspicious(sides(autograd, reference, kinds, drawn=range(5000, 5200)), 100, seed=0).tolist()
    assert {123, 4567, 42, 7} <= set(chosen)
    assert len(set(chosen) & set(range(5000, 5200))) >= 25
    assert len(chosen) < 200
    assert chosen == sorted(set(chosen))


def test_the_referee_sees_all_points_where_the_budget_allows():
    values = torch.ones(50, 1, dtype=torch.float64)
    assert suspicious(sides(values, values), 50, seed=0).tolist() == list(range(50))


def liar(wrong):
    """The identity and 1, except that `wrong` (point -> column, value) says otherwise, by the point's place."""

    def evaluate(points):
        x = points[0]
        values = torch.stack([x, torch.ones_like(x)], 1)
        for place, (column, value) in wrong.items():
            values[(x == place).nonzero().flatten(), column] = value
        return Partials(values)

    return evaluate


@pytest.mark.parametrize("size", [1000, 4096, 100_000])
def test_the_extremes_of_all_chunks_are_kept_and_the_rest_is_not(size):
    n = 4 * MOST_KEPT
    wrong = {17: (0, 18.0), n // 2: (1, 1 + 1e-6), n - 3: (1, math.nan), n - 1: (0, n + 0.0)}
    survey = Survey(problem.create("x", points=n), liar(wrong), liar({}), budget=200)
    for columns in torch.arange(n, dtype=torch.float64).unsqueeze(0).split(size, 1):
        survey.add(Points(columns, torch.zeros(columns.shape[1], dtype=torch.int64)))
    kept = set(survey.kept.points.columns[0].tolist())
    assert set(wrong) <= kept
    assert survey.count == n
    assert len(kept) <= MOST_KEPT + size


def test_where_neither_side_is_a_number_nothing_piles_up():
    def every_other(points):
        one = torch.ones_like(points[0])
        return Partials(torch.stack([points[0], one.masked_fill(points[0].remainder(2) == 0, math.nan)], 1))

    survey = Survey(problem.create("x", points=60_000), every_other, every_other, budget=200)
    for columns in torch.arange(60_000, dtype=torch.float64).unsqueeze(0).split(5000, 1):
        survey.add(Points(columns, torch.zeros(5000, dtype=torch.int64)))
    assert len(survey.kept) <= MOST_KEPT + 5000


@pytest.mark.parametrize("place", [5, 99_999, 123_456])
def test_one_wrong_point_among_many_is_found_in_whichever_chunk(place):
    from derivcheck.sampling.points import RandomPoints  # noqa: PLC0415

    point = RandomPoints(problem.create("sin(x)", points=150_000)).take(150_000)[0, place]

    def function(x):
        return torch.where((x - point).abs() < 1e-8, x.sin() * (1 + 1e-9), x.sin())

    report = check("sin(x)", function=function, points=150_000, timing=False)
    row = report.checks[0].partials[0]
    assert row.verdict.value == "disagrees"
    assert abs(row.worst.point["x"] - point) < 1e-8
    assert row.points.checked > 150_000
    assert row.points.refereed < 20_000


def test_the_largest_difference_is_that_over_all_points():
    report = check("sin(x)", function=lambda x: x.sin() + (x > 0.99999) * 1e-3, points=200_000, corners=False)
    assert report.checks[0].partials[0].difference.max_abs == pytest.approx(1e-3, rel=1e-6)


def test_fewer_points_are_kept_of_many_columns():
    made = problem.create("+".join(f"x{k}" for k in range(400)), points=10_000)
    width, budget = len(made.partials), 200
    values = Partials(torch.zeros(500, width, dtype=torch.float64))
    survey = Survey(made, lambda points: values, lambda points: values, budget)
    for _ in range(20):
        survey.add(Points(torch.rand(400, 500, dtype=torch.float64), torch.zeros(500, dtype=torch.int64)))
    assert survey.count == 10_000
    assert len(survey.kept) <= 2**24 // (4 * (400 + width)) + 500


def test_nothing_is_evaluated_past_the_deadline():
    made = replace(problem.create("x"), deadline=time.monotonic() - 1)
    survey = Survey(made, liar({}), liar({}), budget=200)
    with pytest.raises(TimedOut, match="all points took longer than --timeout"):
        survey.random(survey.evaluate)
    assert survey.count == 0


def test_a_function_that_raises_at_one_corner_keeps_the_others():
    """It raises at 0, and is wrong at 1 alone."""

    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            if bool((x == 0).any()):
                raise ValueError("no zero")
            ctx.save_for_backward(x)
            return x.exp()

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * x.exp() * torch.where(x == 1, 1.5, 1.0).to(x.dtype)

    row = check("exp(x)", function=Wrong.apply, domain=(0, 1), points=200, timing=False).checks[0].partials[1]
    assert (row.verdict, row.worst.point) == (Verdict.DISAGREES, {"x": 1.0})
