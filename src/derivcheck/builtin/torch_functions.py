"""Torch operations as functions of columns: one tensor (n,) per variable -> one tensor (n,), everything else fixed.

Operations that take columns as they are, such as torch.atan2, are named in the suite directly.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

Columns = Callable[..., Tensor]


def _rows(op: Callable[..., Tensor], *place: Any, **fixed: Any) -> Columns:
    """`op` on the rows (n, d) of d columns; the component of its result (n, ...) at `place`."""
    return lambda *columns: op(torch.stack(columns, -1), **fixed)[..., *place]


def _halves(op: Callable[..., Tensor], *place: Any, **fixed: Any) -> Columns:
    """`op` on two sets of rows (n, d): the first d of 2d columns, and the others."""

    def of_halves(*columns: Tensor) -> Tensor:
        d = len(columns) // 2
        return op(torch.stack(columns[:d], -1), torch.stack(columns[d:], -1), **fixed)[..., *place]

    return of_halves


def _matrix(op: Callable[..., Tensor], *place: Any) -> Columns:
    """`op` on the matrices ((a, b), (c, d)), shape (n, 2, 2)."""
    return lambda a, b, c, d: op(torch.stack([a, b, c, d], -1).unflatten(-1, (2, 2)))[..., *place]


def _symmetric(op: Callable[..., Tensor], *place: Any) -> Columns:
    """`op` on the matrices ((a, b), (b, d)), shape (n, 2, 2)."""
    general = _matrix(op, *place)
    return lambda a, b, d: general(a, b, b, d)


def _complex(op: Callable[[Tensor], Tensor], part: Callable[[Tensor], Tensor] = torch.real) -> Columns:
    """A part of `op` at x + iy."""
    return lambda x, y: part(op(torch.complex(x, y)))


def _loss(op: Callable[..., Tensor], **fixed: Any) -> Columns:
    """A loss of an input and a target, one number per point."""
    return partial(op, reduction="none", **fixed)


def _of_class_0(op: Callable[..., Tensor], **fixed: Any) -> Columns:
    """A loss of rows (n, d) whose true class is the first."""
    return _rows(lambda rows: op(rows, torch.zeros(len(rows), dtype=torch.int64), reduction="none", **fixed))


def _of(first: float, op: Callable[..., Tensor]) -> Columns:
    """`op` of a constant and the column."""
    return lambda x: op(torch.full_like(x, first), x)


def _by(op: Callable[..., Tensor], second: float) -> Columns:
    """`op` of the column and a constant."""
    return lambda x: op(x, torch.full_like(x, second))


def _ldexp(exponent: int) -> Columns:
    """x times a power of two that is given as an integer."""
    return lambda x: torch.ldexp(x, torch.full_like(x, exponent, dtype=torch.int32))


# Exponentials and powers
logit_clamped = partial(torch.logit, eps=0.1)
cube = partial(torch.pow, exponent=3)
one_and_a_half = partial(torch.pow, exponent=1.5)
inverse_square = partial(torch.pow, exponent=-2)
zeroth_power = partial(torch.pow, exponent=0)
power_of_2 = partial(torch.pow, 2.0)
power_of_0 = _of(0.0, torch.pow)
ldexp_3 = _ldexp(3)
ldexp_minus_2 = _ldexp(-2)

# Special functions
trigamma = partial(torch.polygamma, 1)
tetragamma = partial(torch.polygamma, 2)
pentagamma = partial(torch.polygamma, 3)
multigammaln_2 = partial(torch.special.multigammaln, p=2)
zeta_3 = partial(torch.special.zeta, 3.0)
gammainc_half = _of(0.5, torch.special.gammainc)
gammainc_1 = _of(1.0, torch.special.gammainc)
gammainc_2 = _of(2.0, torch.special.gammainc)
gammainc_30 = _of(30.0, torch.special.gammainc)
gammaincc_1 = _of(1.0, torch.special.gammaincc)
gammaincc_2 = _of(2.0, torch.special.gammaincc)

# Activations
elu_0_3 = partial(F.elu, alpha=0.3)
celu_0_3 = partial(F.celu, alpha=0.3)
gelu_tanh = partial(F.gelu, approximate="tanh")
softplus_beta_0_3 = partial(F.softplus, beta=0.3)
softplus_threshold_1 = partial(F.softplus, threshold=1.0)
softplus_threshold_50 = partial(F.softplus, threshold=50.0)
hardtanh_asymmetric = partial(F.hardtanh, min_val=-0.3, max_val=0.7)
threshold_1 = partial(F.threshold, threshold=1.0, value=0.5)
rrelu_evaluated = partial(F.rrelu, lower=0.25, upper=0.5)
glu = _rows(F.glu, 0)


def prelu(x: Tensor) -> Tensor:
    """With the slope 1/4."""
    return F.prelu(x, x.new_tensor([0.25]))


# Branches
clamp_1 = partial(torch.clamp, min=-1.0, max=1.0)
nan_to_num = partial(torch.nan_to_num, nan=0.5)


def sqrt_by_where(x: Tensor) -> Tensor:
    """0 below 0, in the obvious way: the branch that is not taken is NaN."""
    return torch.where(x > 0, torch.sqrt(x), torch.zeros_like(x))


def sqrt_by_two_wheres(x: Tensor) -> Tensor:
    """The same, with a harmless input for the branch that is not taken."""
    return torch.where(x > 0, torch.sqrt(torch.where(x > 0, x, torch.ones_like(x))), torch.zeros_like(x))


def exp_by_where(x: Tensor) -> Tensor:
    """1 + x above 0: the branch that is not taken overflows."""
    return torch.where(x <= 0, torch.exp(x), 1 + x)


# Binary and ternary
add_twice = partial(torch.add, alpha=2)
div_floor = partial(torch.div, rounding_mode="floor")
addcmul_half = partial(torch.addcmul, value=0.5)
addcdiv_half = partial(torch.addcdiv, value=0.5)
copysign_1 = _by(torch.copysign, 1.0)


# Norms and normalisations
norm_half = _rows(torch.linalg.vector_norm, ord=0.5, dim=-1)
norm_1 = _rows(torch.linalg.vector_norm, ord=1, dim=-1)
norm_2 = _rows(torch.linalg.vector_norm, dim=-1)
norm_5_2 = _rows(torch.linalg.vector_norm, ord=2.5, dim=-1)
norm_3 = _rows(torch.linalg.vector_norm, ord=3, dim=-1)
norm_inf = _rows(torch.linalg.vector_norm, ord=float("inf"), dim=-1)
torch_norm = _rows(torch.norm, dim=-1)
layer_norm = _rows(lambda rows: F.layer_norm(rows, rows.shape[-1:]), 0)
rms_norm = _rows(lambda rows: F.rms_norm(rows, rows.shape[-1:], eps=1e-5), 0)
group_norm = _rows(F.group_norm, 0, num_groups=1)
instance_norm = _rows(lambda rows: F.instance_norm(rows[:, None]), 0, 0)
local_response_norm = _rows(lambda rows: F.local_response_norm(rows[:, :, None], 3), 0, 0)
normalize = _rows(F.normalize, 0, dim=-1)
normalize_3 = _rows(F.normalize, 0, p=3.0, dim=-1)
renorm = _rows(torch.renorm, 0, p=2, dim=0, maxnorm=1.0)
cosine_similarity = _halves(F.cosine_similarity, dim=-1)
pairwise_distance = _halves(F.pairwise_distance)
cdist_1 = _halves(lambda a, b: torch.cdist(a[:, None], b[:, None], p=1.0), 0, 0)
cdist_2 = _halves(lambda a, b: torch.cdist(a[:, None], b[:, None]), 0, 0)
cdist_3 = _halves(lambda a, b: torch.cdist(a[:, None], b[:, None], p=3.0), 0, 0)


def batch_norm_evaluated(x: Tensor) -> Tensor:
    """With the running mean 1/2 and variance 4."""
    return F.batch_norm(x[:, None], x.new_tensor([0.5]), x.new_tensor([4.0]), eps=0.25)[:, 0]


def softmax_masked(x: Tensor, y: Tensor) -> Tensor:
    """Of x, y and minus infinity."""
    return torch.softmax(torch.stack([x, y, torch.full_like(x, -torch.inf)], -1), -1)[:, 0]


# Reductions
logsumexp = _rows(torch.logsumexp, dim=-1)
softmax = _rows(torch.softmax, 0, dim=-1)
softmin = _rows(F.softmin, 0, dim=-1)
log_softmax = _rows(torch.log_softmax, 0, dim=-1)
logcumsumexp = _rows(torch.logcumsumexp, -1, dim=-1)
prod = _rows(torch.prod, dim=-1)
cumprod = _rows(torch.cumprod, -1, dim=-1)
median = _rows(lambda rows: torch.median(rows, -1).values)
var = _rows(torch.var, dim=-1)
std = _rows(torch.std, dim=-1)
amax = _rows(torch.amax, dim=-1)
vecdot = _halves(torch.linalg.vecdot)
cross = _halves(torch.linalg.cross, 0)


def attention(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """The query x; y and z are the keys, and the values."""
    keys = torch.stack([y, z], -1)[:, :, None]
    return F.scaled_dot_product_attention(x[:, None, None], keys, keys, scale=1.0)[:, 0, 0]


# Matrices
det = _matrix(torch.linalg.det)
slogdet = _matrix(lambda a: torch.linalg.slogdet(a).logabsdet)
inv = _matrix(torch.linalg.inv, 0, 1)
pinv = _matrix(torch.linalg.pinv, 0, 1)
solve = _matrix(lambda a: torch.linalg.solve(a, torch.ones_like(a[..., 0])), 0)
matrix_power_3 = _matrix(lambda a: torch.linalg.matrix_power(a, 3), 0, 0)
matrix_exp = _matrix(torch.linalg.matrix_exp, 0, 0)
matrix_norm = _matrix(torch.linalg.matrix_norm)
nuclear_norm = _matrix(partial(torch.linalg.matrix_norm, ord="nuc"))
svdvals = _matrix(torch.linalg.svdvals, 0)
qr = _matrix(lambda a: torch.linalg.qr(a).R.abs(), 0, 0)
lu_factor = _matrix(lambda a: torch.linalg.lu_factor(a).LU, 1, 1)
cholesky = _symmetric(torch.linalg.cholesky, 1, 1)
eigvalsh = _symmetric(torch.linalg.eigvalsh, 1)
eigenvector = _symmetric(lambda a: torch.linalg.eigh(a).eigenvectors.square(), 0, 1)
logdet = _symmetric(torch.logdet)

# Complex numbers
complex_abs = _complex(torch.abs)
complex_angle = _complex(torch.angle)
complex_exp = _complex(torch.exp)
complex_log = _complex(torch.log)
complex_sqrt = _complex(torch.sqrt)
complex_square = _complex(torch.square, torch.imag)
complex_sgn = _complex(torch.sgn)
complex_tanh = _complex(torch.tanh)


def polar(r: Tensor, angle: Tensor) -> Tensor:
    """The real part."""
    return torch.polar(r, angle).real


# Losses
mse_loss = _loss(F.mse_loss)
l1_loss = _loss(F.l1_loss)
smooth_l1_loss = _loss(F.smooth_l1_loss)
huber_loss = _loss(F.huber_loss)
soft_margin_loss = _loss(F.soft_margin_loss)
hinge_embedding_loss = _loss(F.hinge_embedding_loss)
binary_cross_entropy = _loss(F.binary_cross_entropy)
binary_cross_entropy_with_logits = _loss(F.binary_cross_entropy_with_logits)
logits_of_class_0 = _by(binary_cross_entropy_with_logits, 0.0)
logits_of_class_1 = _by(binary_cross_entropy_with_logits, 1.0)
binary_cross_entropy_with_logits_weighted = _loss(F.binary_cross_entropy_with_logits, pos_weight=torch.tensor(2.0))
kl_div = _loss(F.kl_div)
kl_div_log_target = _loss(F.kl_div, log_target=True)
poisson_nll_loss = _loss(F.poisson_nll_loss)
poisson_nll_loss_full = _loss(F.poisson_nll_loss, full=True)
poisson_nll_loss_of_rate = _loss(F.poisson_nll_loss, log_input=False)
gaussian_nll_loss = _loss(F.gaussian_nll_loss)
cross_entropy = _of_class_0(F.cross_entropy)
cross_entropy_smoothed = _of_class_0(F.cross_entropy, label_smoothing=0.25)
multi_margin_loss = _of_class_0(F.multi_margin_loss)
multilabel_soft_margin_loss = _rows(lambda rows: F.multilabel_soft_margin_loss(rows, rows * 0 + 1, reduction="none"))
cosine_embedding_loss = _halves(lambda a, b: F.cosine_embedding_loss(a, b, a.new_ones(len(a)), reduction="none"))
