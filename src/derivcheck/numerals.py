"""Numbers as people write them -> exact fractions."""

from fractions import Fraction

from derivcheck.errors import RequestError

LARGEST_EXPONENT = 2000  # of ten: float64 ends at 308, and 10**(10**9) would fill the memory


def parse_number(text: str) -> Fraction:
    """A decimal, a quotient of two, or a hexadecimal float, exactly."""
    try:
        exponents = [int(part) for part in text.lower().replace("p", "e").split("e")[1:] if "/" not in part]
        if any(abs(e) > LARGEST_EXPONENT for e in exponents):
            raise ValueError
        return Fraction(*float.fromhex(text).as_integer_ratio()) if "x" in text.lower() else Fraction(text)
    except (ValueError, OverflowError, ZeroDivisionError):
        raise RequestError(
            f"{text!a} is not a finite number", "Write it like 0.5, -2, 1/3, 1e-3 or 0x1.8p-1."
        ) from None
