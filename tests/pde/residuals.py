"""Residuals as people write them, right ones and ones with a mistake, for a network that is passed or an attribute."""

import math

import torch
from torch import nn
from torch.func import jvp

RATE = nn.Parameter(torch.tensor(0.0, dtype=torch.float64))


def d(y, x):
    return torch.autograd.grad(y, x, torch.ones_like(y), create_graph=True)[0]


def heat(net, x, t):
    u = net(x, t)
    return d(u, t) - 0.1 * d(d(u, x), x)


def heat_of_matrix(net, X):
    u = net(X)
    g = d(u, X)
    return g[:, 1:2] - 0.1 * d(g[:, 0:1], X)[:, 0:1]


def heat_of_row(net, X):
    u = net(X)
    g = d(u, X)
    return g[:, 1:2] - 0.1 * d(g, X)[:, 0:1]


def heat_flat(net, x, t):
    return heat(net, x, t).reshape(-1)


def heat_broadcast(net, x, t):
    u = net(x, t)
    return d(u, t).reshape(-1) - 0.1 * d(d(u, x), x)


def heat_of_mean(net, x, t):
    u = net(x, t)
    u_t = torch.autograd.grad(u.mean(), t, create_graph=True)[0]
    return u_t - 0.1 * d(d(u, x), x)


def heat_mixed(net, x, t):
    return heat(net, x, t) - heat(net, x, t).mean()


def heat_untrained(net, x, t):
    u = net(x, t)
    u_x = d(u, x)
    return d(u, t) - 0.1 * torch.autograd.grad(u_x, x, torch.ones_like(u_x), retain_graph=True)[0]


def heat_with_rate(net, x, t):
    return heat(net, x, t) + RATE * net(x, t)


def heat_of_field(u, x, t):
    return d(u(x, t), t) - 0.1 * d(d(u(x, t), x), x)


def heat_by_jvp(net, x, t):
    def slope(at):
        return jvp(lambda z: net(z, t), (at,), (torch.ones_like(at),))[1]

    u_xx = jvp(slope, (x,), (torch.ones_like(x),))[1]
    return d(net(x, t), t) - 0.1 * u_xx


def heat_in_float32(net, x, t):
    u = net(x.float(), t.float())
    return d(u, t) - 0.1 * d(d(u, x), x)


def heat_of_dict(batch, value):
    u = value["u"]
    return {"heat": d(u, batch["t"]) - 0.1 * d(d(u, batch["x"]), batch["x"])}


def heat_loss(net, x, t):
    return 3 * (heat(net, x, t) ** 2).mean() + (net(x, torch.zeros_like(t)) - torch.sin(math.pi * x)).pow(2).sum()


def flow(net, x, y):
    out = net(torch.cat([x, y], 1))
    u, v = out[:, 0:1], out[:, 1:2]
    return d(u, x) + d(v, y), (u * d(u, x), torch.cat([d(u, y), d(v, x)], 1))


def ignoring(net, x, t):
    return x * t


class Solver:
    """Its network is an attribute, its inputs are scaled."""

    def __init__(self, layers, lower, upper):
        raise RuntimeError("needs data")

    def residual(self, x, t):
        return heat(self.u_net, x, t)


class Scaled(nn.Module):
    """Its inputs are scaled from [0, 2] to [-1, 1]."""

    def __init__(self, net):
        super().__init__()
        self.net = net
        self.register_buffer("lower", torch.tensor([0.0, 0.0], dtype=torch.float64))
        self.register_buffer("upper", torch.tensor([2.0, 4.0], dtype=torch.float64))

    def forward(self, X):
        return self.net(2 * (X - self.lower) / (self.upper - self.lower) - 1)

    def residual(self, X):
        return heat_of_matrix(self, X)


class Nobody(nn.Module):
    def forward(self, x, t):
        raise AssertionError("the network itself is never called")


nobody = Nobody()


def heat_of_module(x, t):
    return heat(nobody, x, t)


def gradient(x):
    y = x[:, 0] ** 2 * torch.sin(x[:, 1])
    return torch.autograd.grad(y, x, torch.ones_like(y))[0]


def gradient_swapped(x):
    return gradient(x)[:, [1, 0]]


def second_row(x):
    y = x[:, 0] ** 2 * torch.sin(x[:, 1])
    first = torch.autograd.grad(y, x, torch.ones_like(y), create_graph=True)[0]
    return torch.autograd.grad(first[:, 0], x, torch.ones_like(first[:, 0]))[0]


def hessian(x):
    y = x[:, 0] ** 2 * torch.sin(x[:, 1])
    first = d(y, x)
    return torch.stack([d(first[:, 0], x), d(first[:, 1], x)], 1)


def heat_branching(net, x, t):
    if float(net(x, t).detach().mean()) > 0:
        return heat(net, x, t)
    return net(x, t)
