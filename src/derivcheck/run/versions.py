"""The versions of what computes, without importing it."""

import importlib.metadata
import importlib.util
import platform
import runpy
from pathlib import Path

from derivcheck import __version__

PACKAGES = ("sympy", "python-flint")  # what decides results besides torch, derivcheck and Python
UNKNOWN = "unknown"  # of a package that was built in place


def versions() -> dict[str, str]:
    """What decides results and is not in the suite."""
    others = {name: of_package(name) for name in PACKAGES}
    return {"derivcheck": __version__, "python": platform.python_version(), "torch": of_torch(), **others}


def of_package(name: str) -> str:
    """The version of an installed package."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return UNKNOWN


def of_torch() -> str:
    """`torch.__version__`: it names the build, as in 2.13.0+cu130, where the metadata of the same wheel says 2.13.0."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return UNKNOWN
    return str(runpy.run_path(str(Path(spec.origin).with_name("version.py")))["__version__"])
