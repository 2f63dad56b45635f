"""Torch's settings, which belong to the caller and which a user's code may change.

A check depends on none of them, so that it gives the same rows whatever was set before, and puts all of them back. For
a user's function the default dtype is left alone if it is float64: its constants may be meant to have it.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import wraps
from typing import Any, TypeVar

import torch

from derivcheck.tracing.stance import undisturbed

Called = TypeVar("Called", bound=Callable[..., Any])
Setting = tuple[Callable[[], Any], Callable[[Any], Any]]  # how it is read, how it is written

CPU = torch.device("cpu")
SUBNORMAL = 2.0**-1023  # half of the smallest normal float64


def _default_device() -> torch.device:
    """The look at the stack first is 200 times as fast, and this is read twice for each call of a function. Torch 2.5
    raises where None was set before."""
    if not torch._C._len_torch_function_stack():
        return CPU
    try:
        return torch.get_default_device()
    except AttributeError:
        return torch.empty(0).device


def _set_default_device(device: torch.device) -> None:
    """None, which is the CPU as well, slows down no call of torch."""
    torch.set_default_device(None if device.type == "cpu" else device)


def _flushes_subnormals() -> bool:
    """Torch has no getter for it."""
    return SUBNORMAL * 0.5 == 0


OF_PROCESS: Sequence[Setting] = (
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_num_threads, torch.set_num_threads),
    (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
)
OF_THREAD: Sequence[Setting] = (
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (_default_device, _set_default_device),
    (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    (_flushes_subnormals, torch.set_flush_denormal),
)
ALL = (*OF_PROCESS, *OF_THREAD)


@contextmanager
def kept(settings: Sequence[Setting] = ALL) -> Iterator[None]:
    """Put back what the block changes."""
    before = [get() for get, _ in settings]
    try:
        yield
    finally:
        for (get, put), value in zip(settings, before, strict=True):
            if get() != value:
                put(value)


def keeping(function: Called) -> Called:
    """The function, which changes no setting for longer than a call."""

    @wraps(function)
    def called(*arguments: Any, **named: Any) -> Any:
        with undisturbed(), kept():
            return function(*arguments, **named)

    return called  # type: ignore[return-value]


@contextmanager
def standard() -> Iterator[None]:
    """The settings of a check, and afterwards those that were found, with the states of the random generators. It may
    be nested, and entered in several threads: what belongs to the process is put back when the last one leaves."""
    with (
        _of_process,
        kept(OF_THREAD),
        torch.random.fork_rng(devices=_gpus()),
        torch.inference_mode(False),
        torch.enable_grad(),
        _on_cpu(),
    ):
        torch.set_flush_denormal(False)
        torch.manual_seed(0)  # a replay makes the same modules with random weights when it imports a user's file
        yield


def set_default_dtype(*, for_function: bool) -> None:
    """What this package makes without naming a dtype must hold a bound or an index."""
    if not (for_function and torch.get_default_dtype() == torch.float64):
        torch.set_default_dtype(torch.float32)


def _on_cpu() -> AbstractContextManager[Any]:
    """Inside, tensors are made on the CPU unless a device is named."""
    return nullcontext() if _default_device().type == "cpu" else torch.device("cpu")


def _gpus() -> list[int]:
    return list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []


class _Shared:
    """`kept(OF_PROCESS)` for all threads together."""

    def __init__(self) -> None:
        self.lock, self.depth = threading.Lock(), 0

    def __enter__(self) -> None:
        with self.lock:
            if self.depth == 0:
                self.block = kept(OF_PROCESS)
                self.block.__enter__()
            self.depth += 1

    def __exit__(self, *error: object) -> None:
        with self.lock:
            self.depth -= 1
            if self.depth == 0:
                self.block.__exit__(None, None, None)


_of_process = _Shared()
