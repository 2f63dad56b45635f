"""What cannot be traced, said with the operation, the line of the user's code, and what to do about it."""

from __future__ import annotations

import linecache
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from derivcheck.errors import Unsupported, first_line, printable, shortened

OWN = str(Path(__file__).parents[1])  # the package's folder and torch's, whose frames are not the user's
TORCH = str(Path(torch.__file__).parent)
KNOWN_AS = {"_local_scalar_dense": "item"}
LONGEST_LINE = 60  # characters of the user's line: with its place it fits a line of a terminal


def refusal(operation: Any, why: str, cure: str) -> Unsupported:
    """The error for an operation, raised while the user's code runs it."""
    place = users_line(sys._getframe(1))
    return Unsupported(f"{_name(operation)} {why}{f', at {place}' if place else ''}. {cure}")


def raised_when_traced(error: Exception, cure: str) -> Unsupported:
    """The error for code that runs, but not in the mode in which it is traced."""
    reason = f"{type(error).__name__} when it is traced: {first_line(error)}"
    return Unsupported(f"the function raises {reason}. {cure}")


def _name(operation: Any) -> str:
    """As users know it: linalg_svd, item; mylibrary::silu for what is not torch's."""
    space, _, name = operation._schema.name.partition("::")
    if space not in ("aten", "prims"):
        return str(operation._schema.name)
    return KNOWN_AS.get(name) or str(name.strip("_"))


def users_line(frame: FrameType | None) -> str:
    """The innermost line of the user's: mykernels.py:12: y = x.item()"""
    while frame is not None and frame.f_code.co_filename.startswith((OWN, TORCH, "<frozen")):
        frame = frame.f_back
    if frame is None:
        return ""
    text = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
    shown = f": {shortened(printable(text), LONGEST_LINE)}" if text else ""
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}{shown}"
