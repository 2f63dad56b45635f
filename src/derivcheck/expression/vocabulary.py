"""The functions an expression may call: name -> sympy constructor, number of arguments, bounds on numbers.

Every constructor gets sympy expressions that the parser built, never text: sympy turns a string argument into
code. Heads that jump (floor, sign, Max, ...) are built unevaluated, because sympy decides them for constants by
computing as many digits as are needed, and floor(exp(exp(20))) needs two hundred million.
"""

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp
from sympy.codegen import cfunctions as c

MOST_COMPARED = 100  # arguments of Max and Min: each but the first is one node of the graph inside the one before


@dataclass(frozen=True)
class Entry:
    """`build` makes the sympy expression of `least` to `most` arguments; `order_at` is the place of a whole number."""

    build: Callable[..., sp.Expr]
    least: int = 1
    most: int = 1
    order_at: int | None = None


def _unevaluated(head: type) -> Callable[..., sp.Expr]:
    return lambda *args: head(*args, evaluate=False)


def _extreme(head: type) -> Callable[..., sp.Expr]:
    return lambda *args: head(*args, evaluate=False) if len(set(args)) > 1 else args[0]


def _sigmoid(x: sp.Expr) -> sp.Expr:
    return 1 / (1 + sp.exp(-x))


_same = {
    name: Entry(getattr(sp, name))
    for name in (
        "sin cos tan cot sec csc asin acos atan acot asec acsc sinh cosh tanh coth sech csch asinh acosh atanh acoth "
        "asech acsch exp sqrt cbrt erf erfc erfi erfinv erfcinv gamma loggamma LambertW"
    ).split()
}
_jumps = {name: Entry(_unevaluated(getattr(sp, name))) for name in ("Abs", "sign", "Heaviside", "floor", "ceiling")}
_bessel = {name: Entry(getattr(sp, name), 2, 2, order_at=0) for name in ("besselj", "bessely", "besseli", "besselk")}

FUNCTIONS: dict[str, Entry] = {
    **_same,
    **_jumps,
    **_bessel,
    "log": Entry(sp.log, 1, 2),
    "ln": Entry(sp.log),
    "log2": Entry(c.log2),
    "log10": Entry(c.log10),
    "log1p": Entry(c.log1p),
    "expm1": Entry(c.expm1),
    "exp2": Entry(c.exp2),
    "hypot": Entry(c.hypot, 2, 2),
    "root": Entry(lambda x, n: x ** (1 / n), 2, 2, order_at=1),
    "pow": Entry(sp.Pow, 2, 2),
    "abs": _jumps["Abs"],
    "ceil": _jumps["ceiling"],
    "atan2": Entry(sp.atan2, 2, 2),
    "Max": Entry(_extreme(sp.Max), 1, MOST_COMPARED),
    "Min": Entry(_extreme(sp.Min), 1, MOST_COMPARED),
    "max": Entry(_extreme(sp.Max), 1, MOST_COMPARED),
    "min": Entry(_extreme(sp.Min), 1, MOST_COMPARED),
    "maximum": Entry(_extreme(sp.Max), 2, 2),
    "minimum": Entry(_extreme(sp.Min), 2, 2),
    "Mod": Entry(_unevaluated(sp.Mod), 2, 2),
    "frac": Entry(lambda x: x - sp.floor(x, evaluate=False)),
    "sinc": Entry(lambda x: sp.sin(x) / x),
    "sigmoid": Entry(_sigmoid),
    "logit": Entry(lambda x: sp.log(x / (1 - x))),
    "softplus": Entry(lambda x: sp.log(1 + sp.exp(x))),
    "xlogy": Entry(lambda x, y: x * sp.log(y), 2, 2),
    "xlog1py": Entry(lambda x, y: x * c.log1p(y), 2, 2),
    "entr": Entry(lambda x: -x * sp.log(x)),
    "lgamma": Entry(sp.loggamma),
    "digamma": Entry(lambda x: sp.polygamma(0, x)),
    "polygamma": Entry(sp.polygamma, 2, 2, order_at=0),
    "beta": Entry(sp.beta, 2, 2),
    "zeta": Entry(sp.zeta, 1, 2),
    "lowergamma": Entry(sp.lowergamma, 2, 2),
    "uppergamma": Entry(sp.uppergamma, 2, 2),
    "i0": Entry(lambda x: sp.besseli(0, x)),
    "i1": Entry(lambda x: sp.besseli(1, x)),
    "Rational": Entry(lambda p, q: p / q, 2, 2),
}

# Constants: a name without parentheses that is not a variable.
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
