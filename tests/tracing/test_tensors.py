"""Operations on whole tensors, against torch's own values at points that were not traced."""

import pytest
import torch
import torch.nn.functional as F

from tests.tracing.formulas import gap, traced


def four(x, y):
    """(n, 4)"""
    return torch.stack([x, y, x * y, x + y], 1)


def square(x, y):
    """(n, 2, 2), positive definite"""
    return torch.stack([x + 2, y, y, y + 3], 1).reshape(-1, 2, 2)


REDUCTIONS = {
    "sum": lambda v: v.sum(1) + v.sum(-1, keepdim=True).squeeze(1),
    "mean": lambda v: v.mean(1),
    "prod": lambda v: v.prod(1),
    "amax": lambda v: v.amax(1) - v.amin(1),
    "max": lambda v: v.max(1).values - v.min(1).values,
    "var": lambda v: v.var(1) + v.std(1, correction=0) + torch.var_mean(v, 1)[0],
    "norms": lambda v: v.norm(dim=1) + v.norm(1, dim=1) + v.norm(3, dim=1) + v.norm(torch.inf, dim=1),
    "logsumexp": lambda v: v.logsumexp(1),
    "softmax": lambda v: F.softmax(v, 1)[:, 0] + F.log_softmax(v, 1)[:, 1],
    "cumsum": lambda v: v.cumsum(1)[:, 2] + v.cumprod(1)[:, 3] + v.logcumsumexp(1)[:, 1] + v.cummax(1).values[:, 2],
    "sort": lambda v: v.sort(1).values[:, 1] + v.sort(1, descending=True).values[:, 0],
    "order": lambda v: v.median(1).values + v.kthvalue(2, 1).values + v.topk(2, 1).values[:, 1],
    "quantile": lambda v: v.quantile(0.3, dim=1),
    "any": lambda v: torch.where((v > 0.5).any(1), v[:, 0], v[:, 1]) + (v > 0.1).all(1),
    "renorm": lambda v: torch.renorm(v, 2, 0, 0.5)[:, 0],
    "layer norm": lambda v: F.layer_norm(v, (4,), torch.arange(4.0).double())[:, 3],
    "rms norm": lambda v: F.rms_norm(v, (4,))[:, 1],
    "group norm": lambda v: F.group_norm(v, 2)[:, 1],
    "batch norm, evaluated": lambda v: F.batch_norm(v, torch.zeros(4).double(), torch.ones(4).double())[:, 1],
    "cdist": lambda v: torch.cdist(v.reshape(-1, 2, 2), v.reshape(-1, 2, 2).flip(1))[:, 0, 0],
    "cross entropy": lambda v: F.cross_entropy(v, torch.ones(len(v), dtype=torch.int64), reduction="none"),
}
PRODUCTS = {
    "matmul": lambda v: (v.reshape(-1, 2, 2) @ v.reshape(-1, 2, 2))[:, 0, 1],
    "einsum": lambda v: torch.einsum("ni,nij,nj->n", v[:, :2], v.reshape(-1, 2, 2), v[:, 2:]),
    "linear": lambda v: F.linear(v, torch.arange(4.0).double().reshape(1, 4), torch.ones(1).double()).squeeze(1),
    "addmm": lambda v: torch.addmm(v[:, :2], v, torch.ones(4, 2).double(), beta=2, alpha=0.5)[:, 1],
    "baddbmm": lambda v: torch.baddbmm(v.reshape(-1, 2, 2), v.reshape(-1, 2, 2), v.reshape(-1, 2, 2))[:, 1, 0],
    "mv": lambda v: v.mv(torch.arange(4.0).double()),
    "bilinear": lambda v: F.bilinear(v[:, :2], v[:, 2:], torch.ones(1, 2, 2).double()).squeeze(1),
    "cross": lambda v: torch.linalg.cross(v[:, :3], v[:, 1:])[:, 2],
    "attention": lambda v: F.scaled_dot_product_attention(*[k * v.reshape(-1, 2, 2) for k in (1.0, 2.0, 3.0)])[:, 0, 1],
    "conv1d": lambda v: F.conv1d(v.unsqueeze(1), torch.tensor([[[1.0, 2, 3]]]).double(), padding=1, stride=2)[:, 0, 1],
    "conv2d": lambda v: F.conv2d(
        v.repeat(1, 4).reshape(-1, 2, 2, 4), torch.arange(8.0).double().reshape(2, 1, 2, 2), groups=2, dilation=(1, 2)
    )[:, 1, 0, 1],
    "transposed conv1d": lambda v: F.conv_transpose1d(
        v.reshape(-1, 2, 2), torch.arange(12.0).double().reshape(2, 2, 3), stride=2, padding=1, output_padding=1
    )[:, 1, 2],
    "pooling": lambda v: F.max_pool2d(v.reshape(-1, 1, 2, 2), 2).flatten() + F.avg_pool1d(v.unsqueeze(1), 2)[:, 0, 1],
    "interpolation": lambda v: F.interpolate(v.reshape(-1, 1, 2, 2), scale_factor=2, mode="bilinear")[:, 0, 1, 1],
    "LSTM cell": lambda v: CELL(v)[0].sum(1),
    "network": lambda v: NETWORK(v).squeeze(1),
}
LINEAR_ALGEBRA = {
    "det": lambda m: torch.linalg.det(m @ m),
    "slogdet": lambda m: torch.linalg.slogdet(m)[1],
    "inv": lambda m: torch.linalg.inv(m)[:, 0, 1],
    "solve": lambda m: torch.linalg.solve(m, m[:, :, 0])[:, 0] + torch.linalg.solve(m, m.mT, left=False)[:, 1, 0],
    "cholesky": lambda m: torch.linalg.cholesky(m)[:, 1, 1] + torch.linalg.cholesky(m, upper=True)[:, 0, 1],
    "triangular": lambda m: torch.linalg.solve_triangular(m, m, upper=True)[:, 0, 0],
    "unit triangular": lambda m: torch.linalg.solve_triangular(m, m, upper=False, left=False, unitriangular=True)[
        :, 1, 0
    ],
}
MOVED = {
    "cat and roll": lambda v: torch.cat([v, v.roll(1, 1), v.flip(1)], 1)[:, [1, 4, 9]].prod(1),
    "pad": lambda v: F.pad(v, (1, 2), value=3.0)[:, [0, 1]].prod(1) + F.pad(v.unsqueeze(1), (2, 0), "reflect")[:, 0, 0],
    "triangles": lambda v: v.reshape(-1, 2, 2).tril()[:, 1].sum(1) + v.reshape(-1, 2, 2).triu()[:, 1].sum(1),
    "index and gather": lambda v: v[:, [2, 0]].prod(1) + v.gather(1, torch.full((len(v), 1), 3)).squeeze(1),
    "take along": lambda v: (
        torch.take_along_dim(v, torch.tensor([[1]]), 1).squeeze(1) + v.index_select(1, ONE).squeeze(1)
    ),
    "index_put": lambda v: v.index_put((torch.arange(len(v)), torch.tensor(1)), v[:, 0] ** 2).prod(1),
    "index_put, added": lambda v: v.clone().index_put_((slice_(v), torch.tensor(1)), v[:, 0], accumulate=True).prod(1),
    "scatter": lambda v: v.scatter(1, torch.full((len(v), 1), 2), v[:, :1] ** 2).prod(1),
    "scatter, added": lambda v: v.scatter_add(1, torch.zeros(len(v), 2, dtype=torch.int64), v[:, 2:]).prod(1),
    "index_add": lambda v: v.index_add(1, torch.tensor([0, 0]), v[:, 2:], alpha=0.5).prod(1),
    "masks": lambda v: v.masked_fill(MASK, 2.0).prod(1) + v.masked_scatter(MASK.expand_as(v), v[:, :2] ** 2).prod(1),
    "masked choice": lambda v: v[:, MASK].prod(1),
    "embedding": lambda v: F.embedding(torch.tensor([1, 1]), v.mT)[0],
    "diagonal": lambda v: torch.diag_embed(v)[:, 2].sum(1) + v.reshape(-1, 2, 2).diagonal(dim1=1, dim2=2).sum(1),
    "unfold": lambda v: v.unfold(1, 3, 1).prod(2).sum(1),
    "as_strided": lambda v: v.contiguous().as_strided((len(v), 2), (4, 2), 1).prod(1),
    "repeat": lambda v: v.repeat(1, 2)[:, 5] + v.repeat_interleave(2, 1)[:, 5] + v.expand(2, *v.shape)[1, :, 0],
    "split": lambda v: v.split(3, 1)[1].squeeze(1) * v.chunk(2, 1)[0][:, 0] + v.unbind(1)[2],
}
COMPLEX = {
    "exp": lambda z, w: torch.exp(z * 1j).real + (z.conj() * w).imag,
    "quotients": lambda z, w: (z / w + 1 / z - w**2).imag,
    "polar": lambda z, w: torch.polar(z.abs(), w.angle()).real + torch.sgn(z).imag,
    "roots": lambda z, w: torch.sqrt(z).imag + torch.log(w).real + (z**w).real,
    "circular": lambda z, w: (torch.sin(z) * torch.cosh(w)).real + (torch.cos(z) - torch.tanh(w)).imag,
    "matrices": lambda z, w: (torch.stack([z, w], 1).unsqueeze(1) @ torch.stack([w, z], 1).unsqueeze(2)).flatten().imag,
    "sums": lambda z, w: torch.stack([z, w], 1).sum(1).imag + torch.cat([z, w])[: len(z)].real,
}
ONE = torch.tensor([1])
MASK = torch.tensor([True, False, True, False])
torch.manual_seed(0)
CELL = torch.nn.LSTMCell(4, 3).double()
NETWORK = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)).double()


def slice_(v):
    return torch.arange(len(v))


@pytest.mark.parametrize("name", [*REDUCTIONS, *PRODUCTS, *MOVED])
def test_a_function_of_vectors_has_the_values_of_torch(name):
    function = {**REDUCTIONS, **PRODUCTS, **MOVED}[name]
    assert gap(lambda x, y: function(four(x, y)), 2) < 1e-12


@pytest.mark.parametrize("name", LINEAR_ALGEBRA)
def test_a_function_of_matrices_has_the_values_of_torch(name):
    assert gap(lambda x, y: LINEAR_ALGEBRA[name](square(x, y)), 2) < 1e-12


@pytest.mark.parametrize("name", COMPLEX)
def test_a_function_of_complex_numbers_has_the_values_of_torch(name):
    assert gap(lambda x, y: COMPLEX[name](torch.complex(x, y), torch.complex(y, x * y)), 2) < 1e-12


def test_the_zeros_that_torch_fills_in_are_the_node_0():
    graph, root = traced(lambda x: F.pad(x.unsqueeze(1), (1, 0))[:, 0], 1)
    assert root == graph.zero == 0


def test_a_determinant_is_right_where_a_pivot_vanishes():
    def antidiagonal(x):
        zero = torch.zeros_like(x)
        return torch.linalg.det(torch.stack([zero, x, x + 1, zero], 1).reshape(-1, 2, 2))

    assert gap(antidiagonal, 1) < 1e-12
