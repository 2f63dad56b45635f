"""The nonlinear Schrödinger equation i*h_t + h_xx/2 + |h|**2*h = 0 with h = u + i*v."""

import torch


def d(y, x):
    return torch.autograd.grad(y, x, torch.ones_like(y), create_graph=True)[0]


def residuals(net, x, t):
    h = net(torch.cat([x, t], 1))
    u, v = h[:, 0:1], h[:, 1:2]
    density = u**2 + v**2
    return torch.cat([-d(v, t) + d(d(u, x), x) / 2 + density * u, d(u, t) + d(d(v, x), x) / 2 + density * v], 1)


def residuals_broken(net, x, t):
    """Broken: the sign of the real part's derivative by time."""
    h = net(torch.cat([x, t], 1))
    u, v = h[:, 0:1], h[:, 1:2]
    density = u**2 + v**2
    return torch.cat([d(v, t) + d(d(u, x), x) / 2 + density * u, d(u, t) + d(d(v, x), x) / 2 + density * v], 1)
