"""A loss as the equations whose squares it adds: mean(r**2) + 10*mean(b**2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

import sympy as sp

from derivcheck.errors import Unsupported
from derivcheck.pde.numbers import cleaned
from derivcheck.symbolic.graph import Graph, Product, Ref, Sum, Variable

NOT_SQUARES = "Return the residuals themselves, or a mean or a sum of their squares."


class Square(NamedTuple):
    """coefficient·equation² at one point."""

    equation: sp.Expr
    coefficient: Fraction


class Weight(NamedTuple):
    """Of one equation in a loss: weight·mean(r²), or weight·Σ r²."""

    value: Fraction
    is_mean: bool


def squares(graph: Graph, root: Ref, d: int, n: int, at: Callable[[Ref, int], sp.Expr]) -> list[Square]:
    """The terms of the loss at `root`. Raises `Unsupported` where one is no square, or has several points."""
    node = graph.nodes[root]
    terms = node.terms if isinstance(node, Sum) else ((root, 1),)
    if isinstance(node, Sum) and node.constant:
        raise Unsupported(f"the loss has a term that depends on no point. {NOT_SQUARES}")
    return [_square(graph, term, Fraction(c), d, n, at) for term, c in terms]


def _square(
    graph: Graph, term: Ref, coefficient: Fraction, d: int, n: int, at: Callable[[Ref, int], sp.Expr]
) -> Square:
    points = {p // d for p in _places(graph, term) if p < n * d}
    node = graph.nodes[term]
    if len(points) > 1 or not isinstance(node, Product) or any(Fraction(e) % 2 for _, e in node.factors):
        raise Unsupported(f"the loss is not a sum of squares of residuals at single points. {NOT_SQUARES}")
    half = graph.product([(f, _halved(e)) for f, e in node.factors])
    return Square(at(half, points.pop() if points else 0), coefficient)


def _halved(exponent: Fraction | int) -> Fraction | int:
    half = Fraction(exponent) / 2
    return int(half) if half.denominator == 1 else half


def _places(graph: Graph, root: Ref) -> list[int]:
    nodes = (graph.nodes[ref] for ref in graph.reachable([root]))
    return [node.place for node in nodes if isinstance(node, Variable)]


def read(found: Sequence[Sequence[Square]], sizes: Sequence[int]) -> tuple[tuple[sp.Expr, ...], tuple[Weight, ...]]:
    """The equations and their weights from the terms at two and at three points."""
    grouped = [_grouped(terms) for terms in found]
    if set(grouped[0]) != set(grouped[1]):
        raise Unsupported(f"the loss at two points has other terms than at three. {NOT_SQUARES}")
    weights = []
    for equation in grouped[0]:
        (count, c), (count3, c3) = (group[equation] for group in grouped)
        if count != sizes[0] and count == count3 and c == c3:
            weights.append(Weight(c * count, is_mean=False))
        elif c == c3:
            weights.append(Weight(c, is_mean=False))
        elif _near(c * sizes[0], c3 * sizes[1]):
            weights.append(Weight(_short(c * sizes[0]), is_mean=True))
        else:
            raise Unsupported(f"the loss is neither a mean nor a sum over the points. {NOT_SQUARES}")
    return tuple(grouped[0]), tuple(weights)


def _near(a: Fraction, b: Fraction) -> bool:
    return abs(a - b) <= abs(a) * Fraction(1, 2**48)


def _short(weight: Fraction) -> Fraction:
    """The number that a product of floats rounds: 3 times the float 1/3 is 1."""
    short = weight.limit_denominator(10**6)
    return short if _near(weight, short) else weight


def _grouped(terms: Sequence[Square]) -> dict[sp.Expr, tuple[int, Fraction]]:
    """Each equation, with how many points have it and its coefficient there."""
    groups: dict[sp.Expr, list[Fraction]] = {}
    exact: dict[sp.Expr, sp.Expr] = {}  # by what it is printed as
    for term in terms:
        equation = exact.setdefault(sp.expand(cleaned(term.equation)), sp.expand(term.equation))
        groups.setdefault(equation, []).append(term.coefficient)
    for equation, coefficients in groups.items():
        if any(not _near(c, coefficients[0]) for c in coefficients):
            raise Unsupported(f"the points of {equation} count differently in the loss. {NOT_SQUARES}")
    return {equation: (len(cs), cs[0]) for equation, cs in groups.items()}
