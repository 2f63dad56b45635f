"""What the figures depend on."""

import os
import platform
from pathlib import Path

import sympy
import torch

from derivcheck import __version__

CPUINFO = Path("/proc/cpuinfo")


def machine() -> dict[str, str | int]:
    """Names and versions, as JSON can hold them."""
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count() or 0,
        "threads": torch.get_num_threads(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "sympy": sympy.__version__,
        "derivcheck": __version__,
    }


def cpu_model() -> str:
    """What Linux calls the processor; elsewhere what Python does."""
    lines = CPUINFO.read_text().splitlines() if CPUINFO.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()
