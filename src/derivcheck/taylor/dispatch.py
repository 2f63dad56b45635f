"""Torch's functions in Taylor mode: applied to a jet, they push its series through.

`__torch_function__` sees every call that torch dispatches on a Jet, so the user's function that autograd runs is run in
Taylor mode as it stands. Each torch function is one of five kinds: *elementary*, with a table of Taylor coefficients;
*composed* of others; *bilinear*, such as a product; *linear*, applied to every coefficient; or *constant*, which looks
at the value alone. What is none of them raises `Unsupported` by its name.
"""

from collections.abc import Callable
from inspect import signature
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload, OpOverloadPacket
from torch.utils._pytree import tree_leaves, tree_map

from derivcheck.errors import Unsupported
from derivcheck.taylor.arithmetic import ARITHMETIC, writable
from derivcheck.taylor.compositions import COMPOSITIONS
from derivcheck.taylor.elementary import ELEMENTARY, RELATIVE
from derivcheck.taylor.jet import UNSEEN, Jet, algebra_of, bilinear, elementary, linear, series_of, value
from derivcheck.taylor.kinds import BILINEAR, CONSTANT, CREATION, LINEAR, canonical
from derivcheck.taylor.reductions import REDUCTIONS
from derivcheck.taylor.special import SPECIAL

OPERANDS = ("condition", "input", "self", "tensor", "other", "exponent", "mat2")  # in the order of their places


def dispatch(func: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """What a torch function is of jets. Raises `Unsupported` where it has no rule."""
    name, args = _name(func), _positional(args, kwargs)
    if any(type(leaf) is Tensor and leaf.is_meta for leaf in tree_leaves((args, kwargs))):
        raise Unsupported(UNSEEN)
    if torch.is_grad_enabled():
        return _apply(name, func, args, kwargs)
    if _in_place_name(name):
        raise Unsupported(f"{name} under torch.no_grad has no Taylor rule")
    return func(*tree_map(value, args), **tree_map(value, kwargs))


def _positional(args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
    """The operands, which may be named; the names are taken out. There is no gradient through `out=`."""
    if kwargs.get("out") is not None:
        raise Unsupported("out= has no Taylor rule")
    return args + [kwargs.pop(name) for name in OPERANDS if name in kwargs]


def _name(func: Any) -> str:
    """torch.special.expit -> sigmoid, torch.ops.aten.mul.Tensor -> mul; a property such as x.shape by its own name."""
    if isinstance(func, OpOverload | OpOverloadPacket):
        namespace, _, name = str(func).partition(".")
        if namespace == "prims":  # torch.vmap takes its arguments apart in terms of these
            raise Unsupported(UNSEEN)
        return canonical(name.split(".")[0]) if namespace == "aten" else f"{namespace}::{name}"
    return canonical(func.__self__.__name__ if func.__name__ in ("__get__", "__set__") else func.__name__)


def _apply(name: str, func: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if name in ARITHMETIC:
        return ARITHMETIC[name](*args, **kwargs)
    if _in_place_name(name):
        written = writable(args[0])
        return _in_place(written, _apply(canonical(name[:-1]), getattr(Tensor, name[:-1], func), args, kwargs))
    if name in CREATION:
        made, algebra = func(*tree_map(value, args), **tree_map(value, kwargs)), algebra_of((args, kwargs))
        return Jet.of(algebra.constant(made), algebra) if made.is_floating_point() else made
    if name in ELEMENTARY or name in SPECIAL:
        rule = ELEMENTARY.get(name) or SPECIAL[name]
        return elementary(args[0], rule, RELATIVE.get(name))
    if name in COMPOSITIONS or name in REDUCTIONS:
        return _composed(name, COMPOSITIONS.get(name) or REDUCTIONS[name], args, kwargs)
    if name in LINEAR:
        return linear(func, args, kwargs)
    if name in BILINEAR:
        return bilinear(func, args, kwargs)
    if name in CONSTANT:
        return func(*tree_map(value, args), **tree_map(value, kwargs))
    raise Unsupported(f"{name} has no Taylor rule")


def _composed(name: str, rule: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Compositions know what changes the result; None stands for an option that is not used."""
    used = {k: v for k, v in kwargs.items() if v is not None}
    try:
        signature(rule).bind(*args, **used)
    except TypeError:
        raise Unsupported(f"{name} with these options has no Taylor rule") from None
    return rule(*args, **used)


def _in_place_name(name: str) -> bool:
    return name == "__setitem__" or (name.endswith("_") and not name.endswith("__") and name not in ARITHMETIC)


def _in_place(jet: Jet, result: Any) -> Jet:
    jet.series = series_of(result, jet.algebra).to(jet.series.dtype).expand_as(jet.series)
    return jet
