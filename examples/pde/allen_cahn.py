"""The Allen-Cahn equation u_t = 0.0001*u_xx + 5*u - 5*u**3."""

import torch


def residual(net, x, t, create_graph=True):
    u = net(x, t)
    ones = torch.ones_like(u)
    u_t = torch.autograd.grad(u, t, ones, create_graph=True)[0]
    u_x = torch.autograd.grad(u, x, ones, create_graph=True)[0]
    u_xx = torch.autograd.grad(u_x, x, ones, retain_graph=True, create_graph=create_graph)[0]
    return u_t - 0.0001 * u_xx + 5 * u**3 - 5 * u


def residual_broken(net, x, t):
    """Broken: its value is right, but without `create_graph` the last derivative does not train the network."""
    return residual(net, x, t, create_graph=False)
