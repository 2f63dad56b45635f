"""Fields in formulas: u is a function of the coordinates, u_x and u_xt are partials, u(x, 0) is its value elsewhere.

A formula has a symbol for every partial of a field at a place, so that sympy treats u_xx as it treats any variable, and
prints it as it is written. What the symbols mean is kept beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import sympy as sp

from derivcheck.errors import RequestError
from derivcheck.expression.parsing import symbol
from derivcheck.multi_index import MultiIndex, canonical, splits

MOST_TERMS = 200  # of a formula that is expanded for comparison or print: nobody reads a longer one


class Partial(NamedTuple):
    """∂^alpha of a field at a place."""

    field: int
    """The place of the field among the fields."""
    alpha: MultiIndex
    at: tuple[sp.Expr, ...]
    """One expression per coordinate, in the coordinates of the point."""


class Fields:
    """The fields of one problem, and a symbol for each of their partials that was asked for."""

    def __init__(self, names: Sequence[str], coordinates: Sequence[str]) -> None:
        self.names, self.coordinates = tuple(names), tuple(coordinates)
        self.symbols = tuple(map(symbol, coordinates))
        self.partials: dict[sp.Symbol, Partial] = {}

    def of(self, partial: Partial) -> sp.Symbol:
        """Its symbol: u_xx, or u_x(1, t) where the place is not the point itself."""
        label = "".join(self.coordinates[j] for j in canonical(partial.alpha))
        name = self.names[partial.field] + (f"_{label}" if label else "")
        elsewhere = partial.at != self.symbols
        made = symbol(f"{name}({', '.join(map(str, partial.at))})" if elsewhere else name)
        self.partials[made] = partial
        return made

    def value(self, field: int) -> sp.Symbol:
        """The field itself."""
        return self.of(Partial(field, (0,) * len(self.coordinates), self.symbols))

    def read(self, name: str) -> Partial | None:
        """What a name such as u_xt means, None if it is no field. Raises `RequestError` where it names a field and no
        coordinates."""
        zero = (0,) * len(self.coordinates)
        for field, own in enumerate(self.names):
            if name == own:
                return Partial(field, zero, self.symbols)
        for field in sorted(range(len(self.names)), key=lambda k: -len(self.names[k])):
            own, _, label = name.partition(f"{self.names[field]}_")
            if own or not label or not name.startswith(f"{self.names[field]}_"):
                continue
            return Partial(field, self._alpha(name, label), self.symbols)
        return None

    def _alpha(self, name: str, label: str) -> MultiIndex:
        ways = splits(label, self.coordinates)
        if len(ways) != 1:
            why = "can be read in two ways" if ways else f"{label} is not made of coordinates"
            shown = ", ".join(self.coordinates)
            raise RequestError(
                f"{name}: {why}", f"The coordinates are {shown}; write D({name.split('_', maxsplit=1)[0]}, x)."
            )
        return tuple(ways[0].count(v) for v in self.coordinates)

    def derivative(self, expression: sp.Expr, j: int) -> sp.Expr:
        """The total derivative by coordinate j, by the chain rule through every field in the expression."""
        terms = [sp.diff(expression, self.symbols[j])]
        for atom in self.within(expression):
            outer = sp.diff(expression, atom)
            terms += [outer * inner for inner in self._inner(self.partials[atom], j)]
        return sp.Add(*terms)

    def _inner(self, partial: Partial, j: int) -> Iterator[sp.Expr]:
        for k, place in enumerate(partial.at):
            speed = sp.diff(place, self.symbols[j])
            if speed != 0:
                alpha = tuple(a + (i == k) for i, a in enumerate(partial.alpha))
                yield speed * self.of(partial._replace(alpha=alpha))

    def within(self, expression: sp.Basic) -> list[sp.Symbol]:
        """The symbols of partials that an expression has, in the order of their names."""
        return sorted((s for s in expression.free_symbols if s in self.partials), key=str)

    def replaced(self, expression: sp.Expr, closed: Callable[[Partial], sp.Expr]) -> sp.Expr:
        """The expression with every partial replaced by what `closed` says it is."""
        return expression.xreplace({atom: closed(self.partials[atom]) for atom in self.within(expression)})


def closed_form(fields: Fields, formulas: Sequence[sp.Expr]) -> Callable[[Partial], sp.Expr]:
    """Partials of fields that have formulas in the coordinates."""
    made: Mapping[tuple[int, MultiIndex], sp.Expr] = {}

    def derivative(field: int, alpha: MultiIndex) -> sp.Expr:
        if (field, alpha) not in made:
            steps = [fields.symbols[j] for j in canonical(alpha)]
            made[field, alpha] = sp.diff(formulas[field], *steps) if steps else formulas[field]  # type: ignore[index]
        return made[field, alpha]

    def closed(partial: Partial) -> sp.Expr:
        found = derivative(partial.field, partial.alpha)
        places = dict(zip(fields.symbols, partial.at, strict=True))
        return found if partial.at == fields.symbols else found.xreplace(places)

    return closed
