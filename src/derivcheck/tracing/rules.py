"""One table: the name of an operation -> its rule. There is one row per operation; see `kinds` for what they are.

An operation that is not here is done as torch decomposes it, or refused by name. (The table is laid out as
`taylor.rules` is.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from derivcheck.errors import Unsupported
from derivcheck.tracing.arrays import Arrays
from derivcheck.tracing.complex_numbers import COMPLEX, for_complex
from derivcheck.tracing.compositions import COMPOSITIONS
from derivcheck.tracing.elementwise import CHOICES, COMPARISONS, ELEMENTWISE, LOGICAL
from derivcheck.tracing.kinds import Rule, constant, elementwise, logical, placed, unknown
from derivcheck.tracing.linear_algebra import LINEAR_ALGEBRA
from derivcheck.tracing.products import PRODUCTS
from derivcheck.tracing.reductions import REDUCTIONS
from derivcheck.tracing.special import trunc
from derivcheck.tracing.values import Value

PLACED = """
    clone contiguous cat stack index _unsafe_index index_select gather take roll flip rev repeat constant_pad_nd
    reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d replication_pad3d tril triu
    diag_embed slice_scatter select_scatter diagonal_scatter as_strided_scatter slice_backward select_backward
    diagonal_backward unfold_backward as_strided_copy _unsafe_masked_index embedding scatter index_fill index_copy put
    masked_scatter masked_select im2col channel_shuffle pixel_shuffle pixel_unshuffle broadcast_in_dim unfold_copy
    upsample_nearest1d upsample_nearest2d _reshape_copy view_copy expand_copy
""".split()
VIEWS = frozenset("_unsafe_view detach alias lift_fresh unsafe_split unsafe_split_with_sizes unsafe_chunk".split())
"""Results that share memory with an argument although the schema does not say so."""
CONSTANTS = """
    zeros_like ones_like full_like empty_like new_zeros new_ones new_full new_empty new_empty_strided
    _new_zeros_with_same_feature_meta _linalg_check_errors is_same_size _has_same_storage_numel
    _has_compatible_shallow_copy_type sym_size sym_stride sym_numel sym_storage_offset
""".split()
UNKNOWN = "argmax argmin argsort bucketize searchsorted".split()


def _cast(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """Between floats nothing changes: an exact value has no dtype. To whole numbers it is truncated."""
    dtype = kwargs.get("dtype", args[1] if len(args) > 1 else None) or args[0].dtype
    if dtype == torch.bool:
        return arrays.conditions(args[0])
    refs = arrays.numbers(args[0])
    whole = args[0].is_floating_point() and not dtype.is_floating_point
    return arrays.each(trunc, refs) if whole else refs


def _reading(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Python reads a number: item, float, if."""
    value = Value(arrays.graph, int(arrays.refs(args[0]).reshape(())))
    if value.number is None and not (value.is_condition and value.truth is not None):
        raise Unsupported("gives Python a number that depends on the data, as float and if do")


def _comparing(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    raise Unsupported("gives Python an answer that depends on the data")


RULES: dict[str, Rule] = {
    name: for_complex(name, rule)
    for name, rule in {
        **{name: elementwise(function) for name, function in {**ELEMENTWISE, **COMPARISONS}.items()},
        **{name: elementwise(function, condition) for name, (function, condition) in CHOICES.items()},
        **{name: logical(function) for name, function in LOGICAL.items()},
        **REDUCTIONS,
        **PRODUCTS,
        **LINEAR_ALGEBRA,
        **COMPOSITIONS,
        **dict.fromkeys(PLACED, placed),
        **dict.fromkeys(CONSTANTS, constant),
        **dict.fromkeys(UNKNOWN, unknown),
        **dict.fromkeys(("_to_copy", "convert_element_type"), _cast),
        "_local_scalar_dense": _reading,
        "equal": _comparing,
        "is_nonzero": _reading,
    }.items()
} | COMPLEX
