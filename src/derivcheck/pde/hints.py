"""The mistake that a difference of equations is known to come from. Without one that fits, nothing is said."""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from derivcheck.expression.fields import Fields, Partial

Terms = Mapping[sp.Expr, sp.Expr]

WHOLE_GRADIENT = "the second derivative is taken of the whole gradient: choose its column first"
ONCE = "{missing} is differentiated too few times: {much} stands in its place"
OFTEN = "{missing} is differentiated too often: {much} stands in its place"
SQUARED = "{much} is a power of a derivative, {missing} a higher derivative"
COLUMN = "another column: {much} stands in the place of {missing}"
COMPONENT = "another output of the network: {much} stands in the place of {missing}"
PLACE = "another place: {much} stands in the place of {missing}"
MEAN = "the derivative of a mean is divided by the number of points n: take the sum"
SIGN = "the sign is the other one"


def hint_of_whole(computed: Terms, meant: Terms) -> tuple[sp.Expr, str] | None:
    """If all terms are off by one factor: it, and what to say."""
    if set(computed) != set(meant) or len(meant) < 2:
        return None
    ratios = {sp.nsimplify(sp.simplify(c / meant[m])) for m, c in computed.items()}
    if len(ratios) != 1 or (ratio := ratios.pop()) == 1:
        return None
    said = "the whole equation has the other sign" if ratio == -1 else f"the whole equation is multiplied by {ratio}"
    return ratio, said


def hint_of_factor(has: sp.Expr, should: sp.Expr, kind: str) -> str:
    """Of one term that has another coefficient."""
    if kind == "sign":
        return SIGN
    if any(s.name == "n" for s in (has / should).free_symbols):
        return MEAN
    ratio = has / should
    shown = ratio if ratio.is_Rational else f"{float(ratio):.6g}"
    return f"it is {shown} times what it should be"


def hint_of_place(much: Terms, missing: Terms, computed: Terms, meant: Terms, fields: Fields) -> str:
    """Of terms that are too much, and those that are missing in their place."""
    if much and all(symbol_named_n(m) for m in much):
        return MEAN
    if much and not missing and all(_is_of_row(m, c, meant, fields) for m, c in much.items()):
        return WHOLE_GRADIENT
    for m, c in missing.items():
        for other, c2 in much.items():
            if abs(sp.N(c - c2)) <= 1e-12 * abs(sp.N(c)) and (said := _exchanged(m, other, fields)):
                return said
    return ""


def symbol_named_n(monomial: sp.Expr) -> bool:
    """Whether a term depends on the number of points."""
    return any(s.name == "n" for s in monomial.free_symbols)


def _is_of_row(monomial: sp.Expr, coefficient: sp.Expr, meant: Terms, fields: Fields) -> bool:
    """Whether a term is another entry of the row of derivatives that a term which is meant belongs to."""
    for atom in fields.within(monomial):
        own = fields.partials[atom]
        for other in list(fields.partials):
            partial = fields.partials[other]
            if _is_neighbour(own, partial) and sum(own.alpha) > 1:
                meant_term = monomial.xreplace({atom: other})
                if meant_term in meant and abs(sp.N(meant[meant_term] - coefficient)) <= 1e-12 * abs(sp.N(coefficient)):
                    return True
    return False


def _is_neighbour(a: Partial, b: Partial) -> bool:
    """∂_i and ∂_j of the same partial."""
    apart = [x - y for x, y in zip(a.alpha, b.alpha, strict=True) if x != y]
    return a.field == b.field and a.at == b.at and sorted(apart) == [-1, 1]


def _exchanged(missing: sp.Expr, much: sp.Expr, fields: Fields) -> str:
    """What it means that one term stands in the place of another, if one partial is exchanged in it."""
    gone = [a for a in fields.within(missing) if missing.as_powers_dict().get(a, 0) != much.as_powers_dict().get(a, 0)]
    come = [a for a in fields.within(much) if missing.as_powers_dict().get(a, 0) != much.as_powers_dict().get(a, 0)]
    if len(gone) != 1 or len(come) != 1:
        return ""
    old, new = fields.partials[gone[0]], fields.partials[come[0]]
    names = {"missing": gone[0], "much": come[0]}
    if much.as_powers_dict()[come[0]] > 1 and old.field == new.field and sum(old.alpha) > sum(new.alpha):
        return SQUARED.format(missing=gone[0], much=f"{come[0]}**{much.as_powers_dict()[come[0]]}")
    if missing.xreplace({gone[0]: come[0]}) != much:
        return ""
    if old.field != new.field:
        return COMPONENT.format(**names)
    if old.at != new.at:
        return PLACE.format(**names)
    if sum(old.alpha) == sum(new.alpha):
        return COLUMN.format(**names)
    return (ONCE if sum(new.alpha) < sum(old.alpha) else OFTEN).format(**names)
