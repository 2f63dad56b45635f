"""Short texts of a request and their meaning: numbers, lists, assignments, intervals."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from derivcheck.errors import RequestError, printable

# Of ten or two, in a literal: float64 ends at 10**308 and 2**1024, and 10**(10**9) would fill the memory.
NOTHING_TO_CHECK = 'Give one, derivcheck "x1**2*sin(x2)" --order 2, or torch code alone, --function kernels.py:silu.'
LARGEST_LITERAL_EXPONENT = 2000

Interval = tuple[float, float]


def parse_number(text: str) -> Fraction:
    """A decimal, a quotient of two, or a hexadecimal float, exactly."""
    is_hexadecimal = "x" in text.lower()
    try:
        if _exponent(text, "p" if is_hexadecimal else "e") > LARGEST_LITERAL_EXPONENT:
            raise ValueError
        return Fraction(*float.fromhex(text).as_integer_ratio()) if is_hexadecimal else Fraction(text)
    except (ValueError, OverflowError, ZeroDivisionError):
        cause = f"{text!a} is not a finite number"
        raise RequestError(cause, "Write it like 0.5, -2, 1/3, 1e-3 or 0x1.8p-1.") from None


def _exponent(text: str, mark: str) -> int:
    """The size of the exponent after the mark, 0 if there is none."""
    _, found, digits = text.lower().partition(mark)
    return abs(int(digits)) if found else 0


def split(text: str) -> list[str]:
    """`x1, x2` is ["x1", "x2"]."""
    return [part.strip() for part in text.split(",") if part.strip()]


def assignment(text: str) -> tuple[str, str]:
    """`a=2.5` is ("a", "2.5")."""
    name, equals, value = text.partition("=")
    if not equals:
        raise RequestError(f"--param {printable(text)}: not a name and a value", "Write it like a=2.5.")
    return name.strip(), value.strip()


def domains(given: Any, variables: Sequence[str]) -> tuple[Interval, ...]:
    """d intervals from a pair for all, a mapping name -> pair, or texts `0:1` and `x1=0:1`, where later ones win."""
    by_name: dict[str, Interval] = dict.fromkeys(variables, (0.0, 1.0))
    for name, interval in _domain_items(given):
        if name is not None and name not in variables:
            raise RequestError(
                f"--domain {name}=...: there is no variable {name}", f"The variables are {', '.join(variables)}."
            )
        ends = _interval(interval, name)
        by_name |= {name: ends} if name else dict.fromkeys(variables, ends)
    return tuple(by_name[v] for v in variables)


def _domain_items(given: Any) -> list[tuple[str | None, Any]]:
    if isinstance(given, Mapping):
        return list(given.items())
    if isinstance(given, str):
        given = [given]
    if all(isinstance(text, str) for text in given):
        split = [text.rpartition("=") for text in given]
        return [(name.strip() or None, ends) for name, _, ends in split]
    return [(None, given)]


def _interval(given: Any, name: str | None) -> Interval:
    where = f"--domain {name}=" if name else "--domain "
    parts = given.split(":") if isinstance(given, str) else list(given)
    shown = given if isinstance(given, str) else ":".join(map(str, parts))
    if len(parts) != 2:
        raise RequestError(f"{where}{shown}: not two ends", "Write it like 0:1, or x1=0:1 for one variable.")
    try:
        low, high = (float(parse_number(str(part).strip())) for part in parts)
    except OverflowError:
        raise RequestError(f"{where}{shown}: an end is beyond float64", "Its largest number is 1.8e308.") from None
    except RequestError as error:
        raise RequestError(f"{where}{shown}: {error.cause}", error.cure) from None
    if low > high:
        raise RequestError(f"{where}{shown} is reversed", f"Write {where}{shown.split(':')[1]}:{shown.split(':')[0]}.")
    return low, high
