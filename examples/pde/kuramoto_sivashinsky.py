"""The Kuramoto-Sivashinsky equation u_t + u*u_x + u_xx + u_xxxx = 0."""

import torch


def derivative(y, x, order=1):
    for _ in range(order):
        y = torch.autograd.grad(y, x, torch.ones_like(y), create_graph=True)[0]
    return y


def residual(net, x, t):
    u = net(x, t)
    return derivative(u, t) + u * derivative(u, x) + derivative(u, x, 2) + derivative(u, x, 4)


def residual_broken(net, x, t):
    """Broken: the square of a derivative is no second derivative."""
    u = net(x, t)
    return derivative(u, t) + u * derivative(u, x) + derivative(u, x) ** 2 + derivative(u, x, 4)
