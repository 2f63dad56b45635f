"""Whether two outputs say the same: every word and every count literally, times not at all, errors by their magnitude.

The errors of one seed differ between machines, because the kernels of torch round differently there; the points, the
counts, the rows, their order and the verdicts do not.
"""

import re

VARYING = {
    r"\x1b\[[\d;]*m": "",
    r"(?<![\w.])\d+(\.\d+)? (ns|µs|ms|s)\b": "TIME",
    r"(?<![\w.])\d+(\.\d+)?( times as fast|x(?!\w))": "RATIO",
    r"(torch \d+\.\d+\.\d+)\+\w+": r"\1",  # +cpu, +cu130: which build it is
}
# A hexadecimal float, a number with a decimal point or an exponent, or a 0 alone in a cell of a table. Neither 10000
# nor 2.13.0.
FIGURE = re.compile(
    r"-?\b0x[01]\.[\da-f]+p[+-]\d+|(?<![\w.])-?\d+(?:\.\d+(?:e[+-]\d+)?|e[+-]\d+)(?!\.?\w)|(?<=  )0(?=  |\s*$)", re.M
)
BITS = re.compile(r"\d+\.\d")  # one decimal and no exponent: lost bits
MOST_BITS = 1.5  # by which they may differ: a factor of 2.8 in the error
MAGNITUDE = 10  # factor between two errors that are alike
DUST = 2.0**-50  # a few roundings of numbers near 1: 0 on one machine, 1e-16 on another


def alike(shown: str, printed: str) -> bool:
    return differences(shown, printed) == []


def differences(shown: str, printed: str) -> list[str]:
    """What differs, in a few words; empty if nothing does."""
    (text, figures), (other, others) = split(shown), split(printed)
    if text != other:
        return [f"{text}\nis not\n{other}"]
    return [f"{a} is not {b}" for a, b in zip(figures, others, strict=True) if not close(a, b)]


def split(text: str) -> tuple[str, list[str]]:
    """The words, with a # for each figure, and the figures. They are one line: where lines break depends on figures."""
    for pattern, replacement in VARYING.items():
        text = re.sub(pattern, replacement, text)
    words = FIGURE.sub("#", text).replace("─", " ").split()
    return " ".join(words), FIGURE.findall(text)


def close(a: str, b: str) -> bool:
    if BITS.fullmatch(a) and BITS.fullmatch(b):
        return abs(float(a) - float(b)) <= MOST_BITS
    x, y = value(a), value(b)
    return x == y or max(abs(x), abs(y)) <= DUST or 1 / MAGNITUDE <= x / (y or float("inf")) <= MAGNITUDE


def value(figure: str) -> float:
    return float.fromhex(figure) if "0x" in figure else float(figure)
