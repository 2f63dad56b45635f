"""Which devices are there, and what they cannot do."""

import platform
from pathlib import Path

import torch

from derivcheck.errors import RequestError, printable


def present() -> list[str]:
    """The devices of this machine, by the names that --device takes."""
    cuda = [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    return ["cpu", *cuda, *(["mps"] if torch.backends.mps.is_available() else [])]


def resolve(name: str) -> str:
    """`auto` and `cuda` become the device they mean; what is not there is a wrong request."""
    there = present()
    if name == "auto":
        return there[1] if len(there) > 1 else "cpu"
    found = "cuda:0" if name == "cuda" else name
    if found not in there:
        raise RequestError(f"--device {printable(name)}: there is no such device here", f"Present: {', '.join(there)}.")
    return found


def require_dtype(device: str, dtype: str) -> None:
    """MPS has no float64."""
    if device.startswith("mps") and dtype == "float64":
        raise RequestError("--device mps: it has no float64", "Add --dtype float32.")


def describe(device: str) -> str:
    """The name of the chip, for the record."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.processor() or "cpu",
    )
