import math

import pytest
import torch

from derivcheck import problem
from derivcheck.sampling.corners import MOST_CORNERS, special
from derivcheck.sampling.points import Kind, RandomPoints
from derivcheck.symbolic.differentiation import symbolic_of
from derivcheck.symbolic.kinks import switches


def drawn(text="x*y", **options):
    made = problem.create(text, **options)
    return RandomPoints(made).take(made.points)


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
@pytest.mark.parametrize("sampler", ["uniform", "floats", "sobol"])
def test_points_lie_in_the_domain_and_are_floats_of_the_dtype(dtype, sampler):
    points = drawn(domain={"x": (-0.3, 0.7), "y": (0.1, 0.1001)}, dtype=dtype, sampler=sampler, points=500)
    x, y = points
    assert torch.equal(points.to(getattr(torch, dtype)).double(), points)
    assert -0.3 <= x.min() <= x.max() <= 0.7
    if dtype in ("float64", "float32"):
        assert 0.1 <= y.min() <= y.max() <= 0.1001


def test_the_same_seed_names_the_same_points_in_every_dtype():
    exact, rounded = drawn(seed=7), drawn(seed=7, dtype="float32")
    assert torch.equal(exact.float().double(), rounded)
    assert not torch.equal(exact, drawn(seed=8))


@pytest.mark.parametrize("sampler", ["uniform", "sobol"])
def test_the_points_do_not_depend_on_how_many_are_taken_at_a_time(sampler):
    made = problem.create("x*y", points=150_000, sampler=sampler)
    source, pieces = RandomPoints(made), []
    for size in (1000, 70_000, 64_000, 20_000, 5):
        pieces.append(source.take(size))
    assert [piece.shape[1] for piece in pieces] == [1000, 70_000, 64_000, 15_000, 0]
    assert torch.equal(torch.cat(pieces, 1), RandomPoints(made).take(150_000))
    assert len(set(pieces[1][0].tolist())) == 70_000


def test_equal_ends_pin_a_variable():
    assert set(drawn(domain={"x": (0.25, 0.25), "y": (0, 1)})[0].tolist()) == {0.25}


def test_uniform_points_are_uniform():
    x = drawn(domain=(2, 6), points=20_000)[0]
    assert x.mean().item() == pytest.approx(4, abs=0.05)
    assert x.var().item() == pytest.approx(16 / 12, rel=0.05)


def test_points_uniform_over_floats_have_every_exponent():
    points = drawn("x", sampler="floats", domain=(1e-30, 1), points=5000)
    x = points[0]
    assert (x < 1e-15).double().mean().item() == pytest.approx(0.5, abs=0.05)


def test_corners_hold_the_ends_zero_one_and_the_smallest_normal():
    points = special(problem.create("x", domain=(-2, 3)), None)
    corners = set(points.columns[0][points.kinds == Kind.CORNER].tolist())
    assert {-2.0, 3.0, 0.0, 1.0, -1.0, torch.finfo(torch.float64).tiny} <= corners
    assert all(-2 <= x <= 3 for x in corners)


def corners(d, domain):
    return special(problem.create("+".join(f"x{k}" for k in range(d)), domain=domain), None).columns


@pytest.mark.parametrize(("d", "combined"), [(1, 2), (3, 8), (4, 16), (10, 16), (40, 2)])
def test_no_corner_is_left_out_up_to_forty_variables(d, combined):
    """60 numbers per variable of a wide domain, 60 points on the diagonal, combinations of ends, 4 ties per pair."""
    ties = 4 * min(d * (d - 1) // 2, 28)
    assert corners(d, (-1e305, 2e305)).shape == (d, 60 * d + 60 + combined + ties)


def test_of_many_variables_every_other_corner_is_kept():
    assert MOST_CORNERS / 2 < corners(55, (-1e305, 2e305)).shape[1] <= MOST_CORNERS


@pytest.mark.parametrize("d", [1, 3, 10, 12])
def test_all_low_and_all_high_are_among_the_corners(d):
    points = corners(d, (-3, 7))
    assert (points == -3).all(0).any()
    assert (points == 7).all(0).any()


@pytest.mark.parametrize(
    ("text", "kink"),
    [
        ("Abs(x - 0.3)", 0.3),
        ("Max(x**2, 2)", math.sqrt(2)),
        ("Piecewise((x, x < 1.7), (0, True))", 1.7),
        ("floor(x)", 1.0),
    ],
)
def test_kinks_are_found_with_points_on_both_sides(text, kink):
    made = problem.create(text, domain=(0, 2))
    points = special(made, switches(symbolic_of(made)))
    near = points.columns[0][points.kinds == Kind.KINK] - kink
    assert near.abs().min() < 1e-15
    assert ((near > 0) & (near < 0.02)).any()
    assert ((near < 0) & (near > -0.02)).any()


def test_memory_does_not_grow_with_the_square_of_the_number_of_variables():
    """Every corner and kink of 400 variables, each with 400 coordinates, would be 100 MB, and of 1,700 gigabytes."""
    made = problem.create("+".join(f"Abs(x{k})" for k in range(400)), domain=(-1, 1))
    found = special(made, switches(symbolic_of(made)))
    assert 2 * 1300 < len(found) < 12_000
    assert {int(Kind.CORNER), int(Kind.KINK)} == set(found.kinds.tolist())
    source = RandomPoints(problem.create("+".join(f"x{k}" for k in range(1000)), points=10_000))
    source.take(1)
    assert source._ready.numel() <= 2**22
    assert source.take(9_999).shape == (1000, 9_999)
