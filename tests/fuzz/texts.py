"""Text as it comes from keyboards, web pages, other programs and attackers."""

import random

# One of each kind that has broken some program: quotes, line ends, escapes of terminals, markup of rich and of GitHub,
# look-alikes of ASCII, characters without width, of another direction, beyond the BMP, and half a surrogate pair.
STRANGE = [
    *"'\"`\\[]{}$#@:;?!^&|~_%", "\n", "\r", "\t", "\0", "\x07", "\x1b[2J", "\x1b]0;t\x07", "\x7f", "\x85", "\x9b",
    "[bold]", "[/]", "%0A", "::error::", "²", "√", "π", "×", "·", "−", "÷", "∂", "₁", "≤", "≠", "х", "ѕ", "ａ", "１",
    "\u200b", "\u202e", "\u2028", "\ufeff", "é", "𝑥", "\udcff", "\U0010ffff",
]  # fmt: skip
FRAGMENTS = [
    "(", ")", ",", "**", "//", "<=", "==", "!=", "..", "1e", "0x", "1j", "1_0", "and", "not", "lambda", "import", "oo",
    "zoo", "nan", "I", "None", "True", "__class__", "f(", "=", "->", ":=", "\\frac", "  ", "()", "(,)", "*x", "**x",
]  # fmt: skip


def mutated(draw: random.Random, text: str) -> str:
    """The text after one to three accidents."""
    for _ in range(draw.randint(1, 3)):
        text = draw.choice([_cut, _doubled, _swapped, _inserted, _inserted])(draw, text)
    return text


def _cut(draw: random.Random, text: str) -> str:
    start, end = sorted(draw.randint(0, len(text)) for _ in range(2))
    return text[:start] + text[min(end, start + draw.randint(1, 4)) :]


def _doubled(draw: random.Random, text: str) -> str:
    start, end = sorted(draw.randint(0, len(text)) for _ in range(2))
    return text[:end] + text[start:end] * draw.choice([1, 1, 2, 30]) + text[end:]


def _swapped(draw: random.Random, text: str) -> str:
    place = draw.randint(0, max(0, len(text) - 2))
    return text[:place] + text[place : place + 2][::-1] + text[place + 2 :]


def _inserted(draw: random.Random, text: str) -> str:
    place = draw.randint(0, len(text))
    return text[:place] + draw.choice(draw.choice([STRANGE, FRAGMENTS])) + text[place:]
