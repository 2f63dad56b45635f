"""Which devices this machine has, and what they cannot do."""

import platform
from pathlib import Path

from derivcheck.errors import RequestError, printable


def present() -> list[str]:
    """The devices of this machine, by the names that --device takes."""
    import torch  # noqa: PLC0415 which is not needed to describe the CPU

    cuda = [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    return ["cpu", *cuda, *(["mps"] if torch.backends.mps.is_available() else [])]


def resolve(name: str) -> str:
    """The device that `auto`, `cuda` or a full name means. Raises `RequestError` if this machine does not have it."""
    there = present()
    if name == "auto":
        return there[1] if len(there) > 1 else "cpu"
    found = "cuda:0" if name == "cuda" else name
    if found not in there:
        raise RequestError(f"--device {printable(name)}: there is no such device here", f"Present: {', '.join(there)}.")
    return found


def require_dtype(device: str, dtype: str) -> None:
    """Raise `RequestError` for float64 on MPS, which does not have it."""
    if device.startswith("mps") and dtype == "float64":
        raise RequestError("--device mps: it has no float64", "Add --dtype float32.")


def describe(device: str) -> str:
    """The name of the chip, for the record."""
    if device.startswith("cuda"):
        import torch  # noqa: PLC0415 as above

        # A check that was refused for its device names one that is not there.
        return torch.cuda.get_device_name(device) if device in present() else device
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.processor() or "cpu",
    )
