"""An inverse problem: both coefficients of Burgers' equation are trained, one of them as its logarithm."""

import math

import torch
from torch import nn


def d(y, x):
    return torch.autograd.grad(y, x, torch.ones_like(y), create_graph=True)[0]


class Inverse(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net
        self.speed = nn.Parameter(torch.tensor(1.0, dtype=torch.float64))
        self.log_nu = nn.Parameter(torch.tensor(math.log(0.25), dtype=torch.float64))

    def residual(self, x, t):
        u = self.net(torch.cat([x, t], 1))
        u_x = d(u, x)
        return d(u, t) + self.speed * u * u_x - torch.exp(self.log_nu) * d(u_x, x)

    def residual_broken(self, x, t):
        """Broken: forgets that the second coefficient is a logarithm."""
        u = self.net(torch.cat([x, t], 1))
        u_x = d(u, x)
        return d(u, t) + self.speed * u * u_x - self.log_nu * d(u_x, x)

    def loss(self, x, t):
        """The mean of the squares, which is what is trained."""
        return (self.residual(x, t) ** 2).mean()
