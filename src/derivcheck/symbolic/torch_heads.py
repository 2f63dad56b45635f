"""Head -> torch: what each function of an expression is in torch, written as a person would write it.

Nothing is repaired here: if torch is wrong derivcheck reports it, and if it has no backward the row names the operation
that lacks it.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from derivcheck.errors import Unsupported


def _reciprocal(op: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """1/op(x): sec, csc, cot and their kin are not in torch."""
    return lambda x: 1 / op(x)


def _inverse(op: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """op(1/x): acot(x) = atan(1/x) and its kin."""
    return lambda x: op(1 / x)


def _gamma(x: Tensor) -> Tensor:
    """exp(log|Γ(x)|), with Γ's sign, which alternates between the negative integers."""
    sign = torch.where(x > 0, 1.0, 1.0 - 2.0 * torch.remainder(torch.floor(x), 2.0))
    return sign * torch.exp(torch.lgamma(x))


def _beta(x: Tensor, y: Tensor) -> Tensor:
    return torch.exp(torch.lgamma(x) + torch.lgamma(y) - torch.lgamma(x + y))


LONGEST_WAY = 10**5  # steps of torch's zeta at one point: some milliseconds
# y_{k+1} = a·(2k/x)·y_k + b·y_{k-1} (DLMF 10.6.1 and 10.29.1), and y_{-n} = c^n·y_n (10.4.1, 10.27.1 and 10.27.3).
RECURRENCES = {"besselj": (1, -1, -1), "bessely": (1, -1, -1), "besseli": (-1, 1, 1), "besselk": (1, 1, 1)}


def _bessel(name: str, zeroth: str, first: str) -> Callable[[float, Tensor], Tensor]:
    """Orders 0 and 1 are torch's own, the others come from the recurrence."""
    ops = [probed(f"torch.special.{kind}", getattr(torch.special, kind)) for kind in (zeroth, first)]
    a, b, c = RECURRENCES[name]

    def value(order: float, x: Tensor) -> Tensor:
        n = abs(int(order))
        sign = c**n if order < 0 else 1
        if n < 2:
            return sign * ops[n](x)
        before, last = ops[0](x), ops[1](x)
        for k in range(1, n):
            before, last = last, a * (2 * k / x) * last + b * before
        return sign * last

    return value


def _polygamma(order: float, x: Tensor) -> Tensor:
    if order == 0:
        return torch.digamma(x)
    _require_short("torch.polygamma", x)
    return torch.polygamma(int(order), x)


def _zeta(s: Tensor, a: Tensor | float = 1.0) -> Tensor:
    if isinstance(a, Tensor):
        _require_short("torch.special.zeta", a)
    result: Tensor = torch.special.zeta(s, a)
    return result


def _require_short(name: str, x: Tensor) -> None:
    """Refuse what does not end: at negative x torch takes one step per unit up to 9, and cannot be interrupted."""
    if not x.is_meta and bool(((x < -LONGEST_WAY) & (x != x.floor())).any()):
        raise Unsupported(f"{name} takes one step per unit at negative arguments, here more than {LONGEST_WAY}")


def probed(name: str, op: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """op, which raises `Unsupported` if torch detaches silently: an input has a graph and the output has none."""

    def attached(*arguments: Any) -> Tensor:
        result = op(*arguments)
        tracked = torch.is_grad_enabled() and any(isinstance(a, Tensor) and a.requires_grad for a in arguments)
        if tracked and not result.requires_grad:
            raise Unsupported(f"{name} has no backward")
        return result

    return attached


def _heaviside(x: Tensor) -> Tensor:
    return torch.heaviside(x, torch.full_like(x, 0.5))


def missing(what: str) -> Callable[..., Tensor]:
    """A head that torch does not have: calling it raises `Unsupported`."""

    def absent(*_: Any) -> Tensor:
        raise Unsupported(f"torch has no {what}")

    return absent


TORCH_HEADS: dict[str, Callable[..., Tensor]] = {
    **{name: getattr(torch, name) for name in "sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh".split()},
    **{
        name: getattr(torch, name)
        for name in "exp log log2 log10 log1p expm1 exp2 hypot atan2 abs sign floor pow".split()
    },
    **{name: getattr(torch, name) for name in "erf erfc erfinv".split()},
    **{name: _reciprocal(getattr(torch, op)) for name, op in [("sec", "cos"), ("csc", "sin"), ("cot", "tan")]},
    **{name: _reciprocal(getattr(torch, op)) for name, op in [("sech", "cosh"), ("csch", "sinh"), ("coth", "tanh")]},
    **{name: _inverse(getattr(torch, op)) for name, op in [("asec", "acos"), ("acsc", "asin"), ("acot", "atan")]},
    **{name: _inverse(getattr(torch, op)) for name, op in [("asech", "acosh"), ("acsch", "asinh"), ("acoth", "atanh")]},
    "erfcinv": lambda x: torch.erfinv(1 - x),
    "erfi": missing("erfi"),
    "lambertw": missing("Lambert W"),
    "max": lambda a, b, _: torch.maximum(a, b),
    "min": lambda a, b, _: torch.minimum(a, b),
    "mod": lambda x, p, _: torch.remainder(x, p),
    "heaviside": probed("torch.heaviside", _heaviside),
    "gamma": _gamma,
    "loggamma": torch.lgamma,
    "polygamma": _polygamma,
    "beta": _beta,
    "zeta": _zeta,
    "lowergamma": lambda a, x: _gamma(a) * torch.special.gammainc(a, x),
    "uppergamma": lambda a, x: _gamma(a) * torch.special.gammaincc(a, x),
    "besselj": _bessel("besselj", "bessel_j0", "bessel_j1"),
    "bessely": _bessel("bessely", "bessel_y0", "bessel_y1"),
    "besseli": _bessel("besseli", "i0", "i1"),
    "besselk": _bessel("besselk", "modified_bessel_k0", "modified_bessel_k1"),
}
# Arguments that torch wants as numbers: the order of a polygamma or Bessel function.
NUMERIC_FIRST = frozenset({"polygamma", "besselj", "bessely", "besseli", "besselk"})
