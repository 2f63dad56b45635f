"""The domain of a check: one interval per variable."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from derivcheck.errors import RequestError, printable
from derivcheck.expression.constants import nearest
from derivcheck.expression.reading import variable

Interval = tuple[float, float]


def domains(
    given: Any, variables: Sequence[str], parts: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> tuple[Interval, ...]:
    """d intervals from a pair for all, a mapping name -> pair, or texts `0:1` and `x1=0:1`, where later ones win. The
    `parts` of a tensor are the variables that its name stands for."""
    by_name: dict[str, Interval] = dict.fromkeys(variables, (0.0, 1.0))
    for name, interval in _domain_items(given):
        if name is not None and name not in parts and name not in variables:
            raise RequestError(
                f"--domain {printable(name)}=...: there is no variable {printable(name)}",
                f"The variables are {', '.join(variables)}.",
            )
        ends = _interval(interval, name)
        by_name |= dict.fromkeys(parts.get(name, [name]) if name else variables, ends)
    return tuple(by_name[v] for v in variables)


def _domain_items(given: Any) -> list[tuple[str | None, Any]]:
    if isinstance(given, Mapping):
        return [(variable(name), ends) for name, ends in given.items()]
    if isinstance(given, str):
        given = [given]
    if all(isinstance(text, str) for text in given):
        split = [text.rpartition("=") for text in given]
        return [(variable(name) or None, ends) for name, _, ends in split]
    return [(None, given)]


def _ends(given: Any) -> list[Any]:
    """Of `0:1`, of a pair, or the one number that both are."""
    if isinstance(given, str):
        return list(given.split(":"))
    return list(given) if isinstance(given, Sequence) else [given]


def _interval(given: Any, name: str | None) -> Interval:
    where = f"--domain {name}=" if name else "--domain "
    parts = _ends(given)
    shown = printable(given if isinstance(given, str) else ":".join(map(str, parts)))
    if len(parts) == 1 and name:  # x=2 is x=2:2
        parts = parts * 2
    if len(parts) != 2:
        cure = "Write it like 0:1 or -pi:pi, x1=0:1 for one variable, x1=2 to fix it."
        raise RequestError(f"{where}{shown}: not two ends", cure)
    try:
        low, high = (nearest(str(part).strip()) for part in parts)
    except OverflowError:
        raise RequestError(f"{where}{shown}: an end is beyond float64", "Its largest number is 1.8e308.") from None
    except RequestError as error:
        raise RequestError(f"{where}{shown}: {error.cause}", error.cure) from None
    if low > high:
        raise RequestError(f"{where}{shown} is reversed", f"Write {where}{shown.split(':')[1]}:{shown.split(':')[0]}.")
    return low, high
