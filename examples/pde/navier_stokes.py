"""Navier-Stokes in the plane: for u, v and p, and for a stream function with u = psi_y and v = -psi_x."""

import torch

NU = 0.01


def d(y, x):
    return torch.autograd.grad(y, x, torch.ones_like(y), create_graph=True)[0]


def momentum(u, v, p, x, y, t):
    f = d(u, t) + u * d(u, x) + v * d(u, y) + d(p, x) - NU * (d(d(u, x), x) + d(d(u, y), y))
    g = d(v, t) + u * d(v, x) + v * d(v, y) + d(p, y) - NU * (d(d(v, x), x) + d(d(v, y), y))
    return f, g


def residuals(net, x, y, t):
    u, v, p = net(torch.cat([x, y, t], 1)).split(1, dim=1)
    return *momentum(u, v, p, x, y, t), d(u, x) + d(v, y)


def residuals_broken(net, x, y, t):
    """Broken: the outputs of the network are in another order."""
    u, p, v = net(torch.cat([x, y, t], 1)).split(1, dim=1)
    return *momentum(u, v, p, x, y, t), d(u, x) + d(v, y)


def of_stream_function(net, x, y, t):
    psi, p = net(torch.cat([x, y, t], 1)).split(1, dim=1)
    return momentum(d(psi, y), -d(psi, x), p, x, y, t)
