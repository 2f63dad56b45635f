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
    if len(places) != 1:
        return reading, ()
    (at,) = places
    pairs = [_affine(place, x) for place, x in zip(at, fields.symbols, strict=True)]
    if at == fields.symbols or None in pairs:
        return reading, ()
    known = [pair for pair in pairs if pair is not None]
    factors = [factor for factor, _ in known]

    def unscaled(partial: Partial) -> sp.Expr:
        speed = sp.Mul(*(factor**times for factor, times in zip(factors, partial.alpha, strict=True)))
        return fields.of(partial._replace(at=fields.symbols)) / speed

    made = replace(reading, equations=tuple(fields.replaced(e, unscaled) for e in reading.equations))
    return made, tuple((float(factor), float(shift)) for factor, shift in known)


def _affine(place: sp.Expr, x: sp.Symbol) -> tuple[sp.Rational, sp.Rational] | None:
    """Factor and shift of factor·x + shift, factor not 0; None if it is not that."""
    if place.free_symbols != {x} or not place.is_polynomial(x) or sp.degree(place, x) != 1:
        return None
    factor, shift = sp.Poly(place, x).all_coeffs()
    return (factor, shift) if factor.is_Rational and shift.is_Rational else None
