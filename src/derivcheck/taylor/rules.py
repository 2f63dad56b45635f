"""One table: the name of a torch function -> its rule for power series.

Every rule takes the torch function, its arguments and its options. There are six kinds: *elementary*, a table of Taylor
coefficients; *composed* of other torch functions; *arithmetic*, written for series; *linear*, applied to every
coefficient; *bilinear*, such as a product; and functions *of the value* alone. (The table is laid out as `jet_rules` is
in JAX, jax/experimental/jet.py.)
"""

from collections.abc import Callable
from inspect import signature
from typing import Any

from torch.utils._pytree import tree_map

from derivcheck.errors import Unsupported
from derivcheck.taylor.arithmetic import ARITHMETIC
from derivcheck.taylor.compositions import COMPOSITIONS
from derivcheck.taylor.elementary import ELEMENTARY, RELATIVE
from derivcheck.taylor.jet import bilinear, elementary, first_jet, linear, value
from derivcheck.taylor.reductions import REDUCTIONS
from derivcheck.taylor.special import SPECIAL

TorchRule = Callable[[Any, list[Any], dict[str, Any]], Any]  # (torch function, positional arguments, named ones)

LINEAR = """
    sum mean reshape view view_as reshape_as flatten unflatten ravel squeeze unsqueeze transpose permute t T mT
    swapaxes movedim expand expand_as broadcast_to stack cat concat concatenate hstack vstack column_stack flip roll
    repeat tile neg negative positive clone contiguous to double float half bfloat16 type_as select narrow index_select
    diagonal diff cumsum trace split chunk unbind tensor_split __getitem__ take_along_dim gather repeat_interleave
""".split()
BILINEAR = "matmul __matmul__ mm mv bmm dot inner outer einsum ger bilinear cross".split()
# Constants of the shape of a series, which may be written to later.
CREATION = "zeros_like ones_like full_like empty_like new_zeros new_ones new_full new_empty".split()
# Decisions, shapes, and what is constant between its jumps.
OF_THE_VALUE = """
    detach data floor ceil round trunc fix sign sgn heaviside frexp logical_and logical_or logical_xor
    bitwise_and bitwise_or isnan isinf isfinite isreal signbit eq ne lt le gt ge __eq__ __ne__
    __lt__ __le__ __gt__ __ge__ equal allclose isclose argmax argmin argsort nonzero all any logical_not bool __bool__
    shape dtype device ndim layout requires_grad grad_fn is_leaf names size dim ndimension numel stride __len__
    is_floating_point is_complex is_contiguous is_cuda is_sparse is_quantized is_meta is_mps data_ptr
""".split()


def of_the_value(func: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """The function of the values, a constant."""
    return func(*tree_map(value, args), **tree_map(value, kwargs))


def _creation(func: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    made, jet = of_the_value(func, args, kwargs), first_jet((args, kwargs))
    return jet.like(jet.algebra.constant(made)) if made.is_floating_point() else made


def _elementary(name: str) -> TorchRule:
    rule, relative = (ELEMENTARY | SPECIAL)[name], RELATIVE.get(name)
    return lambda func, args, kwargs: elementary(args[0], rule, relative)


def _composition(name: str) -> TorchRule:
    """Compositions know every option that changes the result; None stands for an option that is not used."""
    rule = (COMPOSITIONS | REDUCTIONS)[name]
    known = signature(rule)

    def of(func: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        used = {k: v for k, v in kwargs.items() if v is not None}
        try:
            known.bind(*args, **used)
        except TypeError:
            raise Unsupported(f"{name} with these options has no Taylor rule") from None
        return rule(*args, **used)

    return of


def _arithmetic(name: str) -> TorchRule:
    rule = ARITHMETIC[name]
    return lambda func, args, kwargs: rule(*args, **kwargs)


RULES: dict[str, TorchRule] = {
    **dict.fromkeys(OF_THE_VALUE, of_the_value),
    **dict.fromkeys(CREATION, _creation),
    **dict.fromkeys(LINEAR, linear),
    **dict.fromkeys(BILINEAR, bilinear),
    **{name: _elementary(name) for name in (*ELEMENTARY, *SPECIAL)},
    **{name: _composition(name) for name in (*COMPOSITIONS, *REDUCTIONS)},
    **{name: _arithmetic(name) for name in ARITHMETIC},
}
