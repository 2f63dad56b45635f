"""What the command line and a suite file write as one text, and what it says."""

from derivcheck.errors import RequestError


def split(text: str) -> list[str]:
    """`x1, x2` is ["x1", "x2"]."""
    return [part.strip() for part in text.split(",") if part.strip()]


def assignment(text: str) -> tuple[str, str]:
    """`a=2.5` is ("a", "2.5")."""
    name, equals, value = text.partition("=")
    if not equals:
        raise RequestError(f"--param {ascii(text)[1:-1]}: not a name and a value", "Write it like a=2.5.")
    return name.strip(), value.strip()


def tolerances(rtol: float | None, atol: float | None) -> tuple[float, float] | None:
    """Both, or none."""
    if rtol is None and atol is None:
        return None
    if rtol is None or atol is None or not (rtol >= 0 and atol >= 0):
        raise RequestError("--rtol goes with --atol, neither negative", "Give both: --rtol 1e-6 --atol 0.")
    return rtol, atol
