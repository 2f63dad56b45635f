"""Torch's functions in Taylor mode: applied to a jet, they push its series through.

`__torch_function__` sees every call that torch dispatches on a Jet, so the user's function that autograd runs is run in
Taylor mode as it stands. Each torch function is one of five kinds: *elementary*, with a table of Taylor coefficients;
*composed* of others; *bilinear*, such as a product; *linear*, applied to every coefficient; or *constant*, which looks
at the value alone. What is none of them raises `Unsupported` by its name.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from derivcheck.compositions import COMPOSITIONS
from derivcheck.errors import Unsupported
from derivcheck.jet_tensor import UNSEEN, Jet, algebra_of, bilinear, elementary, linear, series_of, value
from derivcheck.series import Algebra
from derivcheck.signatures import BILINEAR, CONSTANT, CREATION, LINEAR, canonical
from derivcheck.taylor import ELEMENTARY, power
from derivcheck.taylor_special import SPECIAL, incomplete_gamma, polygamma, zeta


def dispatch(func: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """What a torch function is of jets. Raises `Unsupported` where it has no rule."""
    name = _name(func)
    if any(type(leaf) is Tensor and leaf.is_meta for leaf in tree_leaves((args, kwargs))):
        raise Unsupported(UNSEEN)
    if torch.is_grad_enabled():
        return _apply(name, func, args, kwargs)
    if _in_place_name(name):
        raise Unsupported(f"{name} under torch.no_grad has no Taylor rule")
    return func(*tree_map(value, args), **tree_map(value, kwargs))


def _name(func: Any) -> str:
    """torch.special.expit -> sigmoid; a property such as x.shape by its own name."""
    return canonical(func.__self__.__name__ if func.__name__ in ("__get__", "__set__") else func.__name__)


def _apply(name: str, func: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if name in RULES:
        return RULES[name](*args, **kwargs)
    if _in_place_name(name):
        written = _writable(args[0])
        return _in_place(written, _apply(canonical(name[:-1]), getattr(Tensor, name[:-1], func), args, kwargs))
    if name in CREATION:
        made, algebra = func(*tree_map(value, args), **tree_map(value, kwargs)), algebra_of((args, kwargs))
        return Jet.of(algebra.constant(made), algebra) if made.is_floating_point() else made
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


def _in_place_name(name: str) -> bool:
    return name == "__setitem__" or (name.endswith("_") and not name.endswith("__") and name not in RULES)


def _writable(x: Any) -> Jet:
    if not isinstance(x, Jet):
        raise Unsupported("writing in place to a tensor that is not made from the input has no Taylor rule")
    if x.shared:
        raise Unsupported("writing in place to a view, or to what has one, has no Taylor rule")
    return x


def _in_place(jet: Jet, result: Any) -> Jet:
    jet.series = series_of(result, jet.algebra).to(jet.series.dtype).expand_as(jet.series)
    return jet


def affine(x: Any, weight: Any, bias: Any = None) -> Any:
    """torch.nn.functional.linear: x·Wᵀ + b."""
    product = bilinear(torch.nn.functional.linear, [x, weight], {})
    return product if bias is None else product + bias


def _aligned(a: Any, b: Any) -> tuple[Tensor, Tensor, Algebra]:
    """The series of two operands, one of them a jet, with as many axes each; scalars stay exact."""
    algebra = algebra_of((a, b))
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


def where(condition: Any, a: Any, b: Any) -> Any:
    """Of each point one of both; the method x.where(condition, y) has the condition in the middle."""
    if value(condition).dtype != torch.bool:
        condition, a = a, condition
    if not isinstance(a, Jet) and not isinstance(b, Jet):
        return torch.where(value(condition), a, b)
    x, y, algebra = _aligned(a, b)
    return Jet.of(torch.where(value(condition), x, y), algebra)


def _set(jet: Any, index: Any, new: Any) -> None:
    places = tuple(map(value, index)) if isinstance(index, tuple) else (value(index),)
    algebra, series = _writable(jet).algebra, jet.series.clone()
    for k, coefficient in enumerate(series_of(new, algebra)):
        series[k][places] = coefficient.to(series)
    jet.series = series


def index_put(x: Any, indices: Sequence[Tensor], values: Any, accumulate: bool = False) -> Jet:
    """x with other values at these places."""
    algebra = algebra_of((x, values))
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
    "requires_grad_": lambda x, *_: x,
    "masked_fill": lambda x, mask, new: where(mask, new, x),
    "polygamma": lambda a, b: elementary(a, polygamma(b)) if isinstance(a, Jet) else elementary(b, polygamma(int(a))),
    "zeta": lambda s, q=1.0: elementary(q, zeta(float(s))) if isinstance(q, Jet) else _no_rule("zeta in its order"),
    "gammainc": lambda a, x: elementary(x, incomplete_gamma(_plain(a), torch.special.gammainc, 1)),
    "gammaincc": lambda a, x: elementary(x, incomplete_gamma(_plain(a), torch.special.gammaincc, -1)),
}


def _plain(a: Any) -> Any:
    """The value of what has no series, or one that is constant."""
    return _no_rule("the incomplete gamma function in a") if isinstance(a, Jet) and a.series[1:].any() else value(a)


def _no_rule(what: str) -> Any:
    raise Unsupported(f"{what} has no Taylor rule")
