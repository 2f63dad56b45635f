"""Multi-indices: α = (α_1, ..., α_d) counts how often to differentiate by each variable, |α| = Σ α_j is the order.

`∂^α f = ∂^|α| f / ∂x_1^α_1 ... ∂x_d^α_d`. A *sequence* is one order in which to take these steps: by Schwarz'
theorem all sequences of an α give the same partial, unless a backward is wrong.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement, compress
from math import comb, factorial, prod

from derivcheck.errors import RequestError, printable

MultiIndex = tuple[int, ...]
Steps = tuple[int, ...]  # a sequence: the place of the variable of each step, the first step first

SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
MOST_PARTIALS = 5000  # rows of one check: beyond it nobody reads the table, and nested autograd takes hours
MOST_SEQUENCES = 24  # 4!: all orders of four distinct steps; beyond it the first and its reverse represent all


def up_to_order(order: int, places: Sequence[int], dimension: int) -> list[MultiIndex]:
    """All α with |α| <= order in the variables at `places`, in graded order: the value, then ∂x1, ∂x2, ∂²x1², ..."""
    if order < 0:
        raise RequestError(
            f"the order is {order}, but it counts differentiations and cannot be negative",
            "Use --order 0 for the value alone.",
        )
    count = comb(len(places) + order, order)
    if count > MOST_PARTIALS:
        raise RequestError(
            f"order {order} in {len(places)} variable{'s' * (len(places) > 1)} means "
            f"{count if count < 10**9 else 'billions of'} partials, the most is {MOST_PARTIALS}",
            "Lower --order, name fewer variables in --wrt, or pick single ones with --partial x1,x1,x2.",
        )
    return [
        from_sequence(sequence, dimension)
        for k in range(order + 1)
        for sequence in combinations_with_replacement(places, k)
    ]


def from_sequence(sequence: Sequence[int], dimension: int) -> MultiIndex:
    """Count the steps: (0, 0, 1) in three variables is α = (2, 1, 0)."""
    times = [0] * dimension
    for j in sequence:
        times[j] += 1
    return tuple(times)


def canonical(alpha: MultiIndex) -> Steps:
    """The sequence that differentiates by the first variable first: (2, 1, 0) is (0, 0, 1)."""
    return tuple(j for j in compress(range(len(alpha)), alpha) for _ in range(alpha[j]))


def sequences(alpha: MultiIndex) -> list[Steps]:
    """All distinct sequences of α, canonical first, if they are at most 24; else the canonical one and its reverse."""
    first = canonical(alpha)
    if factorial(len(first)) // prod(map(factorial, alpha)) > MOST_SEQUENCES:
        return [first, first[::-1]]
    return list(_arrangements(alpha))


def _arrangements(alpha: MultiIndex) -> Iterator[Steps]:
    if not any(alpha):
        yield ()
    for j, times in enumerate(alpha):
        if times:
            rest = (*alpha[:j], times - 1, *alpha[j + 1 :])
            yield from ((j, *tail) for tail in _arrangements(rest))


def parse(text: str, variables: Sequence[str]) -> MultiIndex:
    """`x1,x1,x2` over (x1, x2) is (2, 1), and so is `x1x1x2`; an empty text is the value itself."""
    names = [name for word in re.split(r"[,\s]+", text.strip()) if word for name in _names(word, text, variables)]
    return tuple(names.count(v) for v in variables)


def _names(word: str, text: str, variables: Sequence[str]) -> list[str]:
    """The variables that a word without commas is made of."""
    if word in variables:
        return [word]
    found = splits(word, variables)
    if len(found) == 1:
        return found[0]
    cause = "can be read in two ways" if found else "is not a variable"
    is_near = any(name in word for name in variables)
    how = "; separate them by commas, such as x1,x1,x2" if is_near else ""
    cure = f"The variables are {', '.join(variables)}{how}."
    raise RequestError(f"--partial {printable(text)}: '{printable(word)}' {cause}", cure)


def splits(word: str, variables: Sequence[str]) -> list[list[str]]:
    """Up to two ways to write a word as variables side by side: x1x1x2 is x1, x1, x2."""
    ways: list[list[list[str]]] = [[] for _ in word] + [[[]]]
    for place in reversed(range(len(word))):
        fitting = (name for name in variables if word.startswith(name, place))
        ways[place] = [[name, *rest] for name in fitting for rest in ways[place + len(name)]][:2]
    return ways[0]


def label(alpha: MultiIndex, variables: Sequence[str], of: str = "f") -> str:
    """`f`, `∂f/∂x1`, `∂³f/∂x1²∂x2`, with the name of what is differentiated."""
    if not any(alpha):
        return of
    steps = "".join(f"∂{variables[j]}{_power(alpha[j])}" for j in compress(range(len(alpha)), alpha))
    return f"∂{_power(sum(alpha))}{of}/{steps}"


def _power(k: int) -> str:
    return "" if k == 1 else str(k).translate(SUPERSCRIPTS)


def natural_order(name: str) -> list[tuple[int, str]]:
    """Sort key that puts x2 before x10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.findall(r"\d+|\D+", name)]
