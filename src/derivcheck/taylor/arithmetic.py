"""The arithmetic of jets: sums, products, quotients, powers, choices, and writing to a place."""

from collections.abc import Callable, Sequence
from math import factorial
from typing import Any

import torch
from torch import Tensor

from derivcheck.errors import Unsupported
from derivcheck.taylor.elementary import ELEMENTARY, RELATIVE, power, powers, relative_power
from derivcheck.taylor.jet import Jet, bilinear, constant, elementary, first_jet, series_of, value
from derivcheck.taylor.series import Algebra
from derivcheck.taylor.special import incomplete_gamma, polygamma, zeta


def affine(x: Any, weight: Any, bias: Any = None) -> Any:
    """torch.nn.functional.linear: x·Wᵀ + b."""
    product = bilinear(torch.nn.functional.linear, [x, weight], {})
    return product if bias is None else product + bias


def _aligned(a: Any, b: Any) -> tuple[Tensor, Tensor, Jet]:
    """The series of two operands, with equally many axes, and the first operand that is a jet. Scalars stay exact."""
    jet: Jet = a if isinstance(a, Jet) else b
    algebra, device = jet.algebra, jet.series.device
    dtype = torch.result_type(value(a), value(b))
    both = [x.series if isinstance(x, Jet) else algebra.constant(constant(x, device)) for x in (a, b)]
    rank = max(s.dim() for s in both)
    x, y = (s.reshape(len(algebra), *[1] * (rank - s.dim()), *s.shape[1:]).to(dtype) for s in both)
    return x, y, jet


def add(a: Any, b: Any, *, alpha: float = 1) -> Jet:
    """a + alpha·b."""
    x, y, jet = _aligned(a, b)
    return jet.like(x + y if alpha == 1 else x + alpha * y)


def sub(a: Any, b: Any, *, alpha: float = 1) -> Jet:
    """a - alpha·b."""
    x, y, jet = _aligned(a, b)
    return jet.like(x - y if alpha == 1 else x - alpha * y)


def mul(a: Any, b: Any) -> Jet:
    """a·b, a Cauchy product if both have a series."""
    if isinstance(a, Jet) and isinstance(b, Jet):
        x, y, jet = _aligned(a, b)
        return jet.like(jet.algebra.multiply(x, y))
    jet, number = (a, b) if isinstance(a, Jet) else (b, a)
    if isinstance(number, Tensor) and number.dim():
        x, y, _ = _aligned(jet, number)
        return jet.like(x * y[:1])
    return jet.like(jet.series * number)


def div(a: Any, b: Any, *, rounding_mode: str | None = None) -> Any:
    """a/b."""
    if rounding_mode is not None:
        return torch.div(value(a), value(b), rounding_mode=rounding_mode)
    if isinstance(b, Jet):
        product = mul(a, elementary(b, ELEMENTARY["reciprocal"], RELATIVE["reciprocal"]))
        product.series[0] = value(a) / value(b)  # 1/b may leave the range where a/b does not
        return product
    if isinstance(b, Tensor) and b.dim():
        x, y, jet = _aligned(a, b)
        return jet.like(x / y[:1])
    return a.like(a.series / b)


def pow_(a: Any, b: Any) -> Jet:
    """a^b = a^b_0·exp((b - b_0)·log a): the first factor by its table, the second only if b varies."""
    if not isinstance(b, Tensor) or (b.dim() == 0 and not isinstance(b, Jet)):
        exponent = float(b)
        return elementary(
            a,
            lambda x, order: [torch.pow(x, b), *power(x, exponent, order)[1:]],
            relative_power(exponent) if exponent < 0 else None,
        )
    *operands, jet = _aligned(a, b)
    x, y = torch.broadcast_tensors(*operands)
    fixed = jet.algebra.compose(powers(x[0], y[0], jet.algebra.order), x)
    return jet.like(jet.algebra.multiply(fixed, _varying(x, y, jet.algebra)) if isinstance(b, Jet) else fixed)


def _varying(x: Tensor, y: Tensor, algebra: Algebra) -> Tensor:
    """The series of exp((y - y_0)·log x). 0^y is 0 for all y > 0, whatever log 0 is."""
    log = algebra.compose(ELEMENTARY["log"](x[0], algebra.order), x)
    log = torch.where((x[0] == 0) & (y[0] > 0), torch.zeros_like(log), log)
    exponent = algebra.lifted(log, y, algebra.order, finite=False)
    return algebra.compose([torch.ones_like(x[0]) / factorial(k) for k in range(algebra.order + 1)], exponent)


def where(condition: Any, a: Any, b: Any) -> Any:
    """At each point a or b; the method x.where(condition, y) has the condition in the middle."""
    if value(condition).dtype != torch.bool:
        condition, a = a, condition
    if not isinstance(a, Jet) and not isinstance(b, Jet):
        return torch.where(value(condition), a, b)
    x, y, jet = _aligned(a, b)
    return jet.like(torch.where(value(condition), x, y))


def writable(x: Any) -> Jet:
    """The jet, or `Unsupported` if a write to it would show in another tensor, or its series would be lost."""
    if not isinstance(x, Jet):
        raise Unsupported("writing in place to a tensor that is not made from the input has no Taylor rule")
    if x.shared:
        raise Unsupported("writing in place to a view, or to a tensor that has one, has no Taylor rule")
    return x


def _set(jet: Any, index: Any, new: Any) -> None:
    places = tuple(map(value, index)) if isinstance(index, tuple) else (value(index),)
    algebra, series = writable(jet).algebra, jet.series.clone()
    for k, coefficient in enumerate(series_of(new, algebra)):
        series[k][places] = coefficient.to(series)
    jet.series = series


def index_put(x: Any, indices: Sequence[Tensor], values: Any, accumulate: bool = False) -> Jet:
    """x with other values at these places."""
    if accumulate:
        raise Unsupported("index_put with accumulate has no Taylor rule")
    jet = first_jet((x, values))
    series = series_of(x, jet.algebra).clone()
    everywhere: Any = (slice(None), *indices)
    series[everywhere] = series_of(values, jet.algebra)
    return jet.like(series)


def _zeta(s: Any, q: Any = 1.0) -> Jet:
    if not isinstance(q, Jet) or isinstance(s, Jet) or torch.as_tensor(s).numel() > 1:
        raise Unsupported("zeta in its order has no Taylor rule")
    return elementary(q, zeta(float(s)))


def _incomplete(op: Callable[[Tensor, Tensor], Tensor], sign: int) -> Callable[[Any, Any], Jet]:
    """The rule of an incomplete gamma function, whose first argument must not vary."""

    def rule(a: Any, x: Any) -> Jet:
        if isinstance(a, Jet) and a.series[1:].any():
            raise Unsupported("the incomplete gamma function in a has no Taylor rule")
        jet = x if isinstance(x, Jet) else a.like(series_of(x + torch.zeros_like(a.series[0]), a.algebra))
        return elementary(jet, incomplete_gamma(value(a), op, sign))

    return rule


ARITHMETIC: dict[str, Callable[..., Any]] = {
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
    "fill": lambda x, number: torch.zeros_like(x) + number,
    "zero": lambda x: torch.zeros_like(x),
    "requires_grad_": lambda x, *_: x,
    "masked_fill": lambda x, mask, new: where(mask, new, x),
    "polygamma": lambda a, b: elementary(a, polygamma(b)) if isinstance(a, Jet) else elementary(b, polygamma(int(a))),
    "zeta": _zeta,
    "gammainc": _incomplete(torch.special.gammainc, 1),
    "gammaincc": _incomplete(torch.special.gammaincc, -1),
}
