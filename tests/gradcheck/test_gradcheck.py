"""What `gradcheck` catches, refuses and accepts; torch's own is the contrast where it is blind."""

import math
import warnings

import pytest
import torch
from torch.autograd.gradcheck import GradcheckError

import derivcheck
from derivcheck.errors import RequestError, Unsupported
from tests.gradcheck.layers import random


def function_with(backward):
    """x @ x, row by row squared, with a backward of one's own: (x, g) -> gradient."""

    class Own(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x @ x

        @staticmethod
        def backward(ctx, g):
            return backward(ctx.saved_tensors[0], g)

    return Own.apply


def right(x, g):
    return g @ x.T + x.T @ g


def first_row_right(x, g):
    wrong = right(x, g)
    return torch.cat([wrong[:1], 1.001 * wrong[1:]])


MATRIX = random(3, 3)
SYMMETRIC = (MATRIX.detach() + MATRIX.detach().T).requires_grad_()
BLIND = {
    "for a cotangent of ones": (lambda x, g: right(x, torch.ones_like(g) * g.mean()), MATRIX),
    "for a symmetric input": (lambda x, g: g @ x + x @ g, SYMMETRIC),
    "in one row": (first_row_right, MATRIX),
}


@pytest.mark.parametrize("name", BLIND)
def test_a_backward_that_is_only_right_somewhere_is_caught(name):
    backward, x = BLIND[name]
    assert derivcheck.gradcheck(function_with(right), x, order=2)
    with pytest.raises(GradcheckError, match="the gradient is wrong"):
        derivcheck.gradcheck(function_with(backward), x)


def test_the_message_names_the_entry_both_values_the_bound_and_the_cause():
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + 2 * y

        @staticmethod
        def backward(ctx, g):
            return g + torch.tensor([0.0, 0.0, 1e-3]).to(g) * g[1], 2 * g

    def function(x, y):
        return Wrong.apply(x, y), {"rest": [x[0] * 3]}

    with pytest.raises(GradcheckError) as error:
        derivcheck.gradcheck(function, (random(3), random(3, seed=1)))
    first, autograd, exact, bound, cause = str(error.value).splitlines()
    assert first == "the gradient is wrong: out[0][1] by input[0][2], at the inputs, in float64"
    assert [line.split()[0] for line in (autograd, exact, bound, cause)] == ["autograd", "exact", "bound", "cause"]
    assert float(autograd.split()[1]) == 1e-3
    assert float(exact.split()[1]) == 0
    assert float(bound.split()[1]) < 1e-13


def test_what_torch_lets_pass_is_caught():
    def off(x):
        return 1.0005 * torch.sin(x) - 0.0005 * torch.sin(x).detach()

    x = random(4)
    assert torch.autograd.gradcheck(off, x)
    assert not derivcheck.gradcheck(off, x, raise_exception=False)


def test_torchs_layer_norm_is_wrong_from_order_three_on():
    x = random(2, 3)

    def norm(x):
        return torch.nn.functional.layer_norm(x, (3,))

    def by_hand(x):
        gap = x - x.mean(-1, keepdim=True)
        return gap / torch.sqrt((gap**2).mean(-1, keepdim=True) + 1e-5)

    assert derivcheck.gradgradcheck(norm, x)
    assert derivcheck.gradcheck(by_hand, x, order=3, reference=norm)
    with pytest.raises(GradcheckError, match="a derivative of order 3 is wrong"):
        derivcheck.gradcheck(norm, x, order=3)


def test_a_reference_decides_the_values_of_what_cannot_be_traced():
    class Opaque(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return torch.tensor([math.exp(value) for value in x.tolist()], dtype=x.dtype)

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0].exp()

    x = random(3)
    assert derivcheck.gradcheck(Opaque.apply, x, reference=torch.exp)
    with pytest.raises(GradcheckError, match=r"the value is wrong: out\[0\]\[\d\]"):
        derivcheck.gradcheck(Opaque.apply, x, reference=torch.expm1)
    with pytest.raises(RequestError, match="the reference returns 1 numbers, the function 3"):
        derivcheck.gradcheck(Opaque.apply, x, reference=torch.sum)
    with pytest.raises(Unsupported, match="reference"):
        derivcheck.gradcheck(Opaque.apply, x)


def test_a_kink_has_no_derivative_and_no_verdict():
    zeros = torch.tensor([0.0, 1.0, -1.0, 0.0], dtype=torch.float64, requires_grad=True)
    for function in (torch.relu, torch.abs, lambda x: torch.amax(x), lambda x: torch.clamp(x, 0, 1)):
        assert derivcheck.gradcheck(function, zeros, order=2)


def straight_through(x):
    return x + (torch.round(x) - x).detach()


def half_detached(x):
    return x * x.detach()


def test_a_cut_is_seen_through_named_with_its_line_and_accepted_where_it_is_meant():
    with pytest.raises(GradcheckError, match="cause     cut"):
        derivcheck.gradcheck(lambda x: x.data**2, random(2))
    for function, line in ((half_detached, "return x * x.detach()"), (straight_through, "return x + (torch.round(x)")):
        with pytest.raises(GradcheckError) as error:
            derivcheck.gradcheck(function, random(3), order=2)
        assert "cut: right if what is detached is constant, at test_gradcheck.py:" in str(error.value)
        assert line in str(error.value)
        assert derivcheck.gradcheck(function, random(3), order=2, stop_gradient=True)

    def off(x):
        return 1.5 * x.detach() * torch.sin(x) - 0.5 * function_with(first_row_right)(x)

    with pytest.raises(GradcheckError, match="cause     formula"):
        derivcheck.gradcheck(off, random(3, 3))
    with pytest.raises(GradcheckError, match="cause     formula"):
        derivcheck.gradcheck(off, random(3, 3), stop_gradient=True)


REFUSED = {
    "random numbers": (lambda x: x * torch.rand_like(x), "draws random numbers"),
    "a branch on the data": (lambda x: x if x.sum() > 0 else -x, "depends on the data"),
    "a number of Python": (lambda x: x * x.sum().item(), "item gives Python a number"),
    "an unknown operation": (lambda x: torch.linalg.svdvals(x.reshape(1, -1)), "linalg_svd"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_traced_is_one_message_with_the_line_of_the_user_and_the_cure(name):
    function, words = REFUSED[name]
    with pytest.raises(Unsupported) as error:
        derivcheck.gradcheck(function, random(3))
    assert words in str(error.value)
    assert "test_gradcheck.py:" in str(error.value)
    assert "reference=" in str(error.value)
    assert not derivcheck.gradcheck(function, random(3), raise_exception=False)


def test_the_keywords_of_torch_are_accepted_with_one_warning_that_says_why_they_change_nothing():
    with pytest.warns(UserWarning, match="eps, atol: there are no finite differences and no tolerance") as seen:
        assert derivcheck.gradcheck(torch.sin, random(3), eps=1e-6, atol=1e-4, fast_mode=True)
    assert len(seen) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert derivcheck.gradgradcheck(torch.sin, random(3))
    with pytest.raises(RequestError, match="no keyword refrence\nDid you mean reference"):
        derivcheck.gradcheck(torch.sin, random(3), refrence=torch.sin)


def test_inputs_that_cannot_be_checked_are_refused_with_the_cure():
    with pytest.raises(RequestError, match="no input requires grad"):
        derivcheck.gradcheck(torch.sin, random(3).detach())
    with pytest.raises(Unsupported, match="an input is complex"):
        derivcheck.gradcheck(torch.sin, torch.ones(2, dtype=torch.complex128, requires_grad=True))
    with pytest.raises(RequestError, match="no derivative of that order"):
        derivcheck.gradcheck(torch.sin, random(3), order=0)


def test_other_arguments_and_outputs_of_any_structure_are_passed_on():
    def function(x, k, y=None):
        return {"a": (x**k).sum(), "b": [x.argmax(), y * x]}

    inputs = (random(2, 3), 3, random(2, 3, seed=1).detach())
    assert derivcheck.gradcheck(function, inputs, order=3)
    assert inputs[0].grad is None


def test_a_strided_input_that_is_written_to_in_place_is_checked():
    def function(x):
        y = (x * x).T
        y[0] += x[:, 1]
        y[1].copy_(torch.sin(y[0].clone()))
        return y.flip(0) * x.T

    assert derivcheck.gradcheck(function, random(4, 6)[:, ::2].detach().requires_grad_(), order=2)


def test_an_output_that_nobody_differentiates_is_left_alone_as_the_mean_of_a_norm():
    x = random(2, 3)
    assert derivcheck.gradcheck(lambda x: torch.native_layer_norm(x, (3,), None, None, 1e-5), x, order=2)


def test_the_rounding_of_a_linear_backward_is_no_error_where_its_terms_cancel():
    pool, x = torch.nn.AdaptiveAvgPool2d((4, 5)), random(2, 6, 7)
    assert derivcheck.gradcheck(pool, x, order=2)
    probabilities = torch.softmax(10 * random(4, 5), 0).detach()
    assert derivcheck.gradcheck(lambda g: torch._softmax_backward_data(g, probabilities, 0, g.dtype), random(4, 5))


def test_code_that_looks_beyond_a_view_is_given_the_memory_that_it_had():
    base = random(12).detach()
    part = base[::2].requires_grad_()
    assert derivcheck.gradcheck(lambda x: x.as_strided((3,), (4,)) ** 2, part)


def test_arguments_that_a_rule_does_not_know_are_a_reason_and_no_crash():
    with pytest.raises(Unsupported, match="linalg_inv_ex has a rule that does not take these arguments"):
        derivcheck.gradcheck(torch.linalg.inv, random(0, 0))
    with pytest.raises(Unsupported, match="complex numbers"):
        derivcheck.gradcheck(lambda x: torch.complex(x, x), random(2))
