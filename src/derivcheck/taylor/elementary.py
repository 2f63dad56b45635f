"""Taylor coefficients of the elementary functions: t_k = g^(k)(x)/k! for k = 0, ..., K, at n points at once.

Where the coefficients have no closed form they follow from a differential equation that g solves, by comparing
coefficients (Griewank & Walther, Evaluating Derivatives, 2008, table 13.2). Each rule is (x, K) -> [t_0, ..., t_K]. The
value t_0 is torch's own. Special functions are in `special`.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Coefficients = list[Tensor]
Rule = Callable[[Tensor, int], Coefficients]


def product(a: Sequence[Tensor], b: Sequence[Tensor]) -> Coefficients:
    """(a·b)_k = Σ a_i·b_(k-i), as many as the shorter has."""
    return [_term(a, b, k) for k in range(min(len(a), len(b)))]


def _term(a: Sequence[Tensor], b: Sequence[Tensor], k: int) -> Tensor:
    return sum((a[i] * b[k - i] for i in range(1, k + 1)), a[0] * b[k])


def integral(value: Tensor, derivative: Sequence[Tensor]) -> Coefficients:
    """g from g(x) and the coefficients of g'."""
    return [value, *(d / (k + 1) for k, d in enumerate(derivative))]


def exponential(s: Sequence[Tensor]) -> Coefficients:
    """v = e^s: v' = s'·v, so k·v_k = Σ i·s_i·v_(k-i)."""
    v = [torch.exp(s[0])]
    for k in range(1, len(s)):
        v.append(sum((i * s[i] * v[k - i] for i in range(2, k + 1)), s[1] * v[k - 1]) / k)
    return v


def quadratic_power(q: tuple[Tensor, Tensor, Tensor], exponent: float, count: int) -> Coefficients:
    """v = q^p for q = q_0 + q_1·h + q_2·h²: q·v' = p·q'·v."""
    v = [q[0] ** exponent]
    for k in range(1, count):
        terms = [(exponent * i - (k - i)) * q[i] * v[k - i] for i in (1, 2) if i <= k]
        v.append(sum(terms[1:], terms[0]) / (k * q[0]))
    return v


def tangent(x: Tensor, order: int) -> Coefficients:
    """y' = 1 + y²."""
    t = [torch.tan(x)]
    for k in range(order):
        square = _term(t, t, k)
        t.append((square + 1 if k == 0 else square) / (k + 1))
    return t


def logistic(y: Tensor, p: Tensor, q: Tensor, order: int) -> Coefficients:
    """y' = p·q with p' = -y' and q' = y': tanh with 1 - y and 1 + y, the sigmoid with 1 - y and y.

    p and q are arguments, because computing them from y would lose their digits as y approaches 1.
    """
    t = [y]
    for k in range(order):
        t.append(_term([p, *(-c for c in t[1:])], [q, *t[1:]], k) / (k + 1))
    return t


def power(x: Tensor, exponent: float, order: int) -> Coefficients:
    """x^r: binomial(r, k)·x^(r-k), and 0 where the binomial is 0."""
    binomials = _binomials(1.0, exponent, order)
    return [torch.zeros_like(x) if b == 0 else b * x ** _number(exponent - k) for k, b in enumerate(binomials)]


def relative_power(exponent: float) -> Rule:
    """t_k·x^k of x^r: binomial(r, k)·x^r. For r < 0 no power of x but x^r itself has to be in range."""

    def rule(x: Tensor, order: int) -> Coefficients:
        value = x ** _number(exponent)
        return [value * b for b in _binomials(1.0, exponent, order)]

    return rule


def powers(x: Tensor, r: Tensor, order: int) -> Coefficients:
    """The same, with an exponent for each point."""
    value, (_, *binomials) = torch.pow(x, r), _binomials(torch.ones_like(r), r, order)
    zero = torch.zeros_like(value)
    return [value, *(torch.where(b == 0, zero, b * torch.pow(x, r - k)) for k, b in enumerate(binomials, 1))]


def _binomials(one: Any, r: Any, order: int) -> list[Any]:
    """binomial(r, k) for k = 0, ..., K."""
    b = [one]
    for k in range(order):
        b.append(b[-1] * (r - k) / (k + 1))
    return b


def _number(r: float) -> float:
    return int(r) if float(r).is_integer() else r


def _cycle(functions: Sequence[Callable[[Tensor], Tensor]], signs: Sequence[int]) -> Rule:
    """Derivatives that repeat: sin, cos, -sin, -cos."""

    def rule(x: Tensor, order: int) -> Coefficients:
        values = [f(x) for f in functions]
        period = len(signs)
        return [values[k % len(values)] * (signs[k % period] / math.factorial(k)) for k in range(order + 1)]

    return rule


def _exponential(op: Callable[[Tensor], Tensor], base: float) -> Rule:
    """b^x: ln(b)^k·b^x/k!."""

    def rule(x: Tensor, order: int) -> Coefficients:
        value, slope = op(x), math.log(base)
        grown = value if op is not torch.expm1 else torch.exp(x)
        return [value, *(grown * (slope**k / math.factorial(k)) for k in range(1, order + 1))]

    return rule


def _logarithm(op: Callable[[Tensor], Tensor], base: float = math.e) -> Rule:
    """log x: (1/x)^(k-1) integrated; log1p at 1 + x."""

    def rule(x: Tensor, order: int) -> Coefficients:
        inverse = power(1 + x if op is torch.log1p else x, -1, order - 1) if order else []
        return integral(op(x), [t / math.log(base) for t in inverse])

    return rule


def _by_quadratic(op: Callable[[Tensor], Tensor], a: float, c: float, exponent: float, sign: float = 1) -> Rule:
    """g' = ±(a + c·x²)^p: the inverse trigonometric and hyperbolic functions."""

    def rule(x: Tensor, order: int) -> Coefficients:
        q = (_square_plus(x, a, c), 2 * c * x, torch.full_like(x, c))
        return integral(op(x), [sign * t for t in quadratic_power(q, exponent, order)[:order]])

    return rule


def _square_plus(x: Tensor, a: float, c: float) -> Tensor:
    """a + c·x², without cancellation if a and c differ in sign."""
    return a + c * x * x if a * c > 0 else a * (1 - x) * (1 + x)


ELEMENTARY: dict[str, Rule] = {
    "exp": _exponential(torch.exp, math.e),
    "exp2": _exponential(torch.exp2, 2),
    "expm1": _exponential(torch.expm1, math.e),
    "log": _logarithm(torch.log),
    "log1p": _logarithm(torch.log1p),
    "log2": _logarithm(torch.log2, 2),
    "log10": _logarithm(torch.log10, 10),
    "sin": _cycle([torch.sin, torch.cos], [1, 1, -1, -1]),
    "cos": _cycle([torch.cos, torch.sin], [1, -1, -1, 1]),
    "sinh": _cycle([torch.sinh, torch.cosh], [1]),
    "cosh": _cycle([torch.cosh, torch.sinh], [1]),
    "tan": tangent,
    "tanh": lambda x, order: logistic(torch.tanh(x), 2 * torch.sigmoid(-2 * x), 2 * torch.sigmoid(2 * x), order),
    "sigmoid": lambda x, order: logistic(torch.sigmoid(x), torch.sigmoid(-x), torch.sigmoid(x), order),
    "asin": _by_quadratic(torch.asin, 1, -1, -0.5),
    "acos": _by_quadratic(torch.acos, 1, -1, -0.5, -1),
    "atan": _by_quadratic(torch.atan, 1, 1, -1),
    "asinh": _by_quadratic(torch.asinh, 1, 1, -0.5),
    "acosh": _by_quadratic(torch.acosh, -1, 1, -0.5),
    "atanh": _by_quadratic(torch.atanh, 1, -1, -1),
    "sqrt": lambda x, order: [torch.sqrt(x), *power(x, 0.5, order)[1:]],
    "rsqrt": lambda x, order: [torch.rsqrt(x), *power(x, -0.5, order)[1:]],
    "square": lambda x, order: power(x, 2, order),
    "reciprocal": lambda x, order: power(x, -1, order),
}


def _relative_logarithm(op: Callable[[Tensor], Tensor], base: float = math.e) -> Rule:
    """t_k·x^k = -(-1)^k/(k·log b)."""
    return lambda x, order: [
        op(x),
        *(torch.full_like(x, -((-1) ** k) / (k * math.log(base))) for k in range(1, order + 1)),
    ]


# t_k·x^k, where t_k or x^k may leave the range and their product does not: 1/sinh(300) has a second derivative.
RELATIVE: dict[str, Rule] = {
    "reciprocal": relative_power(-1),
    "rsqrt": relative_power(-0.5),
    "log": _relative_logarithm(torch.log),
    "log2": _relative_logarithm(torch.log2, 2),
    "log10": _relative_logarithm(torch.log10, 10),
}
