"""Runs of a suite whose journal was damaged, which must end as if there were none, or as if it were whole."""

import functools
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from derivcheck.run.journal import STATE
from tests.fuzz.case import Case

SUITE = b"""
[defaults]
points = 20
order = 1

[[check]]
name = "agrees"
expression = "x*sin(y)"

[[check]]
name = "disagrees"
expression = "x**2"
rtol = 0.0
atol = 0.0
domain = {x = [0.1, 0.3]}

[[check]]
name = "\\u2202 and \\u202e"
expression = "exp(x)"
dtype = "float32"
"""
ARGUMENTS = ("--suite", "s.toml", "--resume")


def case(draw: random.Random) -> Case:
    """A run with --resume whose journal has one to three damages, or is another file altogether."""
    journal, status = whole()
    for _ in range(draw.randint(1, 3)):
        journal = corrupted(journal, draw) if journal else journal
    if draw.random() < 0.05:
        journal = draw.choice([b"", b"\0" * 5000, b"[" * 100_000, b"{}\n" * 50, draw.randbytes(3000), SUITE])
    return Case(ARGUMENTS, {"s.toml": SUITE, str(STATE): journal}, status=status)


@functools.cache
def whole() -> tuple[bytes, int]:
    """The journal of a run that was interrupted by nothing but is not finished, and the exit status of the run."""
    with tempfile.TemporaryDirectory(prefix="derivcheck-fuzz-") as folder:
        place = Path(folder)
        (place / "s.toml").write_bytes(SUITE)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        command = [sys.executable, "-m", "derivcheck", *ARGUMENTS[:2], "--quiet"]
        done = subprocess.run(command, cwd=place, env=environment, timeout=300, check=False)
        lines = (place / STATE).read_bytes().splitlines(keepends=True)
    return b"".join(lines[:-1]), done.returncode  # the last line says that it is finished


def corrupted(data: bytes, draw: random.Random) -> bytes:
    """The bytes with some of them changed, removed, repeated or put elsewhere."""
    start = draw.randrange(len(data))
    end = min(len(data), start + draw.choice((1, 1, 8, 300, 5000)))
    piece, elsewhere = data[start:end], draw.randrange(len(data))
    made = draw.randbytes(len(piece))
    digits = bytes(draw.choice(b'0123456789{}[]",:-.eEnulltrue') for _ in piece)
    return draw.choice(
        [
            data[:start] + made + data[end:],
            data[:start] + digits + data[end:],
            data[:start] + data[end:],
            data[:end] + piece + data[end:],
            data[:elsewhere] + piece + data[elsewhere:],
            data[:start],
        ]
    )
