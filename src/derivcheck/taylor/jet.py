"""A tensor that carries a power series, and the three kinds of functions that need no rule of their own.

A jet's own storage is on the meta device and holds no numbers: code that unwraps it (torch.jit, torch.vmap) gets none
and is found out, where a plain value would pass for a constant.
"""

from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_any, tree_leaves, tree_map

from derivcheck.taylor.elementary import Rule
from derivcheck.taylor.series import Algebra

UNSEEN = "code that torch functions do not pass through, such as torch.jit or torch.vmap, has no Taylor rule"


class Jet(Tensor):
    """A value and its series. `series` has shape (M, *shape), in the algebra's order."""

    series: Tensor
    algebra: Algebra
    shared: bool
    """Whether another jet is a view of this one, or this one of another: writing to one would not change the other."""

    @staticmethod
    def of(series: Tensor, algebra: Algebra) -> "Jet":
        jet: Jet = torch.empty(series.shape[1:], dtype=series.dtype, device="meta").as_subclass(Jet)
        jet.series, jet.algebra, jet.shared = series.detach(), algebra, False
        return jet

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        from derivcheck.taylor.dispatch import dispatch  # noqa: PLC0415 the rules are made of what is defined here

        return dispatch(func, list(args), dict(kwargs or {}))


def value(x: Any) -> Any:
    """The number, without its series."""
    return x.series[0] if isinstance(x, Jet) else x


def series_of(x: Any, algebra: Algebra) -> Tensor:
    """The series of a jet, or of a constant."""
    return x.series if isinstance(x, Jet) else algebra.constant(constant(x))


def constant(x: Any, device: torch.device | None = None) -> Tensor:
    """A number as a tensor; torch's default, float32, would round it."""
    return torch.as_tensor(x, dtype=torch.float64 if isinstance(x, float) else None, device=device)


def elementary(u: Jet, rule: Rule, relative: Rule | None = None) -> Jet:
    """g(u), by g's Taylor coefficients t_k, or by t_k·x^k of a `relative` rule, with (u - x)/x, where x is not 0."""
    x, order = u.series[0], u.algebra.order
    if relative is None:
        return Jet.of(u.algebra.compose(rule(x, order), u.series), u.algebra)
    usual = (x != 0) & x.isfinite()
    pairs = zip(relative(x, order), rule(x, order), strict=True)
    scaled = [torch.where(usual, r, t) for r, t in pairs]
    return Jet.of(u.algebra.compose(scaled, u.series / torch.where(usual, x, torch.ones_like(x))), u.algebra)


def algebra_of(tree: Any) -> Algebra:
    """That of the first jet in it."""
    found: Algebra = next(leaf.algebra for leaf in tree_leaves(tree) if isinstance(leaf, Jet))
    return found


def linear(func: Any, args: Any, kwargs: Any) -> Any:
    """The function of every coefficient. Among tensors that are joined, a constant is a series too."""
    algebra = algebra_of((args, kwargs))
    joined = [isinstance(a, list | tuple) and tree_any(lambda leaf: isinstance(leaf, Jet), a) for a in args]

    def coefficient(k: int) -> Any:
        def of(leaf: Any) -> Any:
            return leaf.series[k] if isinstance(leaf, Jet) else leaf

        def lifted(leaf: Any) -> Any:
            return series_of(leaf, algebra)[k] if isinstance(leaf, Tensor) else leaf

        chosen = [tree_map(lifted if together else of, a) for a, together in zip(args, joined, strict=True)]
        return func(*chosen, **tree_map(of, kwargs))

    results = [coefficient(k) for k in range(len(algebra))]
    alone = isinstance(results[0], Tensor)
    made = [Jet.of(torch.stack(parts), algebra) for parts in ([results] if alone else zip(*results, strict=True))]
    source = next((a for a in args if isinstance(a, Jet)), None)
    if source is not None and _storage(results[0] if alone else results[0][0]) == _storage(source.series):
        for jet in (source, *made):
            jet.shared = True
    return made[0] if alone else tuple(made)


def _storage(x: Tensor) -> int:
    return x.untyped_storage().data_ptr()


def bilinear(func: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Linear where one factor is a constant, the Cauchy product where both are series."""
    places = [k for k, a in enumerate(args) if isinstance(a, Jet)]
    if len(places) == 1:
        return linear(func, args, kwargs)
    algebra, (i, j) = args[places[0]].algebra, places
    total: dict[int, Tensor] = {}
    for place, pairs in enumerate(algebra.cauchy.pairs):
        for left, right in pairs:
            chosen = [a.series[left] if k == i else a.series[right] if k == j else a for k, a in enumerate(args)]
            term = func(*chosen, **kwargs)
            total[place] = total[place] + term if place in total else term
    return Jet.of(torch.stack([total[k] for k in range(len(algebra))]), algebra)
