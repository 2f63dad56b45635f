"""A user's torch function in Taylor mode, against torch's own nested autograd."""

import pytest
import torch
import torch.nn.functional as F

from derivcheck import problem
from derivcheck.engines import registry
from derivcheck.errors import Unsupported
from derivcheck.taylor.arithmetic import ARITHMETIC
from derivcheck.taylor.compositions import COMPOSITIONS
from derivcheck.taylor.dispatch import ALIASES, name_of
from derivcheck.taylor.elementary import ELEMENTARY
from derivcheck.taylor.reductions import REDUCTIONS
from derivcheck.taylor.rules import BILINEAR, CREATION, LINEAR, OF_THE_VALUE, RULES
from derivcheck.taylor.special import SPECIAL
from tests.liars import SignOfCotangent

ORDER = 3
GENERATOR = torch.Generator().manual_seed(4)
POINTS = 0.2 + 1.5 * torch.rand(2, 40, dtype=torch.float64, generator=GENERATOR)
SIGNED = POINTS - 1.0
NETWORK = torch.nn.Sequential(
    torch.nn.Linear(2, 5), torch.nn.Tanh(), torch.nn.Linear(5, 5), torch.nn.SiLU(), torch.nn.Linear(5, 1)
)
NETWORK.double().requires_grad_(False)
MATRIX = torch.rand(3, 3, dtype=torch.float64, generator=GENERATOR)
ROW = torch.rand(3, dtype=torch.float64, generator=GENERATOR)


def nested(function, points, alpha):
    """∂^α by autograd.grad as often as α asks for; points do not depend on each other."""
    inputs = [x.clone().requires_grad_() for x in points]
    result = function(*inputs) + sum(0 * x for x in inputs)
    for x, times in zip(inputs, alpha, strict=True):
        for _ in range(times):
            (result,) = torch.autograd.grad(
                result, x, torch.ones_like(result), create_graph=True, materialize_grads=True
            )
            result = result + sum(0 * x for x in inputs)
    return result.detach()


def jet(function, points=POINTS, order=ORDER):
    made = problem.create("x*y", order=order, function=function)
    return registry.engine("jet")(made)(points)


def assert_as_autograd(function, points=POINTS, order=ORDER, reference=None):
    found = jet(function, points, order).values
    indices = problem.create("x*y", order=order).partials
    for k, alpha in enumerate(indices):
        torch.testing.assert_close(
            found[:, k], nested(reference or function, points, alpha), rtol=1e-11, atol=1e-11, msg=str(alpha)
        )


def stacked(reduce):
    """reduce: (n, 3) -> (n,)."""
    return lambda x, y: reduce(torch.stack([x * y, x.sin() + y, y * y], 1))


def in_place(x, y):
    z = x * y
    z += x
    z.mul_(y).sin_()
    z[x > 1] = 0.25
    w = torch.empty_like(x).copy_(y.sin())
    return (z.index_put((torch.arange(2),), x[:2])) * (x + 0).fill_(0.75) + y.clone().zero_() + w


def buffer(x, y):
    out = torch.zeros_like(x)
    out[: len(x) // 2] = x[: len(x) // 2].exp()
    out[len(x) // 2 :] = (x * y)[len(x) // 2 :]
    return out


def split(x, y):
    a, b = torch.stack([x, y, x * y, y]).chunk(2)
    return a.sum(0) * b.prod(0)


def hard_swish(x, y):
    z = 3 * x - 3 * y
    return torch.where(z < -3, 0 * z, torch.where(z > 3, z, z * (z + 3) / 6))


def writes_to_a_view(x, y):
    z = x * y
    z[:3].mul_(2)
    return z


def network(x, y):
    return NETWORK(torch.stack([x, y], -1)).squeeze(-1)


def clipped(low, high):
    return lambda x, y: torch.clamp(x * y - 0.5, low, high) * y


def extreme(x, y):
    values, _ = torch.stack([x, y, x * y], 1).max(1)
    return values * y + torch.stack([x, y], 1).min(dim=1).values


USER_FUNCTIONS = {
    "operators": lambda x, y: 2 - x + (3 * y) / (1 + x) - -y / 3,
    "reflected": lambda x, y: 2**x + 1 / y - (1 - x) * 0.1,
    "a constant that float32 rounds": lambda x, y: x + 0.1 - torch.where(y > 1, 0.3, x) + torch.clamp(y, 0.7, 1.1),
    "a constant that is a tensor": lambda x, y: x * torch.tensor(0.1, dtype=torch.float64) + torch.arange(len(y)) * y,
    "methods": lambda x, y: x.mul(y).add(x, alpha=2).sub(y, alpha=3).div(x).pow(2).neg().exp().sigmoid(),
    "named operands": lambda x, y: torch.add(input=x, other=y, alpha=2) * torch.pow(x, exponent=3) + torch.sin(input=y),
    "powers": lambda x, y: (
        x**y + x**2.5 + y**-2 + torch.pow(2.0, x) + x ** torch.tensor(3) + x ** torch.full_like(y, 2)
    ),
    "in place": in_place,
    "a buffer": buffer,
    "indexing": lambda x, y: (
        torch.stack([x, y])[0] * torch.stack([x, y])[..., :][1] + x[torch.arange(len(x))] + y[None][0]
    ),
    "shapes": lambda x, y: (
        torch.cat([x.view(2, -1), y.reshape(2, -1)], 1)[:, : len(x) // 2].flatten().unsqueeze(0).expand(3, -1)[2]
    ),
    "splitting": split,
    "matrices": lambda x, y: (torch.stack([x, y, x * y], 1) @ MATRIX).sin() @ ROW,
    "products of series": lambda x, y: torch.einsum("ni,ni->n", torch.stack([x, y], 1), torch.stack([y.sin(), x], 1)),
    "a matrix on the left": lambda x, y: (
        torch.stack([x, y, x * y]).__rmatmul__(MATRIX)[0] + (MATRIX @ torch.stack([x, y, y]))[1]
    ),
    "incomplete gamma functions": lambda x, y: (
        torch.special.gammainc(torch.full_like(x, 2.5), x) * torch.igammac(0 * y.detach() + 1.5, y)
    ),
    "batches": lambda x, y: torch.bmm(torch.stack([x, y], 1)[:, None], torch.stack([y, x * x], 1)[..., None]).flatten(),
    "a network": network,
    "an affine map": lambda x, y: F.linear(torch.stack([x, y, x * y], 1), MATRIX, ROW).prod(1),
    "branches": lambda x, y: torch.where(x > y, x * y, x - y).masked_fill(x < 0.5, 0.125),
    "relu and friends": lambda x, y: (
        F.relu(x - y) * y + F.leaky_relu(x - 1, 0.2) + F.elu(y - x, 0.7) + F.relu6(4 * x * y)
    ),
    "activations": lambda x, y: (
        F.gelu(x - y) + F.gelu(x, approximate="tanh") * F.silu(y) + F.mish(x - y) + F.selu(x - 1)
    ),
    "soft ones": lambda x, y: F.softplus(x - y, beta=3) + F.softsign(x - y) + F.logsigmoid(x - y) * F.tanhshrink(y),
    "hard ones": lambda x, y: F.hardtanh(x - y, -0.3, 0.7) * y,
    "shrinks": lambda x, y: F.hardshrink(x - y) * y + F.softshrink(x - y, 0.3) * x + F.threshold(x * y, 0.6, 0.2) * x,
    "glu": lambda x, y: F.glu(torch.stack([x, y], 1)).squeeze(1),
    "clamp": clipped(0.0, 0.9),
    "clamp below": clipped(0.1, None),
    "clamp above": clipped(None, 0.6),
    "clamp by tensors": lambda x, y: torch.clamp(x * y, min=torch.full_like(x, 0.4), max=y),
    "extremes": lambda x, y: torch.maximum(x, y) * x + torch.minimum(x * y, y) + torch.fmax(x, y) + x.clamp_min(1) * y,
    "the largest of a row": extreme,
    "absolute values": lambda x, y: (x - y).abs() * torch.abs(x) + abs(y - 1) + x.clamp_max(0.9),
    "a product of rows": lambda x, y: torch.linalg.vecdot(torch.stack([x, y], 1), torch.stack([y, x * x], 1)),
    "hypot and atan2": lambda x, y: torch.hypot(x - 1, y) + torch.atan2(x - 1, y - 1) * x,
    "remainders": lambda x, y: torch.frac(3 * x) * y + torch.remainder(x, 0.7) * y + torch.fmod(y, 0.3) * x + x % 0.5,
    "logarithms of sums": lambda x, y: (
        torch.logaddexp(x, y) * x + torch.logaddexp2(x, y) + stacked(lambda m: m.logsumexp(1))(x, y)
    ),
    "softmax": stacked(lambda m: F.softmax(m, 1)[:, 0] + F.log_softmax(m, 1)[:, 1] + F.softmin(m, 1)[:, 2]),
    "entropies": lambda x, y: (
        torch.xlogy(x, y) + torch.special.xlog1py(x, y) + torch.special.entr(x * y) + torch.xlogy(x, 2.0)
    ),
    "logit": lambda x, y: torch.logit(0.4 * x) + torch.logit(0.6 * y, eps=0.3) * x,
    "lerp and addc": lambda x, y: torch.lerp(x, y, 0.3) + torch.addcmul(x, y, y, value=2) * torch.addcdiv(x, y, x),
    "degrees": lambda x, y: torch.deg2rad(x) * torch.rad2deg(y) + torch.copysign(x, y - 1) * y,
    "norms": stacked(lambda m: m.norm(dim=1) * torch.linalg.vector_norm(m, 3, 1) + torch.linalg.norm(m, dim=1)),
    "other norms": stacked(lambda m: torch.linalg.vector_norm(m, 1, 1) * m.norm(p=float("inf"), dim=1)),
    "normalize": stacked(lambda m: F.normalize(m)[:, 0] + F.cosine_similarity(m, m.flip(1))),
    "moments": stacked(lambda m: m.mean(1) * m.var(1) + m.std(1, unbiased=False) + m.var(1, correction=0)),
    "products": stacked(lambda m: m.prod(1) + m.cumprod(1)[:, 1] + m.cumsum(1)[:, 2]),
    "amax": stacked(lambda m: m.amax(1) * m.amin(1, keepdim=True).squeeze(1)),
    "losses": lambda x, y: (
        F.mse_loss(x, y, reduction="none") * F.huber_loss(x, y, delta=0.4, reduction="none")
        + F.smooth_l1_loss(x, y, beta=0.5, reduction="none")
        + F.l1_loss(x, y, reduction="none") * y
    ),
    "cross entropy": lambda x, y: F.binary_cross_entropy_with_logits(
        x, y, reduction="none", pos_weight=torch.full_like(y, 2)
    ),
    "special functions": lambda x, y: (
        torch.special.erfcx(x) * torch.special.ndtr(y) + torch.special.i1e(x) * torch.sinc(y)
    ),
    "gamma functions": lambda x, y: torch.special.polygamma(2, x) + torch.special.zeta(3.0, y) + torch.lgamma(x * y),
    "float and back": lambda x, y: x.to(torch.float64) * y.double() + torch.zeros_like(x).type_as(y),
    "dropout that is off": lambda x, y: F.dropout(x * y, 0.5, training=False),
    "an unused variable": lambda x, y: x.sin(),
    "a detached variable": lambda x, y: x * y.detach() + x.data,
    "no grad": lambda x, y: x * _without_grad(y),
    "shapes are numbers": lambda x, y: (
        x * x.shape[0] + len(y) * y + x.size(0) if x.dim() == 1 and x.dtype.is_floating_point else x
    ),
    "decisions of Python": lambda x, y: x * y if bool((x > 0).all()) and not torch.isnan(y).any() else x,
}


# What torch itself has wrong derivatives of, written as its documentation has it.
WRONG_IN_TORCH = {
    "hardsigmoid": (
        lambda x, y: F.hardsigmoid(4 * (x - y)) * x,
        lambda x, y: torch.where(x - y < -0.75, 0 * x, torch.where(x - y > 0.75, 1 + 0 * x, (4 * (x - y) + 3) / 6)) * x,
    ),
    "hardswish": (
        lambda x, y: F.hardswish(3 * x - 3 * y),
        hard_swish,
    ),
    "celu": (
        lambda x, y: F.celu(x - y, 0.6),
        lambda x, y: torch.where(x > y, x - y, 0.6 * torch.expm1((x - y) / 0.6)),
    ),
    "layer_norm": (
        stacked(lambda m: F.layer_norm(m, (3,), ROW, ROW)[:, 1]),
        stacked(
            lambda m: (
                (m - m.mean(1, keepdim=True)) / (m.var(1, correction=0, keepdim=True) + 1e-5).sqrt() * ROW + ROW
            )[:, 1]
        ),
    ),
}


@torch.no_grad()
def _without_grad(y):
    return y * 2


@pytest.mark.parametrize("name", USER_FUNCTIONS)
def test_what_a_user_writes_has_the_partials_of_autograd(name):
    assert_as_autograd(USER_FUNCTIONS[name], SIGNED.abs() if name in ("entropies", "logit") else POINTS)


@pytest.mark.parametrize("name", WRONG_IN_TORCH)
@pytest.mark.parametrize("points", [POINTS, SIGNED])
def test_what_torch_has_wrong_is_right(name, points):
    function, reference = WRONG_IN_TORCH[name]
    assert_as_autograd(function, points, reference=reference)


@pytest.mark.parametrize("name", ["relu and friends", "soft ones", "activations", "extremes", "remainders"])
def test_on_both_sides_of_their_kinks(name):
    assert_as_autograd(USER_FUNCTIONS[name], SIGNED)


def test_every_function_has_one_rule():
    """No name is in two of the tables that the one table is made of, where the later would hide the earlier."""
    tables = [OF_THE_VALUE, CREATION, LINEAR, BILINEAR, ELEMENTARY, SPECIAL, COMPOSITIONS, REDUCTIONS, ARITHMETIC]
    assert sum(map(len, tables)) == len(RULES)


def test_every_alias_leads_to_a_rule():
    assert set(ALIASES.values()) <= set(RULES)
    assert not set(ALIASES) & set(RULES)


def test_every_composition_is_used_by_some_function_above():
    """A new rule fails until a function uses it: the names are those that torch dispatches."""
    seen = set()

    class Recorder(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            seen.add(name_of(func))
            return func(*args, **(kwargs or {}))

    with Recorder():
        for function in [*USER_FUNCTIONS.values(), *(function for function, _ in WRONG_IN_TORCH.values())]:
            jet(function)
    in_place = {name[:-1] for name in seen if name.endswith("_")}
    assert {*COMPOSITIONS, *REDUCTIONS, *ARITHMETIC} <= seen | in_place


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", ["activations", "powers", "a buffer", "norms", "soft ones"])
def test_the_dtype_of_the_points_is_kept(name, dtype):
    found = jet(USER_FUNCTIONS[name], POINTS.to(dtype), 2).values
    assert found.dtype == dtype
    exact = jet(USER_FUNCTIONS[name], POINTS.to(dtype).double(), 2).values
    error = (found.double() - exact).abs() / (1 + exact.abs())
    assert error.median() < 8 * torch.finfo(dtype).eps


def test_points_do_not_see_each_other():
    """A sum over the points makes every partial wrong, as it is: the steps differ from point to point."""
    found = jet(lambda x, y: x * y + (x.sum() - x.sum().detach()), order=1).values
    assert not torch.allclose(found[:, 1], POINTS[1])


@torch.library.custom_op("derivcheck_tests::tripled", mutates_args=())
def tripled(x: torch.Tensor) -> torch.Tensor:
    return 3 * x


def scripted(x, y):
    with torch.no_grad():
        pass
    return torch.vmap(lambda a, b: a * b)(x, y)


UNSUPPORTED = {
    "SignOfCotangent is a torch.autograd.Function": lambda x, y: SignOfCotangent.apply(x) * y,
    "fft_fft has no Taylor rule": lambda x, y: torch.fft.fft(x).real * y,
    "derivcheck_tests": lambda x, y: tripled(x) * y,
    "torch.vmap": scripted,
    "dropout in training": lambda x, y: F.dropout(x * y, 0.5),
    "writing in place to a view": writes_to_a_view,
    "the norm nuc": stacked(lambda m: torch.norm(m[:, :, None] * m[:, None], p="nuc", dim=(1, 2))),
    "cumprod with these options": stacked(
        lambda m: torch.softmax(m, 1, out=None).cumprod(1, dtype=torch.float32)[:, 0]
    ),
    "zeta in its order": lambda x, y: torch.special.zeta(x + 2, y),
}


@pytest.mark.filterwarnings("ignore:.*size_average:UserWarning")
@pytest.mark.parametrize("words", UNSUPPORTED)
def test_what_has_no_rule_is_unsupported_by_name(words):
    with pytest.raises(Unsupported) as raised:
        jet(UNSUPPORTED[words])
    assert words in str(raised.value)


def at(function, x, y, order=2):
    values = jet(function, torch.tensor([[x], [y]], dtype=torch.float64), order).values[0].tolist()
    return dict(zip(problem.create("x*y", order=order).partials, values, strict=True))


@pytest.mark.parametrize(
    ("function", "x", "y", "exact"),
    [
        (lambda x, y: torch.sqrt(x) + y, 0.0, 2.0, {(0, 0): 2.0, (0, 1): 1.0, (0, 2): 0.0}),
        (lambda x, y: torch.asin(x) * y, 1.0, 2.0, {(0, 0): 3.141592653589793, (0, 1): 1.5707963267948966}),
        (lambda x, y: x**y, -2.0, 3.0, {(0, 0): -8.0, (1, 0): 12.0, (2, 0): -12.0}),
        (lambda x, y: x**y, 0.0, 3.0, {(0, 0): 0.0, (1, 0): 0.0, (0, 1): 0.0, (2, 0): 0.0}),
        (lambda x, y: torch.xlogy(x, y), 0.0, 2.0, {(0, 0): 0.0, (1, 0): 0.6931471805599453, (1, 1): 0.5, (0, 1): 0.0}),
        (lambda x, y: x / y, 3e-310, 6e-310, {(0, 0): 0.5}),
        (lambda x, y: 1 / (1e-150 * torch.exp(x)) + y, -300.0, 0.0, {(1, 0): -1.942426395241256e280}),
        (lambda x, y: 1 / x.exp() + y.exp().log(), 290.0, 400.0, {(2, 0): 1.1339665610377456e-126, (0, 2): 0.0}),
        (lambda x, y: F.logsigmoid(x) * y, 0.0, 1.0, {(0, 0): -0.6931471805599453, (1, 0): 0.5, (2, 0): -0.25}),
        (lambda x, y: torch.hypot(x, y), 3e200, 4e200, {(0, 0): 5e200, (1, 0): 0.6, (0, 1): 0.8}),
        (lambda x, y: torch.stack([x, y]).norm(dim=0), 3e-200, 4e-200, {(0, 0): 5e-200, (1, 0): 0.6, (0, 1): 0.8}),
        (lambda x, y: torch.special.gammainc(torch.ones_like(x), x) * y, 0.0, 1.0, {(0, 0): 0, (1, 0): 1, (2, 0): -1}),
        (lambda x, y: torch.where(x > 0, torch.sqrt(x), 0 * x) * y, -1.0, 1.0, {(0, 0): 0.0, (1, 0): 0.0, (2, 0): 0.0}),
    ],
)  # fmt: skip
def test_where_one_partial_is_infinite_the_others_are_what_they_are(function, x, y, exact):
    """By hand; 0·∞ in a recurrence must not spoil what exists."""
    found = at(function, x, y)
    assert {alpha: found[alpha] for alpha in exact} == pytest.approx(exact, rel=1e-15)
