"""How the equation that code computes differs from the one that is meant, term by term, and what that means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import sympy as sp

from derivcheck.expression.fields import Fields
from derivcheck.outcomes import Discrepancy
from derivcheck.pde.hints import hint_of_factor, hint_of_place, hint_of_whole
from derivcheck.pde.numbers import cleaned

DIGITS = 30  # of a coefficient that is compared
CLOSE = sp.Float(2) ** -44  # relative: coefficients of floats that were rounded a few times
MOST_OPERATIONS = 3000  # of an equation that is expanded: a longer one takes seconds, and nobody reads its terms

Terms = dict[sp.Expr, sp.Expr]  # a product of fields and coordinates -> its coefficient


class Difference(NamedTuple):
    """The terms of what the code computes and of the formula, where they differ."""

    much: Terms
    missing: Terms
    other: dict[sp.Expr, tuple[sp.Expr, sp.Expr]]
    """The coefficient that it has, and the one that it should have."""
    computed: Terms
    meant: Terms


def discrepancies(
    computed: sp.Expr, meant: sp.Expr, parameters: Mapping[sp.Symbol, sp.Expr], fields: Fields
) -> tuple[Discrepancy, ...]:
    """What is too much, missing, or has another coefficient, with a hint where the difference tells one. Empty if the
    equations are the same, or too long to compare."""
    if max(computed.count_ops(), meant.count_ops()) > MOST_OPERATIONS:
        return ()
    found = difference(computed.xreplace(dict(parameters)), meant.xreplace(dict(parameters)))
    if not (found.much or found.missing or found.other):
        return ()
    whole = hint_of_whole(found.computed, found.meant)
    if whole:
        return (Discrepancy("factor", str(whole[0]), whole[1]),)
    return tuple(_listed(found, fields))


def _listed(found: Difference, fields: Fields) -> Iterator[Discrepancy]:
    hints = hint_of_place(found.much, found.missing, found.computed, found.meant, fields)
    if found.much:
        yield Discrepancy("too much", _written(found.much), hints)
    if found.missing:
        yield Discrepancy("missing", _written(found.missing), "" if found.much else hints)
    for monomial, (has, should) in found.other.items():
        kind = "sign" if _is_close(has, -should) else "factor"
        term = f"{has * monomial} for {should * monomial}"
        yield Discrepancy(kind, term, hint_of_factor(has, should, kind))


def difference(computed: sp.Expr, meant: sp.Expr) -> Difference:
    """By products of fields and coordinates."""
    has, should = terms(computed), terms(meant)
    much = {m: c for m, c in has.items() if m not in should}
    missing = {m: c for m, c in should.items() if m not in has}
    other = {m: (c, should[m]) for m, c in has.items() if m in should and not _is_close(c, should[m])}
    return Difference(much, missing, other, has, should)


def terms(expression: sp.Expr) -> Terms:
    """Its terms, equal ones collected."""
    found: Terms = {}
    for term in sp.Add.make_args(sp.expand(cleaned(expression))):
        coefficient, monomial = term.as_independent(*term.free_symbols, as_Add=False)
        found[monomial] = found.get(monomial, sp.S.Zero) + coefficient
    scale = max((abs(sp.N(c, DIGITS)) for c in found.values()), default=sp.S.Zero)
    return {m: c for m, c in found.items() if abs(sp.N(c, DIGITS)) > scale * CLOSE}


def _is_close(a: sp.Expr, b: sp.Expr) -> bool:
    return bool(abs(sp.N(a - b, DIGITS)) <= CLOSE * abs(sp.N(b, DIGITS)))


def _written(found: Terms) -> str:
    return str(sp.Add(*(c * m for m, c in found.items())))
