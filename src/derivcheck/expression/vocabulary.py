"""The functions an expression may call: name -> sympy constructor, arguments, meaning, bounds on numbers.

Every constructor gets sympy expressions that the parser built, never text: sympy turns a string argument into
code. Heads that jump (floor, sign, Max, ...) are built unevaluated, because sympy decides them for constants by
computing as many digits as are needed, and floor(exp(exp(20))) needs two hundred million.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import sympy as sp
from sympy.codegen import cfunctions as c

MOST_COMPARED = 100  # arguments of Max and Min: each but the first is one node of the graph inside the one before


@dataclass(frozen=True)
class Entry:
    """`build` makes the sympy expression of `least` to `most` arguments; `order_at` is the place of a whole number.

    `arguments` and `meaning` are what --list-functions shows.
    """

    build: Callable[..., sp.Expr]
    arguments: str
    meaning: str
    least: int = 1
    most: int = 1
    order_at: int | None = None


def _unevaluated(head: type) -> Callable[..., sp.Expr]:
    return lambda *args: head(*args, evaluate=False)


def _extreme(head: type) -> Callable[..., sp.Expr]:
    return lambda *args: head(*args, evaluate=False) if len(set(args)) > 1 else args[0]


def _sigmoid(x: sp.Expr) -> sp.Expr:
    return 1 / (1 + sp.exp(-x))


def _largest(meaning: str, head: type, most: int = MOST_COMPARED) -> Entry:
    return Entry(_extreme(head), "x, y" if most == 2 else "x, y, ...", meaning, 2 if most == 2 else 1, most)


_same = {
    name: Entry(getattr(sp, name), "x", meaning)
    for name, meaning in {
        "sin": "sine", "cos": "cosine", "tan": "tangent", "cot": "cotangent 1/tan(x)", "sec": "secant 1/cos(x)",
        "csc": "cosecant 1/sin(x)", "asin": "inverse sine", "acos": "inverse cosine", "atan": "inverse tangent",
        "acot": "inverse cotangent atan(1/x)", "asec": "inverse secant acos(1/x)", "acsc": "inverse cosecant asin(1/x)",
        "sinh": "hyperbolic sine", "cosh": "hyperbolic cosine", "tanh": "hyperbolic tangent", "coth": "1/tanh(x)",
        "sech": "1/cosh(x)", "csch": "1/sinh(x)", "asinh": "inverse hyperbolic sine",
        "acosh": "inverse hyperbolic cosine", "atanh": "inverse hyperbolic tangent", "acoth": "atanh(1/x)",
        "asech": "acosh(1/x)", "acsch": "asinh(1/x)", "exp": "exponential function", "sqrt": "square root",
        "cbrt": "cube root x**(1/3)", "erf": "error function", "erfc": "1 - erf(x)",
        "erfi": "imaginary error function -i*erf(i*x)", "erfinv": "inverse of erf", "erfcinv": "inverse of erfc",
        "gamma": "gamma function", "loggamma": "logarithm of the gamma function", "LambertW": "inverse of w*exp(w)",
    }.items()
}  # fmt: skip
_jumps = {
    name: Entry(_unevaluated(getattr(sp, name)), "x", meaning)
    for name, meaning in {
        "Abs": "absolute value", "sign": "-1, 0 or 1", "Heaviside": "0 for x < 0, 1 for x > 0, 1/2 at 0",
        "floor": "largest whole number not above x", "ceiling": "smallest whole number not below x",
    }.items()
}  # fmt: skip
_bessel = {
    name: Entry(getattr(sp, name), "n, x", f"{kind} of whole order n", 2, 2, order_at=0)
    for name, kind in {
        "besselj": "Bessel function of the first kind", "bessely": "Bessel function of the second kind",
        "besseli": "modified Bessel function of the first kind",
        "besselk": "modified Bessel function of the second kind",
    }.items()
}  # fmt: skip

FUNCTIONS: dict[str, Entry] = {
    **_same,
    **_jumps,
    **_bessel,
    "log": Entry(sp.log, "x[, b]", "natural logarithm, or to base b", 1, 2),
    "ln": Entry(sp.log, "x", "natural logarithm"),
    "log2": Entry(c.log2, "x", "logarithm to base 2"),
    "log10": Entry(c.log10, "x", "logarithm to base 10"),
    "log1p": Entry(c.log1p, "x", "log(1 + x)"),
    "expm1": Entry(c.expm1, "x", "exp(x) - 1"),
    "exp2": Entry(c.exp2, "x", "2**x"),
    "hypot": Entry(c.hypot, "x, y", "sqrt(x**2 + y**2)", 2, 2),
    "root": Entry(lambda x, n: x ** (1 / n), "x, n", "x**(1/n) for a whole number n", 2, 2, order_at=1),
    "pow": Entry(sp.Pow, "x, y", "x**y", 2, 2),
    "abs": replace(_jumps["Abs"], meaning="the same as Abs"),
    "ceil": replace(_jumps["ceiling"], meaning="the same as ceiling"),
    "atan2": Entry(sp.atan2, "y, x", "angle of the point (x, y)", 2, 2),
    "Max": _largest("largest argument", sp.Max),
    "Min": _largest("smallest argument", sp.Min),
    "max": _largest("the same as Max", sp.Max),
    "min": _largest("the same as Min", sp.Min),
    "maximum": _largest("larger one of two", sp.Max, 2),
    "minimum": _largest("smaller one of two", sp.Min, 2),
    "Mod": Entry(_unevaluated(sp.Mod), "x, y", "x % y, with the sign of y", 2, 2),
    "frac": Entry(lambda x: x - sp.floor(x, evaluate=False), "x", "x - floor(x)"),
    "sinc": Entry(lambda x: sp.sin(x) / x, "x", "sin(x)/x, 1 at 0"),
    "sigmoid": Entry(_sigmoid, "x", "1/(1 + exp(-x))"),
    "logit": Entry(lambda x: sp.log(x / (1 - x)), "x", "log(x/(1 - x))"),
    "softplus": Entry(lambda x: sp.log(1 + sp.exp(x)), "x", "log(1 + exp(x))"),
    "xlogy": Entry(lambda x, y: x * sp.log(y), "x, y", "x*log(y)", 2, 2),
    "xlog1py": Entry(lambda x, y: x * c.log1p(y), "x, y", "x*log(1 + y)", 2, 2),
    "entr": Entry(lambda x: -x * sp.log(x), "x", "entropy -x*log(x)"),
    "lgamma": Entry(sp.loggamma, "x", "the same as loggamma"),
    "digamma": Entry(lambda x: sp.polygamma(0, x), "x", "derivative of loggamma"),
    "polygamma": Entry(sp.polygamma, "n, x", "derivative n of digamma, for a whole number n", 2, 2, order_at=0),
    "beta": Entry(sp.beta, "x, y", "gamma(x)*gamma(y)/gamma(x + y)", 2, 2),
    "zeta": Entry(sp.zeta, "s[, a]", "Riemann's zeta function, or Hurwitz' with the shift a", 1, 2),
    "lowergamma": Entry(sp.lowergamma, "s, x", "lower incomplete gamma function", 2, 2),
    "uppergamma": Entry(sp.uppergamma, "s, x", "upper incomplete gamma function", 2, 2),
    "i0": Entry(lambda x: sp.besseli(0, x), "x", "besseli(0, x)"),
    "i1": Entry(lambda x: sp.besseli(1, x), "x", "besseli(1, x)"),
    "Rational": Entry(lambda p, q: p / q, "p, q", "the exact quotient p/q", 2, 2),
}
PIECEWISE = ("(v1, c1), ..., (v, True)", "value of the first condition that holds")
"""Arguments and meaning; `parsing` reads it by itself."""

# Constants: a name without parentheses that is not a variable.
MEANINGS_OF_CONSTANTS = {"pi": "3.14159...", "E": "2.71828..., Euler's number"}
CONSTANTS: dict[str, sp.Expr] = {"pi": sp.pi, "E": sp.E}
# Names to which sympy gives a meaning that is not a real number; refused, so that oo is not taken for a variable.
REFUSED: frozenset[str] = frozenset({"I", "oo", "nan", "zoo", "inf"})
# Functions whose bare name is a variable, as physicists use it.
ALSO_VARIABLES: frozenset[str] = frozenset({"beta", "gamma", "zeta", "i0", "i1", "root", "frac", "entr"})
# Heads whose exact value of a constant grows like a factorial or a Bernoulli number.
SWELLING: frozenset[str] = frozenset(
    {"gamma", "zeta", "polygamma", "beta", "lowergamma", "uppergamma", "digamma", "loggamma", "lgamma"}
)
# Functions of which any constant is allowed, because their value is not larger than it.
UNBOUNDED: frozenset[str] = frozenset(
    "log ln log2 log10 log1p sqrt cbrt root Rational Abs abs sign Max Min max min".split()
)


def listing() -> list[tuple[str, str]]:
    """What an expression may use: `hypot(x, y)` and its meaning, functions first, each in alphabetical order."""
    entries = {name: (entry.arguments, entry.meaning) for name, entry in FUNCTIONS.items()} | {"Piecewise": PIECEWISE}
    named = [(f"{name}({arguments})", meaning) for name, (arguments, meaning) in entries.items()]
    return [*sorted(named, key=lambda pair: pair[0].lower()), *MEANINGS_OF_CONSTANTS.items()]
