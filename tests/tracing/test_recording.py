"""How code runs makes no difference to its formula: writes through views, autograd inside, transforms, compilation."""

import pytest
import torch

from tests.tracing.formulas import gap


def written(x, y):
    out = torch.zeros(len(x), 3, dtype=x.dtype)
    out[:, 0] = x
    out[:, 1].add_(y)
    out.view(-1)[2::3].copy_(x * y)
    column = out.t()[1]
    column *= 2
    out[:, 0].clamp_(min=0.5).sqrt_()
    return out.sum(1)


class Cubed(torch.autograd.Function):
    """The backward is wrong, which the forward does not know."""

    @staticmethod
    def forward(ctx, x):
        return x**3

    @staticmethod
    def backward(ctx, g):
        return g


def gradient(x, y):
    (g,) = torch.autograd.grad((x * y).sin().sum(), x, create_graph=True)
    return g


def twice_forward(x, y):
    def once(a):
        return torch.func.jvp(lambda b: b**3 * torch.sin(y), (a,), (torch.ones_like(a),))[1]

    return torch.func.jvp(once, (x,), (torch.ones_like(x),))[1]


def hessian(x, y):
    return torch.vmap(torch.func.hessian(lambda p: (p[0] ** 3 * p[1]).sin()))(torch.stack([x, y], 1))[:, 0, 1]


def unseen(x, y):
    with torch.no_grad():
        return x * y.detach() + torch.stack([x.data, y], 1).sum(1)


def checkpointed(x, y):
    return torch.utils.checkpoint.checkpoint(lambda a, b: (a * b).sin(), x, y, use_reentrant=False)


def out_of_place(x, y):
    return torch.mul(x, y, out=torch.empty_like(x)) if not x.requires_grad else x * y


WAYS = [written, gradient, twice_forward, hessian, unseen, checkpointed, out_of_place]


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # torch's own, when it loads torch.func
@pytest.mark.parametrize("function", [*WAYS, lambda x, y: Cubed.apply(x) * y], ids=lambda f: getattr(f, "__name__", f))
def test_whatever_runs_the_operations_the_formula_is_that_of_the_forward(function):
    assert gap(lambda x, y: function(x.requires_grad_(), y).detach(), 2) < 1e-12


def test_a_compiled_function_is_traced_as_the_code_that_it_was_made_of():
    compiled = torch.compile(lambda x, y: x * y.sin(), backend="eager")
    assert gap(lambda x, y: compiled(x, y), 2) < 1e-12
