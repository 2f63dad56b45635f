"""Heat in a rod of varying conductivity: u_t = (k*u_x)_x with k = 1 + x**2."""

import torch


def d(y, x):
    return torch.autograd.grad(y, x, torch.ones_like(y), create_graph=True)[0]


def residual(net, x, t):
    u = net(x, t)
    return d(u, t) - d((1 + x**2) * d(u, x), x)


def residual_broken(net, x, t):
    """Broken: the conductivity is not differentiated."""
    u = net(x, t)
    return d(u, t) - (1 + x**2) * d(d(u, x), x)
