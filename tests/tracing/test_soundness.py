"""What has no one formula is refused, with the operation, the line of the user's code, and the cure."""

import pytest
import torch

from derivcheck.errors import Unsupported
from derivcheck.tracing.refusals import raised_when_traced
from tests.tracing.formulas import CURE, traced


def refusal(function):
    with pytest.raises(Unsupported) as error:
        traced(function, 2)
    return str(error.value)


def noisy(x, y):
    return x + torch.randn(len(x))  # the line


def reads(x, y):
    return x * float(y.max())  # the line


def branches(x, y):
    if (x > 0.5).all():  # the line
        return x
    return y


def eigenvalues(x, y):
    return torch.linalg.eigvalsh(torch.stack([x, y, y, x], 1).reshape(-1, 2, 2))[:, 0]  # the line


def by_the_largest(x, y):
    both = torch.stack([x, y], 1)
    return both.gather(1, both.argmax(1, keepdim=True)).squeeze(1)  # the line


def selects(x, y):
    return torch.where(x > 0.5, x[x > 0.5].sum(), y)  # the line


def bits(x, y):
    return x * x.view(torch.int64)  # the line


def swallows(x, y):
    try:
        return x * y.max().item()  # the line
    except Exception:
        return x


@torch.library.custom_op("derivcheck_tests::opaque", mutates_args=())
def opaque(x: torch.Tensor) -> torch.Tensor:
    return x**2


def kernel(x, y):
    return opaque(x) + y  # the line


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (noisy, "randn draws random numbers"),
        (reads, "item gives Python a number that depends on the data"),
        (branches, "item gives Python a number that depends on the data"),
        (eigenvalues, "linalg_eigh has no rule"),
        (by_the_largest, "gather uses a position that the data decide"),
        (selects, "chooses elements by the data"),
        (bits, "reads the bits of torch.float64 as torch.int64"),
        (swallows, "item gives Python a number that depends on the data"),
        (kernel, "derivcheck_tests::opaque has no rule"),
    ],
)
def test_an_operation_without_a_formula_is_named_with_its_line_and_the_cure(function, says):
    message = refusal(function)
    assert says in message
    assert "at test_soundness.py:" in message
    assert message.split(": ", 1)[1].startswith(("return", "if"))
    assert message.endswith(f". {CURE}")


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda x, y: x - x.mean(), "mixes points"),
        (lambda x, y: x.cumsum(0), "mixes points"),
        (lambda x, y: x / len(x), "depends on how many points"),
        (lambda x, y: x * torch.arange(len(x)), "differs from one point of a batch to the next"),
        (lambda x, y: x * y.tolist()[0], "branches on the data, or computes a part outside of torch"),
        (lambda x, y: torch.tensor([a * b for a, b in zip(x.tolist(), y.tolist(), strict=True)]), "outside of torch"),
    ],
)
def test_a_function_whose_points_have_different_formulas_is_refused(function, says):
    message = refusal(function)
    assert says in message
    assert message.endswith(f". {CURE}")


def test_an_error_of_the_users_own_is_raised_as_it_is():
    def broken(x, y):
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        traced(broken, 2)


def test_a_function_that_refuses_inputs_that_require_grad_is_traced_without():
    target = traced(lambda x, y: torch.nn.functional.soft_margin_loss(x, y, reduction="none"), 2)
    assert target.root > 0


def test_an_error_that_cannot_be_printed_is_a_refusal_too():
    class Mute(Exception):
        def __str__(self):
            raise ValueError

    assert str(raised_when_traced(Mute(), "Cure.")) == "the function raises Mute when it is traced: Mute. Cure."
