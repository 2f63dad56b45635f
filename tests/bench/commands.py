"""The whole command against importing what it needs, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

from tests.bench.row import Row, Side, Sides, Sizes, timed

DEMO = ["x1**2*sin(x2)", "--order", "2"]
FUNCTION = ["log(1+exp(x))", "--function", "torch.nn.functional:softplus", "--order", "2"]
BOTH, TORCH = "import torch, sympy", "import torch"


def rows(sizes: Sizes) -> list[Row]:
    """Nothing here depends on the sizes."""
    return [
        _row("command", "demo", [*DEMO, "--no-timing"], BOTH, 1.25),
        _row("command-timing", "demo, with times", DEMO, BOTH, 1.6),
        _row("command-function", "a function, order 2", [*FUNCTION, "--no-timing"], BOTH, 1.25),
        _row("command-version", "derivcheck --version", ["--version"], TORCH, 1),
        _row("command-help", "derivcheck --help", ["--help"], TORCH, 1),
    ]


def _row(name: str, work: str, arguments: list[str], imports: str, most: float) -> Row:
    prepare = partial(sides, arguments, imports)
    return Row(name, work, "the whole command", f'python -c "{imports}"', prepare, most=most)


def sides(arguments: list[str], imports: str) -> Sides:
    """Wall time of a process. There are no numbers to compare: the command must end with status 0."""
    return Sides(process(["-m", "derivcheck", *arguments]), process(["-c", imports]))


def process(arguments: list[str]) -> Side:
    """A side that runs Python and throws its output away."""
    return timed(
        lambda: subprocess.run([sys.executable, *arguments], capture_output=True, check=True), values=lambda done: None
    )
