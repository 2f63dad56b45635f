"""Right layers are silent in every dtype, and a planted relative error is caught."""

import pytest
import torch
from torch.autograd.gradcheck import GradcheckError

import derivcheck
from tests.gradcheck.layers import LAYERS, planted

LOW = [torch.float32, torch.bfloat16, torch.float16]
EXACT = 1e-10


@pytest.mark.parametrize("name", LAYERS)
def test_a_right_layer_is_silent_to_order_two_and_an_error_of_1e_10_is_caught_in_either_order(name):
    function, inputs = LAYERS[name]
    assert derivcheck.gradcheck(function, inputs, order=2)
    with pytest.raises(GradcheckError, match="the gradient is wrong"):
        derivcheck.gradcheck(planted(function, EXACT, 1), inputs)
    with pytest.raises(GradcheckError, match="a derivative of order 2 is wrong"):
        derivcheck.gradgradcheck(planted(function, EXACT, 2), inputs)


@pytest.mark.parametrize(("name", "dtype"), [(name, LOW[k % 3]) for k, name in enumerate(LAYERS)])
def test_a_right_layer_is_silent_in_low_precision(name, dtype):
    function, inputs = LAYERS[name]
    assert derivcheck.gradcheck(function, inputs, order=2, dtype=dtype)


def test_one_percent_is_caught_in_bfloat16():
    function, inputs = LAYERS["layer_norm"]
    inputs = [x.detach().bfloat16().requires_grad_() for x in inputs]
    for order in (1, 2):
        assert not derivcheck.gradgradcheck(planted(function, 1e-2, order), inputs, raise_exception=False)
