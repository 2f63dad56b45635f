"""The modes of differentiation side by side: each against mpmath or sympy, which know nothing of them."""

import io
import re
from math import factorial

import mpmath
import pytest
import sympy as sp
import torch
from rich.console import Console

import derivcheck
from derivcheck import problem
from derivcheck.engines import registry
from derivcheck.errors import Unsupported
from derivcheck.judgement import noise
from derivcheck.outcomes import Verdict
from derivcheck.reports.table import show_on
from derivcheck.symbolic.torch_heads import TORCH_HEADS
from derivcheck.taylor.series import WIDE
from tests.liars import backward
from tests.oracle import in_sympy

EAGER = [name for name in registry.BUILT_IN if name != "compiled"]  # which takes seconds to compile: tests of its own
POINTS = torch.tensor([[0.3, 0.7, 0.95], [0.2, 0.5, 0.6]], dtype=torch.float64)
EXPRESSIONS = [
    "exp(sin(x*y))*cos(x + y)/(1 + x**2)",
    "x**y + sqrt(x*y) + log(x)/y",
    "tanh(x - y)*erf(x) + atan2(y, x) + hypot(x, y)",
    "sigmoid(3*x)*softplus(y) + erfc(x*y)",
    "Piecewise((x**3*y, x > y), (sin(x + 2*y), True))",
]


def by_sympy(text, alpha, point):
    """∂^α by sympy's own rules, at 30 digits."""
    formula = in_sympy(problem.create(text).formula)
    x, y = sp.Symbol("x", real=True), sp.Symbol("y", real=True)
    derivative = sp.diff(formula, *([x] * alpha[0] + [y] * alpha[1])) if sum(alpha) else formula
    return float(derivative.subs({x: sp.Float(point[0], 30), y: sp.Float(point[1], 30)}).evalf(30))


@pytest.mark.parametrize("name", EAGER)
@pytest.mark.parametrize("text", EXPRESSIONS)
def test_every_engine_has_the_partials_of_sympy(name, text):
    made = problem.create(text, order=3)
    values = registry.engine(name)(made)(POINTS).values
    for i, point in enumerate(POINTS.T.tolist()):
        exact = [by_sympy(text, alpha, point) for alpha in made.partials]
        assert values[i].tolist() == pytest.approx(exact, rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("name", EAGER)
@pytest.mark.parametrize("text", EXPRESSIONS)
def test_the_noise_of_every_engine_can_be_estimated(name, text):
    """Torch's forward mode asserts things of its tensors that a careless perturbation breaks."""
    evaluate = registry.engine(name)(problem.create(text, order=2))
    found = noise.perturbation(lambda points: evaluate(points).values.detach(), POINTS, 16, seed=1)
    assert (found[:, :2].amax(0) > 0).all()
    assert (found < 1e-10).all()


@pytest.mark.parametrize("name", EAGER)
def test_an_infinite_slope_by_one_variable_leaves_the_other_alone(name):
    made = problem.create("3*x + cosh(sqrt(y))", partials=["x", "x,x"])
    values = registry.engine(name)(made)(torch.tensor([[0.5], [0.0]], dtype=torch.float64)).values
    assert values.tolist() == [[3.0, 0.0]]


def test_lost_digits_are_imprecise_by_every_engine():
    """tanh(-20) has lost all digits of its derivatives: 1 - tanh² is 0."""
    report = derivcheck.check("tanh(x/(x + y))", order=2, domain=(-1, 1), engines=EAGER, points=200, timing=False)
    assert {row.verdict for row in report.checks[0].partials} <= {Verdict.AGREES, Verdict.IMPRECISE}


@pytest.mark.parametrize("name", ["forward", "forward-over-reverse"])
def test_zeros_without_storage_do_not_end_the_process(name):
    """The second tangent of x/2 is such a zero, and atanh's rule multiplies it by 1."""
    evaluate = registry.engine(name)(problem.create("atanh(x/2)*y", order=3))
    found = noise.perturbation(lambda points: evaluate(points).values.detach(), POINTS, 4, seed=1)
    assert torch.isfinite(found).all()


NO_SERIES = {"erfi", "lambertw", "heaviside", "zeta"}  # torch lacks the first two; the other two have their own tests
# A head's name in `TORCH_HEADS` -> an expression with it in x, if the name is not enough.
SPELLED = {
    "hypot": "hypot(x, 2)", "atan2": "atan2(x, 2)", "max": "Max(x, 0.5)", "min": "Min(x, 0.5)", "mod": "x % 0.4",
    "pow": "x**2.5", "polygamma": "polygamma(1, x)", "beta": "beta(x, 2)", "acosh": "acosh(1 + x)",
    "asec": "asec(1 + x)", "acsc": "acsc(1 + x)", "acoth": "acoth(1 + x)", "lowergamma": "lowergamma(2, x)",
    "uppergamma": "uppergamma(2, x)", "loggamma": "lgamma(x)",
    **{f"bessel{kind}": f"bessel{kind}(1, x)" for kind in "jyik"},
}  # fmt: skip


@pytest.mark.parametrize("head", sorted(set(TORCH_HEADS) - NO_SERIES))
def test_taylor_mode_knows_every_head(head):
    """Against mpmath.diff of the head in sympy, to order 4; torch's own kernels leave nine digits and more."""
    text = SPELLED.get(head, f"{head}(x)")
    made = problem.create(text, order=4)
    values = registry.engine("jet")(made)(POINTS[:1]).values
    own = {"erfcinv": lambda y: mpmath.erfinv(1 - y), "exp2": lambda y: mpmath.mpf(2) ** y}  # which mpmath lacks
    exact = sp.lambdify(sp.Symbol("x", real=True), made.formula, [own, "mpmath"])
    with mpmath.workdps(20):
        for i, x in enumerate(POINTS[0].tolist()):
            coefficients = mpmath.taylor(exact, mpmath.mpf(x), 4, relative=True)
            wanted = [float(mpmath.re(c) * factorial(k)) for k, c in enumerate(coefficients)]
            assert values[i].tolist() == pytest.approx(wanted, rel=2e-6, abs=1e-7), x


def test_a_jump_has_no_slope_by_jet():
    values = registry.engine("jet")(problem.create("x*Heaviside(x - 0.5)", order=2))(POINTS[:1]).values
    assert values.tolist() == [[0, 0, 0], [0.7, 1, 0], [0.95, 1, 0]]


def test_hurwitz_zeta_by_jet_in_its_second_argument_and_unsupported_in_its_order():
    made = problem.create("zeta(3, x)", order=2)
    values = registry.engine("jet")(made)(POINTS[:1]).values
    exact = [float(c * mpmath.zeta(3 + k, 0.3)) for k, c in enumerate([1, -3, 12])]  # DLMF 25.11.17
    assert values[0].tolist() == pytest.approx(exact, rel=1e-12)
    with pytest.raises(Unsupported, match="zeta in its order"):
        registry.engine("jet")(problem.create("zeta(x)"))(1 + POINTS[:1])


@pytest.mark.parametrize("text", ["lowergamma(x, 2)", "uppergamma(x, 2)"])
def test_the_value_of_an_incomplete_gamma_function_by_jet_whichever_argument_is_a_series(text):
    op = torch.special.gammainc if text.startswith("lower") else torch.special.gammaincc
    values = registry.engine("jet")(problem.create(text, order=0))(1 + POINTS[:1]).values[:, 0]
    x = 1 + POINTS[0]
    assert torch.allclose(values, torch.lgamma(x).exp() * op(x, torch.full_like(x, 2)), rtol=1e-14)


def test_order_twelve_of_two_variables_by_jet():
    """f = exp(x·y) has ∂^(12-k, k) = Σ_j C(k, j)·(12-k)!/(12-k-j)!·x^(k-j)·y^(12-k-j)·e^(xy), by Leibniz."""
    made = problem.create("exp(x*y)", order=12)
    assert len(made.partials) == 91
    values = registry.engine("jet")(made)(POINTS).values
    for i, (x, y) in enumerate(POINTS.T.tolist()):
        for alpha, value in zip(made.partials, values[i].tolist(), strict=True):
            n, k = alpha
            with mpmath.workdps(40):
                terms = (mpmath.binomial(k, j) * mpmath.ff(n, j) * mpmath.mpf(x) ** (k - j) * mpmath.mpf(y) ** (n - j)
                         for j in range(min(k, n) + 1))  # fmt: skip
                exact = mpmath.fsum(terms) * mpmath.exp(mpmath.mpf(x) * mpmath.mpf(y))
            assert value == pytest.approx(float(exact), rel=1e-12)


# Expression -> variables are those in it; order 6 where there are two.
WIDE_CASES = {
    "exp(sin(x*y))*cos(x + y)/(1 + x**2)": 6,
    "x**y + sqrt(x*y) + log(x)/y": 6,
    "tanh(x)**3 + erf(2*x)/x": 6,
    "atan2(y, x)*hypot(x, z) - sigmoid(x*y*z)": 4,
}


@pytest.mark.parametrize("n", [WIDE, 2 * WIDE + 3])
@pytest.mark.parametrize("text", WIDE_CASES)
def test_taylor_mode_at_many_points_has_the_symbolic_partials(text, n):
    """From WIDE points on, series are multiplied pair by pair: nearly every run takes that path."""
    made = problem.create(text, order=WIDE_CASES[text])
    generator = torch.Generator().manual_seed(n)
    points = 0.3 + torch.rand(len(made.variables), n, dtype=torch.float64, generator=generator)
    by_jet, by_symbols = (registry.engine(name)(made)(points).values for name in ("jet", "symbolic"))
    scale = by_symbols.abs().amax(0)
    assert by_jet.shape == (n, len(made.partials))
    assert ((by_jet - by_symbols).abs() <= 1e-11 * scale).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("text", WIDE_CASES)
def test_taylor_mode_at_many_points_keeps_the_dtype_and_its_digits(text, dtype):
    made = problem.create(text, order=2)
    generator = torch.Generator().manual_seed(5)
    points = (0.4 + torch.rand(len(made.variables), WIDE, dtype=torch.float64, generator=generator)).to(dtype)
    evaluate = registry.engine("jet")(made)
    found, few = evaluate(points).values, torch.cat([evaluate(part).values for part in points.split(WIDE // 8, 1)])
    assert found.dtype == few.dtype == dtype
    exact = registry.engine("symbolic")(made)(points.double()).values
    for values in (found, few):
        error = (values.double() - exact).abs() / (1 + exact.abs())
        assert error.median() < 8 * torch.finfo(dtype).eps
        assert error.max() < 500 * torch.finfo(dtype).eps


class Squared(torch.autograd.Function):
    @staticmethod
    def forward(x):
        return x**2

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx, g):
        return 2 * ctx.saved_tensors[0] * g

    @staticmethod
    def jvp(ctx, t):
        return 3 * ctx.saved_tensors[0] * t


def verdicts(report):
    return {(row.engine, row.label): row.verdict for row in report.checks[0].partials}


def test_a_wrong_jvp_is_found_by_forward_mode_alone():
    found = verdicts(derivcheck.check("x**2", function=Squared.apply, engines=["reverse", "forward"], timing=False))
    assert found["reverse", "∂f/∂x"] is Verdict.AGREES
    assert found["forward", "∂f/∂x"] is Verdict.DISAGREES


def test_a_function_without_a_jvp_is_unsupported_by_forward_mode_and_judged_by_reverse():
    sine = backward(torch.sin, torch.cos)
    found = verdicts(derivcheck.check("sin(x)", function=sine, engines=["reverse", "forward"], timing=False))
    assert found["reverse", "∂f/∂x"] is Verdict.AGREES
    assert found["forward", "∂f/∂x"] is Verdict.UNSUPPORTED


def test_all_leaves_out_the_engines_that_cannot_and_says_why():
    report = derivcheck.check("x*besselj(0, y)", engines=["all"], timing=False, points=50)
    check = report.checks[0]
    assert {row.engine for row in check.partials} == {"forward", "symbolic", "jet"}
    assert set(check.unable) == {"reverse", "forward-over-reverse", "compiled"}
    assert check.unable["reverse"] == check.unable["forward-over-reverse"] == "torch.special.bessel_j0 has no backward"
    assert check.unable["compiled"]


@pytest.fixture(scope="module")
def side_by_side():
    return derivcheck.check("x1**2*sin(x2)", order=2, engines=EAGER, points=200)


@pytest.mark.parametrize("width", [80, 200])
def test_engines_are_side_by_side_and_fit_the_width(side_by_side, width):
    out = io.StringIO()
    show_on(Console(file=out, width=width), side_by_side)
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    words = re.sub(r"[\s]+", "", out.getvalue())
    for name in EAGER:
        head, dash, rest = name.partition("-")
        assert head + dash in words
        assert rest in words
    rows = [line for line in lines if line.startswith("∂²f/∂x1² ")]
    assert sum(line.count("agrees") for line in rows) == len(EAGER)
    assert len(rows) == (1 if width == 200 else 2)
    assert re.search(r"Fastest: \S+, [\d.]+ times as fast as \S+", out.getvalue())


def test_many_factors_and_many_sines_are_no_obstacle():
    product = "*".join(f"x{k}" for k in range(299))
    report = derivcheck.check(product, partials=["x0,x1,x298"], points=10, timing=False)
    assert report.verdict is Verdict.AGREES
    sines = "*".join(f"sin({k}*x)" for k in range(1, 40))
    report = derivcheck.check(sines, order=3, points=20, timing=False, domain=(0.4, 0.6))
    assert report.checks[0].partials[-1].verdict in (Verdict.AGREES, Verdict.IMPRECISE)


def compiler():
    try:
        from torch._inductor.cpp_builder import get_cpp_compiler  # noqa: PLC0415 seconds

        return get_cpp_compiler()
    except Exception as error:  # torch raises what it likes
        pytest.skip(f"no C++ compiler: {error}")


@pytest.mark.parametrize("first", [7, 1, 2])  # 2 is also the number of variables
def test_compiled_code_serves_every_number_of_points(first):
    compiler()
    made = problem.create("x**2*sin(y)", order=2)
    evaluate = registry.engine("compiled")(made)
    for n in (first, 7, 1, 2, 64):
        points = torch.rand(2, n, dtype=torch.float64, generator=torch.Generator().manual_seed(n))
        x, y = points
        by_hand = [x**2 * y.sin(), 2 * x * y.sin(), x**2 * y.cos(), 2 * y.sin(), 2 * x * y.cos(), -(x**2) * y.sin()]
        assert torch.allclose(evaluate(points).values, torch.stack(by_hand, 1), rtol=1e-14, atol=0)
