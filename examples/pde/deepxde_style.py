"""Steady flow in the style of DeepXDE: pde(x, y) of the points and of the network's value there."""

import torch


def jacobian(ys, xs, i, j):
    y = ys[:, i : i + 1]
    return torch.autograd.grad(y, xs, torch.ones_like(y), create_graph=True)[0][:, j : j + 1]


def hessian(ys, xs, component, i, j):
    return jacobian(jacobian(ys, xs, component, i), xs, 0, j)


def pde(x, y, component=1):
    u, v = y[:, 0:1], y[:, 1:2]
    momentum = u * jacobian(y, x, 1, 0) + v * jacobian(y, x, 1, 1) + jacobian(y, x, 2, 1)
    viscous = hessian(y, x, component, 0, 0) + hessian(y, x, component, 1, 1)
    return [momentum - 0.01 * viscous, jacobian(y, x, 0, 0) + jacobian(y, x, 1, 1)]


def pde_broken(x, y):
    """Broken: `component` is forgotten, so that the equation of v has the viscosity of u."""
    return pde(x, y, component=0)
