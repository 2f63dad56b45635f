"""Where code detaches what it computes: seen through by a trace, noted by line, or taken as meant."""

from __future__ import annotations

import sys
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import _disable_current_modes

from derivcheck.tracing.refusals import users_line

DETACHING = (Tensor.detach, torch.detach, Tensor.data.__get__)  # type: ignore[attr-defined]


class Detached(TorchFunctionMode):
    """Inside, the lines that detach something are noted; with `stop` the detached numbers are constants of a trace,
    which holds at the point where it is made."""

    def __init__(self, *, stop: bool) -> None:
        super().__init__()
        self.stop = stop
        self.lines: dict[str, None] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func not in DETACHING:
            return func(*args, **(kwargs or {}))
        self.lines[users_line(sys._getframe(1))] = None
        if not self.stop:
            return func(*args, **(kwargs or {}))
        with _disable_current_modes():
            return args[0].detach().clone()
