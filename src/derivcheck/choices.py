"""The values of options that take one of a few words, and what people write for them elsewhere."""

import re
from collections.abc import Mapping, Sequence

from derivcheck.errors import RequestError, printable

DTYPES = ("float64", "float32", "bfloat16", "float16")
SAMPLERS = ("uniform", "floats", "sobol")
OPERATORS = ("gradient", "jacobian", "hessian", "laplacian", "divergence", "curl")
LAYOUTS = ("columns", "matrix")
DEVICES = ("cpu", "cuda", "mps", "auto")
DEVICE = re.compile(r"cpu|cuda(:\d{1,4})?|mps|auto")
ALL = "all"  # the engine name that means every engine that can
OWN_FORWARD = "its own forward"  # what a function is compared with if nothing else is named

# What numpy, C, CUDA and torch call the dtypes and devices. `float` is float64 in Python and float32 in torch.
MEANT: Mapping[str, Mapping[str, str]] = {
    "dtype": {
        **dict.fromkeys(("double", "fp64", "f64"), "float64"),
        **dict.fromkeys(("single", "fp32", "f32"), "float32"),
        **dict.fromkeys(("half", "fp16", "f16"), "float16"),
        **dict.fromkeys(("bf16", "bfloat"), "bfloat16"),
        "float": "float64 or float32",
    },
    "device": {"gpu": "cuda", "nvidia": "cuda", "metal": "mps"},
}
KNOWN: Mapping[str, Sequence[str]] = {"dtype": DTYPES, "sampler": SAMPLERS, "layout": LAYOUTS, "device": DEVICES,
    "operator": OPERATORS}  # fmt: skip


def require_known(**given: Sequence[str]) -> None:
    """Refuse a dtype, sampler, layout or device that does not exist. Whether a device is present is not looked up."""
    for option, values in given.items():
        for value in values:
            if not (DEVICE.fullmatch(value) if option == "device" else value in KNOWN[option]):
                raise unknown(option, value)


def require_some(**given: Sequence[str]) -> None:
    """Refuse an option that names nothing, such as --dtype ""."""
    for option, values in given.items():
        if not any(values):
            raise RequestError(f"--{option}: nothing is named", "Leave the option out for its default.")


def unknown(option: str, value: str) -> RequestError:
    """The error for a value that does not exist, with what was probably meant."""
    bare = value.lower().removeprefix("torch.")
    meant = bare if bare in KNOWN[option] else MEANT.get(option, {}).get(bare)
    choices = ", ".join(("cpu", "cuda", "cuda:1", "mps", "auto") if option == "device" else KNOWN[option])
    cure = f"Choose from {choices}."
    return RequestError(f"--{option} {printable(value)}: unknown", f"Did you mean {meant}? {cure}" if meant else cure)
