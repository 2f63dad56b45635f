"""Torch's functions in Taylor mode: applied to a jet, they push its series through.

`__torch_function__` sees every call that torch dispatches on a jet, so the function that autograd differentiates runs
in Taylor mode unchanged. Its rule is looked up in `rules`; a function that has none raises `Unsupported` with its name.
"""

from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload, OpOverloadPacket
from torch.utils._pytree import tree_leaves

from derivcheck.errors import Unsupported
from derivcheck.taylor.arithmetic import writable
from derivcheck.taylor.jet import UNSEEN, Jet, series_of
from derivcheck.taylor.rules import RULES, of_the_value

OPERANDS = ("condition", "input", "self", "tensor", "other", "exponent", "mat2")  # in the order of their places
ALIASES = {
    "expit": "sigmoid", "psi": "digamma", "gammaln": "lgamma", "absolute": "abs", "subtract": "sub", "multiply": "mul",
    "divide": "div", "true_divide": "div", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arcsinh": "asinh",
    "arccosh": "acosh", "arctanh": "atanh", "arctan2": "atan2", "clip": "clamp", "fmax": "maximum", "fmin": "minimum",
    "__pow__": "pow", "__rpow__": "rpow", "__rsub__": "rsub", "__rdiv__": "rdiv", "__rtruediv__": "rdiv",
    "__radd__": "add", "__rmul__": "mul", "__add__": "add", "__mul__": "mul", "__sub__": "sub", "__truediv__": "div",
    "__neg__": "neg", "__abs__": "abs", "__div__": "div", "float_power": "pow", "__rmatmul__": "rmatmul",
    "logsigmoid": "log_sigmoid", "_threshold": "threshold", "igamma": "gammainc", "igammac": "gammaincc",
}  # fmt: skip


class TorchJet(Jet):
    """A jet on which torch functions act by their rules."""

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return dispatch(func, list(args), dict(kwargs or {}))


def dispatch(func: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """The result of a torch function of jets. Raises `Unsupported` if it has no rule."""
    name, args = name_of(func), _positional(args, kwargs)
    if any(type(leaf) is Tensor and leaf.is_meta for leaf in tree_leaves((args, kwargs))):
        raise Unsupported(UNSEEN)
    if torch.is_grad_enabled():
        return _apply(name, func, args, kwargs)
    if name == "__setitem__" or _is_in_place(name):
        raise Unsupported(f"{name} under torch.no_grad has no Taylor rule")
    return of_the_value(func, args, kwargs)


def name_of(func: Any) -> str:
    """torch.special.expit -> sigmoid, torch.ops.aten.mul.Tensor -> mul; a property such as x.shape by its own name."""
    if isinstance(func, OpOverload | OpOverloadPacket):
        namespace, _, name = str(func).partition(".")
        if namespace == "prims":  # torch.vmap takes its arguments apart in terms of these
            raise Unsupported(UNSEEN)
        return _canonical(name.split(".")[0]) if namespace == "aten" else f"{namespace}::{name}"
    return _canonical(func.__self__.__name__ if func.__name__ in ("__get__", "__set__") else func.__name__)


def _canonical(name: str) -> str:
    """The one name of torch.special.expit, torch.sigmoid and x.sigmoid."""
    name = name.removeprefix("special_")
    return ALIASES.get(name, name)


def _positional(args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
    """All operands by position; those given by name are taken out of `kwargs`. There is no gradient through `out=`."""
    if kwargs.get("out") is not None:
        raise Unsupported("out= has no Taylor rule")
    return args + [kwargs.pop(name) for name in OPERANDS if name in kwargs]


def _apply(name: str, func: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if name in RULES:
        return RULES[name](func, args, kwargs)
    if not _is_in_place(name):
        raise Unsupported(f"{name} has no Taylor rule")
    jet, plain = writable(args[0]), name[:-1]
    result = _apply(_canonical(plain), getattr(Tensor, plain, func), args, kwargs)
    jet.series = series_of(result, jet.algebra).to(jet.series.dtype).expand_as(jet.series)
    return jet


def _is_in_place(name: str) -> bool:
    """Whether the name is one such as `add_`, for which the rule of `add` is written back."""
    return name.endswith("_") and not name.endswith("__") and name not in RULES
