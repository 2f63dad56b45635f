"""The trace of a torch function is its formula: closed ones, read by the parser, agree with it to 40 digits."""

import pytest
import torch
import torch.nn.functional as F

from tests.tracing.formulas import by_formula, enclosed, gap, points, traced

special = torch.special

FORMULAS = {
    "sin(x)": torch.sin,
    "sqrt(x)": torch.sqrt,
    "x**(-1/2)": torch.rsqrt,
    "1/x": torch.reciprocal,
    "x**3": lambda x: x**3,
    "x**(1/2)": lambda x: x**0.5,
    "2**x": lambda x: 2**x,
    "x**x": lambda x: x**x,
    "1/(1+exp(-x))": torch.sigmoid,
    "x/(1+exp(-x))": F.silu,
    "x*tanh(log(1+exp(x)))": F.mish,
    "log(1+exp(x))": F.softplus,
    "-log(1+exp(-x))": F.logsigmoid,
    "x*(1+erf(x/sqrt(2)))/2": F.gelu,
    "x/2*(1+tanh(sqrt(2/pi)*(x+0.044715*x**3)))": lambda x: F.gelu(x, approximate="tanh"),
    "log(x/(1-x))": torch.logit,
    "x*(x+3)/6": F.hardswish,
    "log(abs(gamma(x)))": torch.lgamma,
    "log(abs(gamma(-x)))": lambda x: torch.lgamma(-x),
    "polygamma(0, x)": torch.digamma,
    "polygamma(2, x)": lambda x: torch.polygamma(2, x),
    "log(pi)/2 + loggamma(x+1) + loggamma(x+1/2)": lambda x: torch.mvlgamma(x + 1, 2),
    "zeta(x+2, 1.5)": lambda x: special.zeta(x + 2, torch.full_like(x, 1.5)),
    "lowergamma(2, x)/gamma(2)": lambda x: special.gammainc(torch.full_like(x, 2.0), x),
    "uppergamma(2, x)/gamma(2)": lambda x: special.gammaincc(torch.full_like(x, 2.0), x),
    "besseli(0, x)": torch.i0,
    "exp(-x)*besseli(1, x)": special.i1e,
    "bessely(0, x)": special.bessel_y0,
    "besselk(1, x)": special.modified_bessel_k1,
    "exp(x)*besselk(0, x)": special.scaled_modified_bessel_k0,
    "exp(x**2)*erfc(x)": special.erfcx,
    "log(erfc(-x/sqrt(2))/2)": special.log_ndtr,
    "sqrt(2)*erfinv(2*x-1)": special.ndtri,
    "-x*log(x)": special.entr,
    "x*log(2)": lambda x: torch.xlogy(x, torch.full_like(x, 2.0)),
    "sin(pi*x)/(pi*x)": torch.sinc,
    "x*pi/180": torch.deg2rad,
    "x*180/pi": torch.rad2deg,
    "log(exp(x)+exp(1))": lambda x: torch.logaddexp(x, torch.ones_like(x)),
    "log2(2**x+2)": lambda x: torch.logaddexp2(x, torch.ones_like(x)),
    "(x+0.25)**2": lambda x: (x + 0.25).square(),
    "x + (2-x)*0.25": lambda x: torch.lerp(x, torch.full_like(x, 2.0), 0.25),
    "1 + x*x/2": lambda x: torch.addcmul(torch.ones_like(x), x, x, value=0.5),
    "1 - 2*x/3": lambda x: torch.addcdiv(torch.ones_like(x), x, torch.full_like(x, 3.0), value=-2),
    "8*x": lambda x: torch.ldexp(x, torch.tensor(3)),
    "sqrt(x**2+4)": lambda x: torch.hypot(x, torch.full_like(x, 2.0)),
    "atan2(x, 2)": lambda x: torch.atan2(x, torch.full_like(x, 2.0)),
}


@pytest.mark.parametrize("text", FORMULAS)
def test_a_traced_function_is_its_formula(text):
    graph, root = traced(FORMULAS[text], 1)
    columns = points(1, 4, seed=2)
    for mine, theirs in zip(enclosed(graph, root, columns), by_formula(text, ["x"], columns), strict=True):
        assert abs(mine - theirs) < abs(theirs) * 1e-40


BRANCHING = {
    "relu": F.relu,
    "relu6": lambda x: F.relu6(5 * x),
    "elu": lambda x: F.elu(x, 1.5),
    "selu": F.selu,
    "celu": lambda x: F.celu(x, 0.5),
    "leaky": F.leaky_relu,
    "prelu": lambda x: F.prelu(x, torch.tensor([0.3], dtype=x.dtype)),
    "rrelu": F.rrelu,
    "hardtanh": lambda x: F.hardtanh(x, -0.5, 0.25),
    "hardsigmoid": lambda x: F.hardsigmoid(4 * x),
    "softshrink": lambda x: F.softshrink(x, 0.5),
    "hardshrink": lambda x: F.hardshrink(x, 0.5),
    "threshold": lambda x: F.threshold(x, 0.25, 7.0),
    "softplus with a threshold": lambda x: F.softplus(x, beta=2, threshold=1),
    "glu": lambda x: F.glu(torch.stack([x, x**2], 1)).squeeze(1),
    "clamp": lambda x: x.clamp(-0.5, 0.25) + x.clamp(min=0) + x.clamp(max=torch.tensor(0.1)),
    "where": lambda x: torch.where(x > 0.25, x.sin(), x.cos()),
    "masks as numbers": lambda x: (x > 0) * x + (x <= 0).to(x.dtype),
    "conditions": lambda x: torch.where(((x > 0) & (x < 0.5)) | ~(x > -0.5), x, x**2),
    "whole numbers of conditions": lambda x: x * (x > 0).long() + (x != 0).sum().to(x.dtype) * 0,
    "rounding": lambda x: torch.floor(7 * x) + torch.ceil(5 * x) + torch.trunc(3 * x) + torch.round(9 * x),
    "rounding to digits": lambda x: torch.round(x, decimals=1) + x.frac(),
    "remainders": lambda x: torch.remainder(5 * x, 1.5) + torch.fmod(5 * x, 1.5),
    "whole quotients": lambda x: (
        torch.div(5 * x, 0.7, rounding_mode="floor") + torch.div(x, 0.1, rounding_mode="trunc")
    ),
    "casts": lambda x: (7 * x).long().to(x.dtype) + x.float().double() * 0,
    "sizes and signs": lambda x: x.abs() + x.sign() + torch.copysign(x, -x) + torch.heaviside(x, x),
    "extremes": lambda x: torch.maximum(x, x**2) + torch.fmin(x, 1 - x),
    "nan_to_num": lambda x: torch.nan_to_num(x) + torch.isfinite(x) - torch.isnan(x).to(x.dtype),
    "xlog1py": lambda x: torch.special.xlog1py(x.clamp(min=0), x.abs()),
}


@pytest.mark.parametrize("name", BRANCHING)
def test_a_function_with_branches_is_traced_with_all_of_them(name):
    assert gap(BRANCHING[name], 1, -0.95, 0.95) < 1e-12


LOSSES = {
    "mse": F.mse_loss,
    "l1": F.l1_loss,
    "huber": F.huber_loss,
    "smooth l1": lambda x, y, **how: F.smooth_l1_loss(x, y, beta=0.3, **how),
    "bce": F.binary_cross_entropy,
    "bce with logits": F.binary_cross_entropy_with_logits,
    "poisson": F.poisson_nll_loss,
    "soft margin": lambda x, y, **how: F.soft_margin_loss(x, y.detach(), **how),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_without_a_reduction_is_one_formula_per_point(name):
    assert gap(lambda x, y: LOSSES[name](x, y, reduction="none"), 2) < 1e-12


def test_a_constant_is_the_float_that_it_is():
    graph, root = traced(lambda x: 0.1 * x, 1)
    columns = torch.ones(1, 1, dtype=torch.float64)
    (value,) = enclosed(graph, root, columns)
    assert value.is_exact()
    assert float(value) == 0.1
    assert value != by_formula("x/10", ["x"], columns)[0]


def test_a_mask_of_infinities_leaves_what_it_masks_out_of_the_formula():
    def masked(x):
        scores = torch.stack([x, x**2], 1).masked_fill(torch.tensor([True, False]), -torch.inf)
        return torch.softmax(scores, 1)[:, 1] * x

    graph, root = traced(masked, 1)
    assert graph.written(root) == 1  # x itself


def test_a_remainder_by_zero_stays_undefined_in_the_formula():
    graph, root = traced(lambda x: (2.5 * x) % x, 1)
    (at_zero,) = enclosed(graph, root, torch.zeros(1, 1, dtype=torch.float64))
    (beside,) = enclosed(graph, root, torch.full((1, 1), 0.5, dtype=torch.float64))
    assert not at_zero.is_finite()
    assert float(beside) == 0.25
