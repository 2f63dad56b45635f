import torch


def silu(x):
    return x * torch.sigmoid(x)


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 3 * x * x.abs()  # wrong for x < 0: 3*x**2 is positive
