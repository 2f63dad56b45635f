"""What a trace is compared with: closed formulas as the parser reads them, and the values that torch computes."""

import torch

from derivcheck.exact.balls import Program
from derivcheck.exact.steps import precision
from derivcheck.expression.parsing import parse
from derivcheck.symbolic.differentiation import SymbolicPartials
from derivcheck.tracing.forward import trace

CURE = "Write it otherwise."
U = 2.0**-53


def points(d, n, low=0.1, high=0.9, seed=0):
    """(d, n) float64 in [low, high]."""
    random = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand((d, n), generator=random, dtype=torch.float64)


def traced(function, d, low=0.1, high=0.9):
    return trace(function, points(d, 5, low, high), CURE)


def enclosed(graph, root, columns):
    """The values of a node at points (d, n), to 200 bits."""
    program = Program(graph, [root], U)
    with precision(200):
        return [program.run(point)[0][0] for point in zip(*columns.tolist(), strict=True)]


def by_formula(text, variables, columns):
    symbolic = SymbolicPartials(parse(text, {}).formula, variables)
    return enclosed(symbolic.graph, symbolic.root, columns)


def gap(function, d, low=0.1, high=0.9):
    """The largest relative distance between a traced formula and torch's own values, at points that were not traced."""
    graph, root = traced(function, d, low, high)
    columns = points(d, 7, low, high, seed=1)
    exact = torch.tensor([float(ball.mid()) for ball in enclosed(graph, root, columns)], dtype=torch.float64)
    real = function(*columns).detach()
    return float(((real - exact).abs() / (exact.abs() + 1e-3)).max())
