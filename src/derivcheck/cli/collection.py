"""Imports of sympy and torch without the garbage collector."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def nothing_collected() -> Iterator[None]:
    """While sympy or torch is imported. Each garbage collection among their objects takes 0.1 s and finds nothing, so
    there is none while they are created, and later ones leave them out."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
