"""`gradcheck` and `gradgradcheck`, called as those of `torch.autograd` are, without a tolerance.

The forward of the function, or of a plain reference, is traced into a graph; its derivatives are enclosed in ball
arithmetic at the given inputs and at a moved copy of them, which a backward that is right for special inputs alone does
not survive; and what autograd gives is compared with them under the noise rule.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.gradcheck import GradcheckError

from derivcheck import ulp
from derivcheck.engines import state
from derivcheck.engines.calling import own_warnings_ignored
from derivcheck.engines.products import Called
from derivcheck.errors import DerivcheckError, RequestError, Unsupported, did_you_mean
from derivcheck.run.whole import WholeCheck
from derivcheck.tracing.stance import eager

DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
IGNORED = {
    **dict.fromkeys(("eps", "atol", "rtol"), "there are no finite differences and no tolerance: noise decides"),
    **dict.fromkeys(("fast_mode", "masked"), "every entry is compared, in any case"),
    "nondet_tol": "a difference within the noise passes",
    **dict.fromkeys(
        ("check_undefined_grad", "check_batched_grad", "check_batched_forward_grad", "check_forward_ad",
         "check_backward_ad", "check_fwd_over_rev", "check_rev_over_rev", "check_grad_dtypes", "grad_outputs",
         "gen_non_contig_grad_outputs"),
        "it is about how a backward is called: see derivcheck.check, its engines and its cause `protocol`",
    ),
}  # fmt: skip
"""Keywords of torch's own that change nothing here, and why."""
OWN = ("order", "reference", "dtype", "seed", "stop_gradient", "raise_exception")


def gradcheck(
    function: Callable[..., Any],
    inputs: Any,
    *,
    order: int = 1,
    reference: Callable[..., Any] | None = None,
    dtype: torch.dtype | None = None,
    seed: int = 0,
    stop_gradient: bool = False,
    raise_exception: bool = True,
    **torchs: Any,
) -> bool:
    """Whether autograd's derivatives of a function up to an order are right at these inputs, as
    `torch.autograd.gradcheck` asks, but against the exact ones.

    `inputs` are a tensor or several, of any shapes, with anything else that the function takes between them; those of
    floats that require grad are differentiated by. Outputs may be a tensor or several in any structure. The function's
    own forward, or that of `reference`, is traced: it says what is right. `detach` is seen through; `stop_gradient`
    takes it as meant, as in a straight-through estimator. `dtype` replaces that of the inputs. Raises torch's
    `GradcheckError` with the entry, both values, the bound and the cause; with `raise_exception=False` it returns
    False. What cannot be traced raises `Unsupported`, with the operation, the line and the cure. The other keywords of
    torch's function are accepted, and one warning says why they change nothing.
    """
    __tracebackhide__ = True
    _warn(torchs)
    if order < 1:
        raise RequestError(f"order={order}: there is no derivative of that order", "Use order=1, or a higher one.")
    try:
        message = _complaint(function, inputs, order, reference, dtype, seed, stop_gradient)
    except DerivcheckError:
        if raise_exception:
            raise
        return False
    if message and raise_exception:
        raise GradcheckError(message)
    return not message


def gradgradcheck(function: Callable[..., Any], inputs: Any, grad_outputs: Any = None, **options: Any) -> bool:
    """`gradcheck` to order 2: the derivatives of the backward, by the inputs and by the cotangents."""
    __tracebackhide__ = True
    if grad_outputs is not None:
        options["grad_outputs"] = grad_outputs
    return gradcheck(function, inputs, **{"order": 2, **options})


def _warn(torchs: dict[str, Any]) -> None:
    for name in torchs:
        if name not in IGNORED:
            cure = did_you_mean(name, OWN) or f"Its own are {', '.join(OWN)}, and torch's are accepted."
            raise RequestError(f"gradcheck has no keyword {name}", cure)
    if torchs:
        reasons = {IGNORED[name]: [n for n in torchs if IGNORED[n] == IGNORED[name]] for name in torchs}
        text = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in reasons.items())
        warnings.warn(f"derivcheck.gradcheck ignores {text}", stacklevel=3)


@state.standard()
def _complaint(
    function: Callable[..., Any], inputs: Any, order: int, reference: Callable[..., Any] | None,
    dtype: torch.dtype | None, seed: int, stop: bool,
) -> str:  # fmt: skip
    """What is wrong, as a message; empty if nothing is."""
    given = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    varied = [k for k, x in enumerate(given) if isinstance(x, Tensor) and x.requires_grad]
    own = _dtype(given, varied, dtype)
    torch.set_default_dtype(torch.float64 if own == torch.float64 else torch.float32)
    with own_warnings_ignored(), eager():
        for wide in [own] if own == torch.float64 else [torch.float64, own]:
            called = Called(function, given, varied, wide)
            try:
                wrong = WholeCheck(called, reference, order, seed, stop).first_wrong()
            except (DerivcheckError, RuntimeError, TypeError):
                if wide == own:
                    raise
                continue  # the code takes no float64
            if wrong:
                return wrong
    return ""


def _dtype(given: Sequence[Any], varied: Sequence[int], dtype: torch.dtype | None) -> torch.dtype:
    """The dtype of the inputs that are differentiated by."""
    if not varied:
        raise RequestError("no input requires grad", "Make one with requires_grad=True.")
    found = {given[place].dtype for place in varied}
    if any(d.is_complex for d in found):
        raise Unsupported("an input is complex. Pass torch.view_as_real of it and make it complex inside.")
    if any(given[place].layout != torch.strided for place in varied):
        raise Unsupported("an input is sparse. Pass its values, and make it sparse inside.")
    chosen = dtype or max(found, key=lambda d: ulp.unit_roundoff(d))
    if chosen not in DTYPES:
        raise RequestError(f"{chosen} is not checked", f"Use one of {', '.join(map(str, DTYPES))}.")
    return chosen
