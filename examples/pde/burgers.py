"""Burgers' equation u_t + u*u_x = 0.01/pi*u_xx, with the network of columns x and t."""

import math

import torch

NU = 0.01 / math.pi


def d(y, x):
    """dy/dx at every point; x is the matrix of all coordinates, or a column of it."""
    return torch.autograd.grad(y, x, torch.ones_like(y), create_graph=True)[0]


def residual(net, X):
    u = net(X)
    du = d(u, X)
    u_x, u_t = du[:, 0:1], du[:, 1:2]
    u_xx = d(u_x, X)[:, 0:1]
    return u_t + u * u_x - NU * u_xx


def residual_of_row(net, X):
    """Broken: the second derivative is taken of the whole gradient, so that u_xx is u_xx + u_xt."""
    u = net(X)
    du = d(u, X)
    u_x, u_t = du[:, 0:1], du[:, 1:2]
    u_xx = d(du, X)[:, 0:1]
    return u_t + u * u_x - NU * u_xx
