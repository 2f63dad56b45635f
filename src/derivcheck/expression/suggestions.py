"""What was probably meant by a function or a constant that does not exist here."""

import ast

from derivcheck.errors import did_you_mean
from derivcheck.expression.vocabulary import CONSTANTS, FUNCTIONS

ALL_SHOWN = "--list-functions shows all functions."
MODULES = ("np", "numpy", "jnp", "jax", "torch", "F", "nn", "math", "cmath", "sp", "sympy", "scipy", "special", "tf")
# What numpy, scipy, torch and books call the functions: another name, or a formula for those that are not functions.
MEANT = {
    **{f"arc{name}": f"a{name}" for name in "sin cos tan cot sec csc sinh cosh tanh coth sech csch".split()},
    **{f"ar{name}": f"a{name}" for name in "sinh cosh tanh coth sech csch".split()},
    "arctan2": "atan2",
    "tg": "tan",
    "ctg": "cot",
    "sh": "sinh",
    "ch": "cosh",
    "th": "tanh",
    "lg": "log10",
    "lb": "log2",
    "fabs": "abs",
    "absolute": "abs",
    "sgn": "sign",
    "signum": "sign",
    "step": "Heaviside",
    "power": "pow",
    "remainder": "Mod",
    "mod": "Mod",
    "fmax": "max",
    "fmin": "min",
    "expit": "sigmoid",
    "logistic": "sigmoid",
    "gammaln": "lgamma",
    "psi": "digamma",
    "jv": "besselj",
    "yv": "bessely",
    "iv": "besseli",
    "kv": "besselk",
    "bessel_j0": "besselj(0, x)",
    "bessel_j1": "besselj(1, x)",
    "bessel_y0": "bessely(0, x)",
    "bessel_y1": "bessely(1, x)",
    "trigamma": "polygamma(1, x)",
    "factorial": "gamma(x + 1)",
    "square": "x**2",
    "reciprocal": "1/x",
    "rsqrt": "1/sqrt(x)",
    "relu": "Max(x, 0)",
    "silu": "x*sigmoid(x)",
    "swish": "x*sigmoid(x)",
    "logsigmoid": "log(sigmoid(x))",
    "gelu": "x*(1 + erf(x/sqrt(2)))/2",
    "clip": "Min(Max(x, a), b)",
    "clamp": "Min(Max(x, a), b)",
    "where": "Piecewise((value, condition), (other, True))",
    "if": "Piecewise((value, condition), (other, True))",
}


def for_function(name: str) -> str:
    """The cure for a call of a function that does not exist."""
    meant = MEANT.get(name, MEANT.get(name.lower(), ""))
    if meant:
        return f"Did you mean {meant}?" if meant in FUNCTIONS else f"Write {meant}."
    if name in CONSTANTS:
        return f"{name} is a number: write {name}*(...) for a product."
    near = did_you_mean(name, [*FUNCTIONS, "Piecewise"])
    return f"{near} {ALL_SHOWN}" if near else f"Write {name}*(...) for a product; {ALL_SHOWN}"


def for_attribute(node: ast.Attribute) -> str:
    """The cure for `np.sin` or `torch.special.erf`; empty if it is not a name in a module."""
    owner: ast.expr = node
    while isinstance(owner, ast.Attribute):
        owner = owner.value
    if not (isinstance(owner, ast.Name) and owner.id in MODULES):
        return ""
    if node.attr == "e":
        return "Write E."
    if node.attr in FUNCTIONS:
        return f"Write {node.attr}(...)."
    return f"Write {node.attr}." if node.attr in CONSTANTS else for_function(node.attr)
