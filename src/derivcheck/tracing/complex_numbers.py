"""Complex numbers as pairs of real ones: refs with a last axis of two.

Views and real parts need no rule, because a complex number is two numbers in memory and has two refs. There is a rule
for complex arguments beside that for real ones where both exist.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from derivcheck.errors import Unsupported
from derivcheck.symbolic.graph import Number
from derivcheck.tracing.arrays import IGNORED, Arrays
from derivcheck.tracing.kinds import Rule, placed
from derivcheck.tracing.special import exp, log, sqrt
from derivcheck.tracing.values import Value, apply, where

Pair = tuple[Value, Value]
WHOLE: frozenset[Number | float] = frozenset(range(-16, 17)) - {0}  # exponents that are multiplied out


def _modulus(z: Pair) -> Value:
    return sqrt(z[0] ** 2 + z[1] ** 2)


def _angle(z: Pair) -> Value:
    return apply("atan2", z[1], z[0])


def _product(z: Pair, w: Pair) -> Pair:
    return z[0] * w[0] - z[1] * w[1], z[0] * w[1] + z[1] * w[0]


def _reciprocal(z: Pair) -> Pair:
    size = z[0] ** 2 + z[1] ** 2
    return z[0] / size, -z[1] / size


def _polar(size: Value, angle: Value) -> Pair:
    return size * apply("cos", angle), size * apply("sin", angle)


def _root(z: Pair) -> Pair:
    """The principal one: of a positive real part, at the angle's half."""
    return _polar(sqrt(_modulus(z)), _angle(z) / 2)


def _hyperbolic(z: Pair, real: str, imaginary: str) -> Pair:
    return apply(real, z[0]) * apply("cos", z[1]), apply(imaginary, z[0]) * apply("sin", z[1])


def _unit(z: Pair) -> Pair:
    """z/|z|, 0 at 0."""
    size = _modulus(z)
    at_zero = size.compare("==", 0)
    return where(at_zero, z[0].of(0), z[0] / size), where(at_zero, z[0].of(0), z[1] / size)


def _scaled_sum(z: Pair, w: Pair, alpha: float = 1) -> Pair:
    return z[0] + w[0] * alpha, z[1] + w[1] * alpha


def _whole_power(z: Pair, w: Pair) -> Pair:
    """z to a small whole power, or e to a complex one."""
    exponent = w[0].number
    if exponent is None or exponent not in WHOLE or w[1].number != 0:
        return exponential(_product(w, (log(_modulus(z)), _angle(z))))
    power = reduce(_product, [z] * abs(int(exponent)))
    return power if exponent > 0 else _reciprocal(power)


def exponential(z: Pair) -> Pair:
    return _polar(exp(z[0]), z[1])


def pairwise(function: Callable[..., Any]) -> Rule:
    """A function of pairs at each element; its result is a pair or a real value."""

    def rule(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
        used = {name: value for name, value in kwargs.items() if name not in IGNORED}
        parts = torch.broadcast_tensors(*(half for arg in args for half in pair_of(arrays, arg)))
        rows = zip(*(part.flatten().tolist() for part in parts), strict=True)
        made = []
        for row in rows:
            values = [Value(arrays.graph, ref) for ref in row]
            result = function(*zip(values[::2], values[1::2], strict=True), **used)
            made.append([value.ref for value in (result if isinstance(result, tuple) else (result,))])
        found = torch.tensor(made, dtype=torch.int64)
        return found.reshape(*parts[0].shape, *([2] if found.shape[-1] == 2 else []))

    return rule


def pair_of(arrays: Arrays, value: Any) -> tuple[Tensor, Tensor]:
    """The refs of real and imaginary part of a tensor or number."""
    if isinstance(value, complex):
        return arrays.refs(value.real), arrays.refs(value.imag)
    refs = arrays.numbers(value) if not _is_complex(value) else arrays.refs(value)
    if _is_complex(value):
        return refs[..., 0], refs[..., 1]
    return refs, torch.zeros_like(refs)  # node 0


def _is_complex(value: Any) -> bool:
    return isinstance(value, complex) or (isinstance(value, Tensor) and value.is_complex())


def _parts(value: Any, place: int) -> Any:
    """The arguments with the real (0) or imaginary (1) part in place of every complex tensor."""
    return tree_map(lambda leaf: (leaf.imag if place else leaf.real) if _is_complex(leaf) else leaf, value)


def linear(arrays: Arrays, rule: Rule, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """A sum, or what moves elements: it acts on both parts alike."""
    parts = [rule(arrays, func, _parts(args, place), _parts(kwargs, place)) for place in (0, 1)]
    return torch.stack(parts, -1)


def bilinear(arrays: Arrays, rule: Rule, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """(a + ib)·(c + id) = (ac - bd) + i(ad + bc) of matrices."""
    halves = [[_parts(arg, 0), _parts(arg, 1) if _is_complex(arg) else torch.zeros_like(arg)] for arg in args[:2]]
    (a, b), (c, d) = halves
    products = [rule(arrays, func, pair, kwargs) for pair in ((a, c), (b, d), (a, d), (b, c))]
    real = arrays.each(lambda x, y: x - y, *products[:2])
    return torch.stack([real, arrays.each(lambda x, y: x + y, *products[2:])], -1)


PAIRWISE: dict[str, Callable[..., Any]] = {
    "add": _scaled_sum,
    "sub": lambda z, w, alpha=1: _scaled_sum(z, w, -alpha),
    "rsub": lambda z, w, alpha=1: _scaled_sum(w, z, -alpha),
    "mul": _product,
    "div": lambda z, w: _product(z, _reciprocal(w)),
    "neg": lambda z: (-z[0], -z[1]),
    "reciprocal": _reciprocal,
    "square": lambda z: _product(z, z),
    "pow": _whole_power,
    "abs": _modulus,
    "angle": _angle,
    "sgn": _unit,
    "exp": exponential,
    "log": lambda z: (log(_modulus(z)), _angle(z)),
    "sqrt": _root,
    "sin": lambda z: (apply("sin", z[0]) * apply("cosh", z[1]), apply("cos", z[0]) * apply("sinh", z[1])),
    "cos": lambda z: (apply("cos", z[0]) * apply("cosh", z[1]), -apply("sin", z[0]) * apply("sinh", z[1])),
    "sinh": lambda z: _hyperbolic(z, "sinh", "cosh"),
    "cosh": lambda z: _hyperbolic(z, "cosh", "sinh"),
    "tanh": lambda z: _product(_hyperbolic(z, "sinh", "cosh"), _reciprocal(_hyperbolic(z, "cosh", "sinh"))),
    "_to_copy": lambda z: z,
    "_conj_physical": lambda z: (z[0], -z[1]),
    "conj_physical": lambda z: (z[0], -z[1]),
    "fill": lambda z, w: w,
    "copy": lambda z, w, *_: w,
    "zero": lambda z: (z[0].of(0), z[0].of(0)),
}
"""Operations whose arguments are complex, or some of them."""


LINEAR = frozenset({"sum", "mean", "cumsum"})
BILINEAR = frozenset({"mm", "bmm", "mv", "dot"})


def for_complex(name: str, rule: Rule) -> Rule:
    """The rule, with that for complex arguments where there is one."""
    of_pairs = pairwise(PAIRWISE[name]) if name in PAIRWISE else None
    apart = linear if rule is placed or name in LINEAR else bilinear if name in BILINEAR else None

    def chosen(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        if not any(map(_is_complex, tree_leaves((args, kwargs)))):
            return rule(arrays, func, args, kwargs)
        if of_pairs is not None:
            return of_pairs(arrays, func, args, kwargs)
        if apart is None:
            raise Unsupported("has no rule for complex numbers")
        return apart(arrays, rule, func, args, kwargs)

    return chosen


def _joined(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """A complex number of its parts."""
    return torch.stack(torch.broadcast_tensors(*map(arrays.numbers, args)), -1)


def _of_polar(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    size, angle = map(arrays.numbers, args)
    return torch.stack([arrays.each(lambda r, a, k=k: _polar(r, a)[k], size, angle) for k in (0, 1)], -1)


COMPLEX: dict[str, Rule] = {
    "complex": _joined,
    "polar": _of_polar,
    **{name: pairwise(PAIRWISE[name]) for name in ("_conj_physical", "conj_physical")},
}
"""Operations that are there for complex numbers alone."""
