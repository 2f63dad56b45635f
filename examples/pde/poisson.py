"""Poisson's equation in the plane, u_xx + u_yy = -sin(pi*x)*sin(pi*y), by torch.func."""

import math

import torch
from torch.func import hessian, vmap


def laplacian(net, X):
    def u(point):
        return net(point.unsqueeze(0))[0, 0]

    return vmap(hessian(u))(X)


def source(X):
    return torch.sin(math.pi * X[:, 0]) * torch.sin(math.pi * X[:, 1])


def residual(net, X):
    second = laplacian(net, X)
    return second[:, 0, 0] + second[:, 1, 1] + source(X)


def residual_broken(net, X):
    """Broken: the sum of all second derivatives is no Laplacian."""
    return laplacian(net, X).sum((1, 2)) + source(X)
