"""Short texts of a request and their meaning: numbers, lists, assignments."""

from fractions import Fraction

from derivcheck.errors import RequestError, printable

# Of ten or two, in a literal: float64 ends at 10**308 and 2**1024, and 10**(10**9) would fill the memory.
NOTHING_TO_CHECK = 'Give one, derivcheck "x1**2*sin(x2)" --order 2, or torch code alone, --function kernels.py:silu.'
LARGEST_LITERAL_EXPONENT = 2000


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
        raise RequestError(f"--param {printable(text)}: not a name and a value", "Write it like a=2.5 or w=pi/2.")
    return name.strip(), value.strip()
