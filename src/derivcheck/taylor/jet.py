"""A tensor that carries a power series, and the three kinds of functions that need no rule of their own.

A jet's own storage is on the meta device and holds no numbers: code that unwraps it (torch.jit, torch.vmap) finds
nothing and is caught, whereas a plain value would pass for a constant.
"""

from typing import Any, Self

import torch
from torch import Tensor
from torch.utils._pytree import tree_any, tree_leaves, tree_map

from derivcheck.taylor.elementary import Rule
from derivcheck.taylor.series import Algebra

UNSEEN = "code that torch functions do not pass through, such as torch.jit or torch.vmap, has no Taylor rule"


class Jet(Tensor):
    """A value and its series. How torch functions act on it is added by the subclass in `dispatch`."""

    series: Tensor
    """Shape (M, *shape), in the algebra's order."""
    algebra: Algebra
    shared: bool
    """Whether another jet is a view of this one, or this one of another: writing to one would not change the other."""

    @classmethod
    def of(cls, series: Tensor, algebra: Algebra) -> Self:
        """The jet with this series (M, *shape)."""
        empty = torch.empty(series.shape[1:], dtype=series.dtype, device="meta")
        jet: Self = Tensor._make_subclass(cls, empty)  # as_subclass fails in torch 2.5 while roundings are perturbed
        jet.series, jet.algebra, jet.shared = series.detach(), algebra, False
        return jet

    def like(self, series: Tensor) -> Self:
        """A jet of the same kind, over the same algebra, with another series."""
        return type(self).of(series, self.algebra)


def value(x: Any) -> Any:
    """The number, without its series."""
    return x.series[0] if isinstance(x, Jet) else x


def series_of(x: Any, algebra: Algebra) -> Tensor:
    """The series of a jet, or of a constant."""
    return x.series if isinstance(x, Jet) else algebra.constant(constant(x))


def constant(x: Any, device: torch.device | None = None) -> Tensor:
    """A number as a tensor; a float in float64, because torch's default, float32, would round it."""
    return torch.as_tensor(x, dtype=torch.float64 if isinstance(x, float) else None, device=device)


def first_jet(tree: Any) -> Jet:
    """The first jet among the arguments of a function."""
    found: Jet = next(leaf for leaf in tree_leaves(tree) if isinstance(leaf, Jet))
    return found


def elementary(u: Jet, rule: Rule, relative: Rule | None = None) -> Jet:
    """g(u), from g's Taylor coefficients t_k; where x ≠ 0, from t_k·x^k and (u - x)/x if there is a `relative` rule."""
    x, order = u.series[0], u.algebra.order
    if relative is None:
        return u.like(u.algebra.compose(rule(x, order), u.series))
    usual = (x != 0) & x.isfinite()
    pairs = zip(relative(x, order), rule(x, order), strict=True)
    scaled = [torch.where(usual, r, t) for r, t in pairs]
    return u.like(u.algebra.compose(scaled, u.series / torch.where(usual, x, torch.ones_like(x))))


def linear(func: Any, args: Any, kwargs: Any) -> Any:
    """The function applied to every coefficient. Among tensors that are joined, a constant is a series too."""
    jet = first_jet((args, kwargs))
    joined = [isinstance(a, list | tuple) and tree_any(lambda leaf: isinstance(leaf, Jet), a) for a in args]

    def coefficient(k: int) -> Any:
        def of(leaf: Any) -> Any:
            return leaf.series[k] if isinstance(leaf, Jet) else leaf

        def lifted(leaf: Any) -> Any:
            return series_of(leaf, jet.algebra)[k] if isinstance(leaf, Tensor) else leaf

        chosen = [tree_map(lifted if together else of, a) for a, together in zip(args, joined, strict=True)]
        return func(*chosen, **tree_map(of, kwargs))

    results = [coefficient(k) for k in range(len(jet.algebra))]
    alone = isinstance(results[0], Tensor)
    made = [jet.like(torch.stack(parts)) for parts in ([results] if alone else zip(*results, strict=True))]
    _note_views(args, results[0] if alone else results[0][0], made)
    return made[0] if alone else tuple(made)


def _note_views(args: Any, result: Tensor, made: list[Jet]) -> None:
    """Mark the argument and the results as shared if torch made a view."""
    source = next((a for a in args if isinstance(a, Jet)), None)
    if source is not None and _storage(result) == _storage(source.series):
        for jet in (source, *made):
            jet.shared = True


def _storage(x: Tensor) -> int:
    return x.untyped_storage().data_ptr()


def bilinear(func: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Linear if one factor is a constant, the Cauchy product if both are series."""
    places = [k for k, a in enumerate(args) if isinstance(a, Jet)]
    if len(places) == 1:
        return linear(func, args, kwargs)
    jet, (i, j) = args[places[0]], places
    total: dict[int, Tensor] = {}
    for place, pairs in enumerate(jet.algebra.cauchy.pairs):
        for left, right in pairs:
            chosen = [a.series[left] if k == i else a.series[right] if k == j else a for k, a in enumerate(args)]
            term = func(*chosen, **kwargs)
            total[place] = total[place] + term if place in total else term
    return jet.like(torch.stack([total[k] for k in range(len(jet.algebra))]))
