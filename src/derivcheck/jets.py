"""A tensor that carries a power series: torch's functions, applied to it, push the series through.

`__torch_function__` sees every call that torch dispatches on a Jet, so the user's function that autograd runs is run in
Taylor mode as it stands. Each torch function is one of five kinds: *elementary*, with a table of Taylor coefficients;
*composed* of others; *bilinear*, such as a product; *linear*, applied to every coefficient; or *constant*, which looks
at the value alone. What is none of them raises `Unsupported` by its name.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_any, tree_leaves, tree_map

from derivcheck.compositions import COMPOSITIONS
from derivcheck.errors import Unsupported
from derivcheck.series import Algebra
from derivcheck.signatures import BILINEAR, CONSTANT, LINEAR, canonical
from derivcheck.taylor import ELEMENTARY, Coefficients, power
from derivcheck.taylor_special import SPECIAL, incomplete_gamma, polygamma, zeta


class Jet(Tensor):
    """A value and its series. `series` has shape (M, *shape), in the algebra's order."""

    series: Tensor
    algebra: Algebra

    @staticmethod
    def of(series: Tensor, algebra: Algebra) -> "Jet":
        jet: Jet = series[0].detach().as_subclass(Jet)
        jet.series, jet.algebra = series, algebra
        return jet

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _apply(_name(func), func, list(args), kwargs or {})


def _name(func: Any) -> str:
    """torch.special.expit -> sigmoid; a property such as x.shape by its own name."""
    return canonical(func.__self__.__name__ if func.__name__ in ("__get__", "__set__") else func.__name__)


def _apply(name: str, func: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if name.endswith("_") and not name.endswith("__"):
        return _in_place(args[0], _apply(canonical(name[:-1]), getattr(Tensor, name[:-1], func), args, kwargs))
    if name in RULES:
        return RULES[name](*args, **kwargs)
    if name in ELEMENTARY or name in SPECIAL:
        rule = ELEMENTARY.get(name) or SPECIAL[name]
        return elementary(args[0], rule)
    if name in COMPOSITIONS:
        return COMPOSITIONS[name](*args, **kwargs)
    if name in LINEAR:
        return linear(func, args, kwargs)
    if name in BILINEAR:
        return bilinear(func, args, kwargs)
    if name in CONSTANT:
        return func(*tree_map(value, args), **tree_map(value, kwargs))
    raise Unsupported(f"{name} has no Taylor rule")


def value(x: Any) -> Any:
    """The number, without its series."""
    return x.series[0] if isinstance(x, Jet) else x


def _in_place(jet: Jet, result: Any) -> Jet:
    jet.series = series_of(result, jet.algebra)
    return jet


def series_of(x: Any, algebra: Algebra) -> Tensor:
    """The series of a jet, or of a constant."""
    return x.series if isinstance(x, Jet) else algebra.constant(torch.as_tensor(x))


def elementary(u: Jet, rule: Callable[[Tensor, int], Coefficients]) -> Jet:
    """g(u), by g's Taylor coefficients."""
    return Jet.of(u.algebra.compose(rule(u.series[0], u.algebra.order), u.series), u.algebra)


def _algebra(tree: Any) -> Algebra:
    found: Algebra = next(leaf.algebra for leaf in tree_leaves(tree) if isinstance(leaf, Jet))
    return found


def linear(func: Any, args: Any, kwargs: Any) -> Any:
    """The function of every coefficient. Among tensors that are joined, a constant is a series too."""
    algebra = _algebra((args, kwargs))
    joined = [isinstance(a, list | tuple) and tree_any(lambda leaf: isinstance(leaf, Jet), a) for a in args]

    def coefficient(k: int) -> Any:
        def of(leaf: Any) -> Any:
            return leaf.series[k] if isinstance(leaf, Jet) else leaf

        def lifted(leaf: Any) -> Any:
            return series_of(leaf, algebra)[k] if isinstance(leaf, Tensor) else leaf

        chosen = [tree_map(lifted if together else of, a) for a, together in zip(args, joined, strict=True)]
        return func(*chosen, **tree_map(of, kwargs))

    results = [coefficient(k) for k in range(len(algebra))]
    if isinstance(results[0], Tensor):
        return Jet.of(torch.stack(results), algebra)
    return tuple(Jet.of(torch.stack(parts), algebra) for parts in zip(*results, strict=True))


def bilinear(func: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Linear where one factor is a constant, the Cauchy product where both are series."""
    places = [k for k, a in enumerate(args) if isinstance(a, Jet)]
    if len(places) == 1:
        return linear(func, args, kwargs)
    algebra, (i, j) = args[places[0]].algebra, places
    total: dict[int, Tensor] = {}
    for left, right, place in zip(algebra.left.tolist(), algebra.right.tolist(), algebra.sum.tolist(), strict=True):
        chosen = [a.series[left] if k == i else a.series[right] if k == j else a for k, a in enumerate(args)]
        term = func(*chosen, **kwargs)
        total[place] = total[place] + term if place in total else term
    return Jet.of(torch.stack([total[k] for k in range(len(algebra))]), algebra)


def affine(x: Any, weight: Any, bias: Any = None) -> Any:
    """torch.nn.functional.linear: x·Wᵀ + b."""
    product = bilinear(torch.nn.functional.linear, [x, weight], {})
    return product if bias is None else product + bias


def _aligned(a: Any, b: Any) -> tuple[Tensor, Tensor, Algebra]:
    """The series of two operands, one of them a jet, with as many axes each; scalars stay exact."""
    algebra = _algebra((a, b))
    dtype = torch.result_type(value(a), value(b))
    like = value(a) if isinstance(a, Jet) else value(b)
    both = [
        x.series if isinstance(x, Jet) else algebra.constant(torch.as_tensor(x, device=like.device)) for x in (a, b)
    ]
    rank = max(s.dim() for s in both)
    x, y = (s.reshape(len(algebra), *[1] * (rank - s.dim()), *s.shape[1:]).to(dtype) for s in both)
    return x, y, algebra


def add(a: Any, b: Any, *, alpha: float = 1) -> Jet:
    """a + alpha·b."""
    x, y, algebra = _aligned(a, b)
    return Jet.of(x + y if alpha == 1 else x + alpha * y, algebra)


def sub(a: Any, b: Any, *, alpha: float = 1) -> Jet:
    """a - alpha·b."""
    x, y, algebra = _aligned(a, b)
    return Jet.of(x - y if alpha == 1 else x - alpha * y, algebra)


def mul(a: Any, b: Any) -> Jet:
    """a·b, a Cauchy product where both have a series."""
    if isinstance(a, Jet) and isinstance(b, Jet):
        x, y, algebra = _aligned(a, b)
        return Jet.of(algebra.multiply(x, y), algebra)
    jet, number = (a, b) if isinstance(a, Jet) else (b, a)
    if isinstance(number, Tensor) and number.dim():
        x, y, algebra = _aligned(jet, number)
        return Jet.of(x * y[:1], algebra)
    return Jet.of(jet.series * number, jet.algebra)


def div(a: Any, b: Any, *, rounding_mode: str | None = None) -> Any:
    """a/b."""
    if rounding_mode is not None:
        return torch.div(value(a), value(b), rounding_mode=rounding_mode)
    if isinstance(b, Jet):
        return mul(a, elementary(b, ELEMENTARY["reciprocal"]))
    if isinstance(b, Tensor) and b.dim():
        x, y, algebra = _aligned(a, b)
        return Jet.of(x / y[:1], algebra)
    return Jet.of(a.series / b, a.algebra)


def pow_(a: Any, b: Any) -> Jet:
    """a^b; by a table where the exponent is a number, else exp(b·log a) with torch's own value."""
    if not isinstance(b, Tensor) or (b.dim() == 0 and not isinstance(b, Jet)):
        return elementary(a, lambda x, order: [torch.pow(x, b), *power(x, float(b), order)[1:]])
    if not isinstance(b, Jet):
        return _taught(torch.exp(torch.log(a) * b), torch.pow(value(a), b))
    base = a if isinstance(a, Tensor) else torch.as_tensor(a, dtype=b.dtype, device=b.device)
    return _taught(torch.exp(torch.log(base) * b), torch.pow(value(base), value(b)))


def _taught(jet: Any, number: Tensor) -> Jet:
    """The series, with a value that torch computes in another way."""
    return Jet.of(torch.cat([number.unsqueeze(0), jet.series[1:]]), jet.algebra)


def where(condition: Tensor, a: Any, b: Any) -> Any:
    """Of each point one of both."""
    if not isinstance(a, Jet) and not isinstance(b, Jet):
        return torch.where(value(condition), a, b)
    x, y, algebra = _aligned(a, b)
    return Jet.of(torch.where(value(condition), x, y), algebra)


def _set(jet: Any, index: Any, new: Any) -> None:
    places = tuple(map(value, index)) if isinstance(index, tuple) else (value(index),)
    jet.series = jet.series.clone()
    everywhere: Any = (slice(None), *places)
    jet.series[everywhere] = series_of(new, jet.algebra) if isinstance(new, Tensor) else new


def index_put(x: Any, indices: Sequence[Tensor], values: Any, accumulate: bool = False) -> Jet:
    """x with other values at these places."""
    algebra = _algebra((x, values))
    if accumulate:
        raise Unsupported("index_put with accumulate has no Taylor rule")
    series = series_of(x, algebra).clone()
    everywhere: Any = (slice(None), *indices)
    series[everywhere] = series_of(values, algebra)
    return Jet.of(series, algebra)


RULES: dict[str, Callable[..., Any]] = {
    "add": add,
    "sub": sub,
    "rsub": lambda a, b, **more: sub(b, a, **more),
    "mul": mul,
    "div": div,
    "rdiv": lambda a, b: div(b, a),
    "pow": pow_,
    "rpow": lambda a, b: pow_(b, a),
    "rmatmul": lambda a, b: torch.matmul(b, a),
    "linear": affine,
    "where": where,
    "index_put": index_put,
    "__setitem__": _set,
    "copy": lambda x, y, *rest: y if isinstance(y, Jet) else torch.zeros_like(x) + y,
    "polygamma": lambda n, x: elementary(x, polygamma(int(n))),
    "zeta": lambda s, q=1.0: elementary(q, zeta(float(s))) if isinstance(q, Jet) else _no_rule("zeta in its order"),
    "gammainc": lambda a, x: elementary(x, incomplete_gamma(_plain(a), torch.special.gammainc, 1)),
    "gammaincc": lambda a, x: elementary(x, incomplete_gamma(_plain(a), torch.special.gammaincc, -1)),
}


def _plain(a: Any) -> float:
    return _no_rule("the incomplete gamma function in a") if isinstance(a, Jet) else float(a)


def _no_rule(what: str) -> Any:
    raise Unsupported(f"{what} has no Taylor rule")
