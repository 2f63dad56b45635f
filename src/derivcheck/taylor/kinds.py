"""What kind of function each name of torch is, as far as a power series is concerned."""

# Applied to every coefficient alike.
LINEAR = frozenset(
    """
    sum mean reshape view view_as reshape_as flatten unflatten ravel squeeze unsqueeze transpose permute t T mT
    swapaxes movedim expand expand_as broadcast_to stack cat concat concatenate hstack vstack column_stack flip roll
    repeat tile neg negative positive clone contiguous to double float half bfloat16 type_as select narrow index_select
    diagonal diff cumsum trace split chunk unbind tensor_split __getitem__ take_along_dim gather repeat_interleave
    """.split()
)
# Applied to every coefficient of the one factor that is a series, or a Cauchy product of two.
BILINEAR = frozenset("matmul __matmul__ mm mv bmm dot inner outer einsum ger bilinear cross".split())
# Constants of the shape of a series, which may be written to later.
CREATION = frozenset("zeros_like ones_like full_like empty_like new_zeros new_ones new_full new_empty".split())
# Of the value alone: decisions, shapes, and what is constant between its jumps.
CONSTANT = frozenset(
    """
    detach data floor ceil round trunc fix sign sgn heaviside frexp logical_and logical_or logical_xor
    bitwise_and bitwise_or isnan isinf isfinite isreal signbit eq ne lt le gt ge __eq__ __ne__
    __lt__ __le__ __gt__ __ge__ equal allclose isclose argmax argmin argsort nonzero all any logical_not bool __bool__
    shape dtype device ndim layout requires_grad grad_fn is_leaf names size dim ndimension numel stride __len__
    is_floating_point is_complex is_contiguous is_cuda is_sparse is_quantized is_meta is_mps data_ptr
    """.split()
)
ALIASES = {
    "expit": "sigmoid", "psi": "digamma", "gammaln": "lgamma", "absolute": "abs", "subtract": "sub", "multiply": "mul",
    "divide": "div", "true_divide": "div", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arcsinh": "asinh",
    "arccosh": "acosh", "arctanh": "atanh", "arctan2": "atan2", "clip": "clamp", "fmax": "maximum", "fmin": "minimum",
    "__pow__": "pow", "__rpow__": "rpow", "__rsub__": "rsub", "__rdiv__": "rdiv", "__rtruediv__": "rdiv",
    "__radd__": "add", "__rmul__": "mul", "__add__": "add", "__mul__": "mul", "__sub__": "sub", "__truediv__": "div",
    "__neg__": "neg", "__abs__": "abs", "__div__": "div", "float_power": "pow", "__rmatmul__": "rmatmul",
    "logsigmoid": "log_sigmoid", "_threshold": "threshold", "igamma": "gammainc", "igammac": "gammaincc",
}  # fmt: skip


def canonical(name: str) -> str:
    """The one name of torch.special.expit, torch.sigmoid and x.sigmoid."""
    name = name.removeprefix("special_")
    return ALIASES.get(name, name)
