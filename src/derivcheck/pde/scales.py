"""Networks with scaled inputs: by net((x - 1)/2, t) code means u(x, t), in which its equation is simpler."""

from __future__ import annotations

from dataclasses import replace

import sympy as sp

from derivcheck.expression.fields import Fields, Partial
from derivcheck.pde.reading import Reading

Scales = tuple[tuple[float, float], ...]
"""Factor and shift of each coordinate: the network gets factor·x + shift. Empty where it gets x."""


def scales_of(reading: Reading, fields: Fields) -> tuple[Reading, Scales]:
    """The equations in the field of unscaled coordinates, if all calls of the network scale them alike."""
    places = {fields.partials[atom].at for e in reading.equations for atom in fields.within(e)}
    pairs = [_shared({at[j] for at in places}, x) for j, x in enumerate(fields.symbols)]
    known = [pair for pair in pairs if pair is not None]
    if len(known) < len(pairs) or all(pair == (1, 0) for pair in known):
        return reading, ()

    def unscaled(partial: Partial) -> sp.Expr:
        speed = sp.Mul(*(factor**times for (factor, _), times in zip(known, partial.alpha, strict=True)))
        at = tuple(sp.expand((p - shift) / factor) for p, (factor, shift) in zip(partial.at, known, strict=True))
        return fields.of(partial._replace(at=at)) / speed

    made = replace(reading, equations=tuple(fields.replaced(e, unscaled) for e in reading.equations))
    return made, tuple((float(factor), float(shift)) for factor, shift in known)


def _shared(places: set[sp.Expr], x: sp.Symbol) -> tuple[sp.Rational, sp.Rational] | None:
    """The one scale of a coordinate; None if there are several, or none. A number is the scaled one of some place."""
    found = {_affine(place, x) for place in places if place.free_symbols}
    return found.pop() if len(found) == 1 else None


def _affine(place: sp.Expr, x: sp.Symbol) -> tuple[sp.Rational, sp.Rational] | None:
    """Factor and shift of factor·x + shift, factor not 0; None if it is not that."""
    if place.free_symbols != {x} or not place.is_polynomial(x) or sp.degree(place, x) != 1:
        return None
    factor, shift = sp.Poly(place, x).all_coeffs()
    return (factor, shift) if factor.is_Rational and shift.is_Rational else None
