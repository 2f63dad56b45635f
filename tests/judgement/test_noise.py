"""The noise must cover what rounding does, and must not cover what a wrong formula does."""

import pytest
import torch

from derivcheck import Verdict, check
from derivcheck.judgement import bound, noise

U = 2.0**-53


def column(function):
    return lambda points: function(points[0]).unsqueeze(1)


def points(*values, dtype=torch.float64):
    return torch.tensor([values], dtype=dtype)


def test_cancellation_makes_noise_of_the_size_of_what_cancels():
    found = noise.perturbation(column(lambda x: (1 - x.cos()) / x**2), points(1e-4), 16, 0)
    assert 0.1 * U / 1e-8 < found.item() < 60 * U / 1e-8


def test_a_single_operation_makes_noise_of_one_rounding():
    found = noise.perturbation(column(torch.exp), points(0.5), 16, 0)
    assert U < found.item() < 16 * U


def test_moving_data_makes_no_noise():
    found = noise.perturbation(column(lambda x: torch.where(x > 0, -x, x).clone().flip(0).detach()), points(0.3), 16, 0)
    assert found.item() == 0


def test_a_constant_that_was_rounded_makes_noise_and_one_that_was_not_makes_none():
    rounded = noise.perturbation(column(lambda x: (x - 0.1) * 1e10), points(0.1 + 2**-40), 16, 0).item()
    exact = noise.perturbation(column(lambda x: (x - 0.125) * 2.0**33), points(0.125 + 2**-40), 16, 0).item()
    assert rounded / (2**-40 * 1e10) > 10 * U
    assert exact / (2**-40 * 2.0**33) < 20 * U


def test_the_backward_is_perturbed_too():
    def gradient(p):
        with torch.enable_grad():
            x = p[0].clone().requires_grad_()
            (g,) = torch.autograd.grad(torch.sigmoid(x), x, torch.ones_like(x))
        return g.unsqueeze(1)

    # sigmoid' = y(1 - y): at 37 the 1 - y is all rounding
    assert noise.perturbation(gradient, points(37.0), 16, 0).item() > 0.1 * U


def test_a_float32_shortcut_in_float64_is_no_noise():
    found = noise.perturbation(column(lambda x: x.float().tanh().double()), points(0.3), 16, 0)
    assert found.item() < 8 * U


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_low_precision_makes_noise_of_its_own_unit(dtype):
    u = torch.finfo(dtype).eps / 2
    found = noise.perturbation(column(lambda x: x.exp() * 3), points(0.5, dtype=dtype), 16, 0)
    assert u < found.item() / 4.9 < 16 * u


def test_what_is_not_finite_makes_no_noise():
    singular = column(lambda x: 1 / (x + 1 - 1))
    assert noise.perturbation(singular, points(1e-17), 16, 0).item() < float("inf")
    always_nan = column(lambda x: (x - x) / (x - x))
    assert noise.perturbation(always_nan, points(1e-17), 16, 0).item() == 0


def test_a_value_wrong_where_a_number_is_hit_exactly_is_not_excused_by_missing_it():
    """Perturbed, 3x is 1.5 no more: all runs agree with each other, and none with the value."""
    lie = column(lambda x: torch.where(3 * x == 1.5, 9 * x, x.exp()))
    assert noise.perturbation(lie, points(0.5), 16, 0).item() < 1000 * U


def test_a_leak_between_points_is_not_noise():
    found = noise.perturbation(column(lambda x: x + x.mean()), points(0.1, 0.9, 0.4), 16, 0)
    assert found.max().item() < 8 * U


def test_the_spread_leaves_out_what_is_not_finite_and_says_nothing_of_too_few():
    values = torch.tensor([[1.0, 1.0], [float("nan"), float("inf")], [3.0, float("nan")]])
    assert noise.spread(values).tolist() == [2.0, 0.0]
    assert noise.spread(values, fewest=3).tolist() == [0.0, 0.0]


def test_the_same_seed_makes_the_same_noise():
    f = column(lambda x: x.exp() - 1)
    assert torch.equal(*(noise.perturbation(f, points(0.1, 0.2), 8, 3) for _ in range(2)))


def test_a_branch_that_perturbed_numbers_leave_is_no_noise_in_half_precision():
    at_halves = column(lambda x: torch.where(2 * x == (2 * x).round(), 1.5 * x.exp(), x.exp()))
    plain = noise.perturbation(column(torch.exp), points(1.5, 1.5, dtype=torch.bfloat16), 12, 0)
    found = noise.perturbation(at_halves, points(1.5, 1.5, dtype=torch.bfloat16), 12, 0)
    assert (found <= 4 * plain).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_a_scalar_is_rounded_to_the_dtype(dtype):
    shifted = noise.perturbation(column(lambda x: x - 0.1), points(0.1, dtype=dtype), 12, 0).item()
    assert shifted > abs(torch.tensor(0.1, dtype=dtype).double().item() - 0.1)


def test_equal_points_share_their_noise():
    found = bound._pooled(torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([[0.5, 0.25, 0.5]]))
    assert found.tolist() == [[3.0], [2.0], [3.0]]


@pytest.mark.parametrize(("text", "dtype"), [("z % pi", "float32"), ("z % 0.1", "float64")])
def test_a_number_made_a_tensor_is_as_rounded_as_a_scalar(text, dtype):
    """The formula calls torch.remainder with a tensor; each whole period adds the error of its length once more."""
    report = check(text, domain=(-1000, 1000), dtype=dtype, points=200, timing=False)
    assert report.verdict is not Verdict.DISAGREES
