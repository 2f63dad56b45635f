"""Numbers as people write them -> exact fractions."""

from fractions import Fraction

from derivcheck.errors import RequestError

LARGEST_EXPONENT = 2000  # of ten or two: float64 ends at 10**308 and 2**1024, and 10**(10**9) would fill the memory


def parse_number(text: str) -> Fraction:
    """A decimal, a quotient of two, or a hexadecimal float, exactly."""
    is_hexadecimal = "x" in text.lower()
    try:
        if _exponent(text, "p" if is_hexadecimal else "e") > LARGEST_EXPONENT:
            raise ValueError
        return Fraction(*float.fromhex(text).as_integer_ratio()) if is_hexadecimal else Fraction(text)
    except (ValueError, OverflowError, ZeroDivisionError):
        cause = f"{text!a} is not a finite number"
        raise RequestError(cause, "Write it like 0.5, -2, 1/3, 1e-3 or 0x1.8p-1.") from None


def _exponent(text: str, mark: str) -> int:
    """The size of the exponent behind the mark, 0 where there is none."""
    _, found, digits = text.lower().partition(mark)
    return abs(int(digits)) if found else 0
