"""Functions of all values along an axis: sums, extremes, norms, order statistics, running ones, and what is made of
them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import reduce as fold
from itertools import accumulate
from typing import Any

from torch import Tensor

from derivcheck.errors import Unsupported
from derivcheck.tracing.arrays import Arrays
from derivcheck.tracing.kinds import Rule, bound, reduce, reduced, scanned
from derivcheck.tracing.special import absolute, exp, log, sqrt
from derivcheck.tracing.values import Value, as_number, both, either, exact, larger, smaller, total, where

MOST_SORTED = 32  # values of a sorting network, which has n(n-1)/2 exchanges

Values = list[Value]


def summed(values: Values) -> Value:
    return total(values, values[0].graph)


def averaged(values: Values) -> Value:
    return summed(values) / len(values)


def multiplied(values: Values) -> Value:
    return fold(lambda a, b: a * b, values)


def largest(values: Values) -> Value:
    return fold(larger, values)


def smallest(values: Values) -> Value:
    return fold(smaller, values)


def log_sum_exp(values: Values) -> Value:
    return log(summed([exp(value) for value in values]))


def variance(values: Values, correction: float = 1) -> Value:
    mean = averaged(values)
    return summed([(value - mean) ** 2 for value in values]) / (len(values) - correction)


def norm(values: Values, order: float | str | None = 2) -> Value:
    """(Σ|x|^p)^(1/p); its limits at 0, inf and -inf."""
    sizes = [absolute(value) for value in values]
    if order in (math.inf, -math.inf):
        return largest(sizes) if order == math.inf else smallest(sizes)
    if order == 0:
        return summed([as_number(value.compare("!=", 0)) for value in values])
    if order in (None, 2, "fro"):
        return sqrt(summed([value**2 for value in values]))
    if isinstance(order, str):
        raise Unsupported(f"has no rule for the norm {order}")
    power = exact(order)
    return summed([size**power for size in sizes]) ** (1 / Fraction(power))


def ordered(values: Values) -> Values:
    """Ascending, by a network of exchanges (max, min): it has no branch, and where values tie it has kinks."""
    if len(values) > MOST_SORTED:
        raise Unsupported(f"orders {len(values)} numbers, {MOST_SORTED} at most have a formula")
    found = list(values)
    for end in range(len(found) - 1, 0, -1):
        for k in range(end):
            found[k], found[k + 1] = smaller(found[k], found[k + 1]), larger(found[k], found[k + 1])
    return found


def softmax(values: Values) -> Values:
    exponentials = [exp(value) for value in values]
    sum_ = summed(exponentials)
    return [exponential / sum_ for exponential in exponentials]


def log_softmax(values: Values) -> Values:
    sum_ = log_sum_exp(values)
    return [value - sum_ for value in values]


def running(function: Callable[[Value, Value], Value]) -> Callable[[Values], Values]:
    return lambda values: list(accumulate(values, function))


def running_log_sum_exp(values: Values) -> Values:
    return [log(sum_) for sum_ in accumulate((exp(value) for value in values), lambda a, b: a + b)]


def _dim(given: dict[str, Any]) -> Any:
    return given.get("dim", given.get("dims"))


def extreme(function: Callable[[Values], Value]) -> Rule:
    """max and min: of all, of two tensors, or along an axis with positions, which have no formula."""

    def rule(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        given, refs = bound(func, args, kwargs), arrays.numbers(args[0])
        if "other" in given:
            return arrays.each(lambda a, b: function([a, b]), refs, arrays.numbers(given["other"]))
        return reduce(arrays, function, refs, given.get("dim"), given.get("keepdim", False)), None

    return rule


def _variance(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    given = bound(func, args, kwargs)
    correction = given.get("correction", given.get("unbiased", 1))
    keepdim, refs = given.get("keepdim", False), arrays.numbers(args[0])
    correction = 1 if correction is None else float(correction)
    return reduce(arrays, lambda values: variance(values, correction), refs, _dim(given), keepdim)


def _deviation(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    return arrays.each(sqrt, _variance(arrays, func, args, kwargs))


def with_mean(rule: Rule) -> Rule:
    """var_mean and std_mean."""

    def pair(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        given = bound(func, args, kwargs)
        mean = reduce(arrays, averaged, arrays.numbers(args[0]), _dim(given), given.get("keepdim", False))
        return rule(arrays, func, args, kwargs), mean

    return pair


def _norm(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    given = bound(func, args, kwargs)
    order, refs = given.get("ord", given.get("p", 2)), arrays.numbers(args[0])
    return reduce(arrays, lambda values: norm(values, order), refs, _dim(given), given.get("keepdim", False))


def _logsumexp(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    given = bound(func, args, kwargs)
    return reduce(arrays, log_sum_exp, arrays.numbers(args[0]), _dim(given), given.get("keepdim", False))


def _renorm(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """Every slice along `dim` scaled down to a norm of at most `maxnorm`; torch adds 1e-7 to the norm it divides by."""
    refs, (order, dim, most) = arrays.numbers(args[0]), args[1:4]
    others = [d for d in range(refs.ndim) if d != dim % refs.ndim]
    norms = reduce(arrays, lambda values: norm(values, order), refs, others, keepdim=True)
    return arrays.each(lambda x, size: _scaled_down(x, size, most), refs, norms)


def _scaled_down(x: Value, size: Value, most: float) -> Value:
    return where(size > most, x * most / (size + 1e-7), x)


def _nth(arrays: Arrays, refs: Tensor, given: dict[str, Any], place: Callable[[int], int]) -> Any:
    """One value of the ordered ones, and its position."""
    dim, keepdim = given.get("dim"), given.get("keepdim", False)
    return reduce(arrays, lambda values: ordered(values)[place(len(values))], refs, dim, keepdim), None


def _median(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    return _nth(arrays, arrays.numbers(args[0]), bound(func, args, kwargs), lambda count: (count - 1) // 2)


def _kthvalue(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    given = {"dim": -1, **bound(func, args, kwargs)}
    return _nth(arrays, arrays.numbers(args[0]), given, lambda count: given["k"] - 1)


def _sort(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    given, refs = {"dim": -1, "descending": False, **bound(func, args, kwargs)}, arrays.numbers(args[0])
    if refs.ndim == 0:
        return refs, None
    found = arrays.scans(ordered, refs.movedim(given["dim"], -1))
    return (found.flip(-1) if given["descending"] else found).movedim(-1, given["dim"]), None


def _topk(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    given, refs = {"dim": -1, "largest": True, **bound(func, args, kwargs)}, arrays.numbers(args[0])
    found = arrays.scans(ordered, refs.movedim(given["dim"], -1))
    return (found.flip(-1) if given["largest"] else found)[..., : given["k"]].movedim(-1, given["dim"]), None


REDUCTIONS: dict[str, Rule] = {
    "sum": reduced(summed),
    "mean": reduced(averaged),
    "prod": reduced(multiplied),
    "amax": reduced(largest),
    "amin": reduced(smallest),
    "any": reduced(lambda values: fold(either, values), conditions=True),
    "all": reduced(lambda values: fold(both, values), conditions=True),
    "max": extreme(largest),
    "min": extreme(smallest),
    "var": _variance,
    "std": _deviation,
    "var_mean": with_mean(_variance),
    "std_mean": with_mean(_deviation),
    "norm": _norm,
    "linalg_vector_norm": _norm,
    "renorm": _renorm,
    "logsumexp": _logsumexp,
    "median": _median,
    "kthvalue": _kthvalue,
    "sort": _sort,
    "topk": _topk,
    "cumsum": scanned(running(lambda a, b: a + b)),
    "cumprod": scanned(running(lambda a, b: a * b)),
    "cummax": scanned(running(larger)),
    "cummin": scanned(running(smaller)),
    "logcumsumexp": scanned(running_log_sum_exp),
    "_softmax": scanned(softmax),
    "_safe_softmax": scanned(softmax),
    "_log_softmax": scanned(log_softmax),
}
