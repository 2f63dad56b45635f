"""The activations of neural networks, elementwise, as their documentation defines them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from derivcheck.errors import Unsupported
from derivcheck.tracing.special import HALF, clamped, erf, exp, log, pi, sigmoid, sqrt
from derivcheck.tracing.values import Value, apply, both, larger, where

GELU = Fraction("0.044715")  # of the tanh approximation (Hendrycks & Gimpel 2016, arXiv:1606.08415)


def logit(x: Value, eps: Value | None = None) -> Value:
    inside = x if eps is None else clamped(x, eps, 1 - eps)
    return log(inside / (1 - inside))


def softplus(x: Value, beta: Value | None = None, threshold: Value | None = None) -> Value:
    """log(1 + exp(βx))/β, and x itself above the threshold."""
    beta, threshold = beta or x.of(1), threshold or x.of(20)
    return where(x * beta > threshold, x, apply("log1p", exp(x * beta)) / beta)


def gelu(x: Value, approximate: str = "none") -> Value:
    if approximate == "tanh":
        return HALF * x * (1 + apply("tanh", sqrt(2 / pi(x)) * (x + GELU * x**3)))
    return HALF * x * (1 + erf(x / sqrt(x.of(2))))


def elu(x: Value, alpha: Value | None = None, scale: Value | None = None, input_scale: Value | None = None) -> Value:
    alpha, scale, input_scale = (given or x.of(1) for given in (alpha, scale, input_scale))
    return where(x > 0, scale * x, scale * alpha * apply("expm1", x * input_scale))


def celu(x: Value, alpha: Value | None = None) -> Value:
    alpha = alpha or x.of(1)
    return where(x > 0, x, alpha * apply("expm1", x / alpha))


def leaky_relu(x: Value, slope: Value | None = None) -> Value:
    return where(x > 0, x, x * (slope or x.of(0.01)))


def hardtanh(x: Value, low: Value | None = None, high: Value | None = None) -> Value:
    return clamped(x, low or x.of(-1), high or x.of(1))


def relu6(x: Value) -> Value:
    return clamped(x, x.of(0), x.of(6))


def softshrink(x: Value, size: Value | None = None) -> Value:
    size = size or x.of(HALF)
    return where(x > size, x - size, where(x < -size, x + size, x.of(0)))


def hardshrink(x: Value, size: Value | None = None) -> Value:
    size = size or x.of(HALF)
    return where(both(x >= -size, x <= size), x.of(0), x)


def rrelu(
    x: Value, noise: Value, low: Value | None = None, high: Value | None = None, training: Value | None = None,
    *_: Value | None,
) -> Value:  # fmt: skip
    """In evaluation; in training its slopes are random."""
    if training is not None and training.number != 0:
        raise Unsupported("draws random numbers")
    return leaky_relu(x, ((low or x.of(1 / 8)) + (high or x.of(1 / 3))) / 2)


ACTIVATIONS: dict[str, Callable[..., Value]] = {
    "relu": lambda x: larger(x, x.of(0)),
    "relu6": relu6,
    "sigmoid": sigmoid,
    "logit": logit,
    "silu": lambda x: x * sigmoid(x),
    "mish": lambda x: x * apply("tanh", apply("log1p", exp(x))),
    "softplus": softplus,
    "log_sigmoid_forward": lambda x: log(sigmoid(x)),
    "gelu": gelu,
    "elu": elu,
    "celu": celu,
    "leaky_relu": leaky_relu,
    "_prelu_kernel": leaky_relu,
    "rrelu_with_noise": rrelu,
    "hardtanh": hardtanh,
    "hardsigmoid": lambda x: relu6(x + 3) / 6,
    "hardswish": lambda x: x * relu6(x + 3) / 6,
    "softshrink": softshrink,
    "hardshrink": hardshrink,
    "threshold": lambda x, level, value: where(x <= level, value, x),
}
