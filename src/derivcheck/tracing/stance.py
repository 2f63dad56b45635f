"""Whether what `torch.compile` made runs compiled or as the Python that it was made of.

Torch has one stance per process. A thread that asks for eager runs has it alone: no other calls a function meanwhile,
which would then run eagerly as well, and two that leave in another order than they entered would leave it behind.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch

_alone = threading.RLock()


def eager() -> AbstractContextManager[Any]:
    """Inside, what `torch.compile` made runs as the Python it was made of.

    Dynamo traces the dispatch modes of this package: with fullgraph=True it raises, without it recompiles for each.
    What is subtracted from one another must run inside together: a compiled function and its eager twin differ by
    fusion.
    """
    return _eager() if may_be_compiled() else nullcontext()


@contextmanager
def _eager() -> Iterator[None]:
    with _alone, torch.compiler.set_stance("force_eager"):
        yield


def undisturbed() -> AbstractContextManager[Any]:
    """Inside, no other thread changes the stance."""
    return _alone if may_be_compiled() else nullcontext()


def may_be_compiled() -> bool:
    """Whether there may be a compiled function that can run uncompiled: dynamo is loaded, and torch is 2.6 or later."""
    return "torch._dynamo" in sys.modules and hasattr(torch.compiler, "set_stance")
