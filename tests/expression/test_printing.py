"""sympy expressions as formulas: the same value as text, and every symbol and function that is refused is named."""

import pytest
import sympy as sp

from derivcheck.errors import RequestError
from derivcheck.expression.parsing import parse
from derivcheck.expression.printing import require_domain, text_of
from tests.expressions import expression

x, y = sp.symbols("x y")
positive, negative, whole = sp.Symbol("p", positive=True), sp.Symbol("m", negative=True), sp.Symbol("n", integer=True)
undefined = sp.Function("sin")

TEXTS = {
    "y**2*sin(x)": sp.sin(x) * y**2,
    "Abs(x)": sp.sqrt(x**2),
    "p": sp.sqrt(positive**2),
    "x": sp.re(x) + sp.im(y),
    "0.1*x": 0.1 * x,
    "0.3333333333333333*x": x * (1.0 / 3.0),
    "1e-20*x": x * sp.Float("1e-20"),
    "0.1234567890123456789012345*x": x * sp.Float("0.1234567890123456789012345"),
    "x/3": x / 3,
    "exp(x) + E + pi": sp.E + sp.pi + sp.exp(x),
    "Max(0, x, y)": sp.Max(x, y, 0),
    "Heaviside(x)": sp.Heaviside(x),
    "polygamma(0, x)": sp.digamma(x),
    "Piecewise((x, (x == y) | ((x > 0) & (y < 1))), (0, True))": sp.Piecewise(
        (x, sp.Eq(x, y) | ((x > 0) & (y < 1))), (0, True)
    ),
    "Piecewise((x, x != 0), (1 - y, True))": sp.Piecewise((x, sp.Ne(x, 0)), (1 - y, True)),
}
REFUSED = {
    "factorial": sp.factorial(x),
    "Derivative": sp.Derivative(sp.sin(x), x),
    "Integral": sp.Integral(x, (x, 0, y)),
    "f, which": sp.Function("f")(x),
    "sin, which": undefined(x),
    "I, which": sp.I * x,
    "oo, which": sp.oo,
    "EulerGamma": sp.EulerGamma * x,
    "symbol pi": sp.Symbol("pi") * x,
    "symbol sin": sp.Symbol("sin") * x,
    r"symbol a\x1b": sp.Symbol("a\x1b"),
    "symbol lambda": sp.Symbol("lambda"),
    "symbols are named x": x + sp.Symbol("x", real=True),
    "z is not a real number": sp.Symbol("z", imaginary=True) * x,
    "A is not a real number": sp.Symbol("A", commutative=False) * x,
    "not Equality": sp.Eq(x, y),
    "not list": [x],
    "not NoneType": None,
    "not MutableDenseMatrix": sp.Matrix([x]),
}


@pytest.mark.parametrize("text", TEXTS)
def test_a_sympy_expression_is_the_text_that_a_person_would_write(text):
    shown = text_of(TEXTS[text])
    assert shown == text
    parse(shown)


@pytest.mark.parametrize("seed", range(150))
def test_what_was_parsed_is_read_back_as_the_same_formula(seed):
    try:
        formula = parse(expression(seed, 4, ["x", "y"])).formula
    except RequestError:
        return
    again = parse(text_of(formula)).formula
    if again != formula:  # sympy may sort or cancel otherwise
        point = {"x": sp.Rational(3, 7), "y": sp.Rational(5, 9)}
        values = [f.subs({s: point[s.name] for s in f.free_symbols}).evalf(30) for f in (formula, again)]
        assert abs(values[0] - values[1]) <= abs(values[0]) * sp.Float("1e-20")


def test_a_text_is_left_as_it_is():
    assert text_of(" sin( x )") == " sin( x )"


@pytest.mark.parametrize("named", REFUSED)
def test_what_no_formula_may_have_is_refused_by_name(named):
    with pytest.raises(RequestError) as caught:
        text_of(REFUSED[named])
    assert named in caught.value.cause
    assert caught.value.cause.isprintable()


@pytest.mark.parametrize(
    ("formula", "domain", "told"),
    [
        (sp.sqrt(positive**2), (-1.0, 1.0), "p is positive, but its domain is -1:1"),
        (sp.log(negative**2), (0.0, 1.0), "m is negative, but its domain is 0:1"),
        (whole**2, (0.0, 1.0), "n is an integer"),
    ],
)
def test_a_domain_must_fit_the_assumptions(formula, domain, told):
    (name,) = (s.name for s in formula.free_symbols)
    with pytest.raises(RequestError, match=told):
        require_domain(formula, (name,), (domain,), {})
    require_domain(formula, (name,), (domain,), {name: "2"})
    require_domain(x**2, ("x",), (domain,), {})


def test_an_end_at_zero_and_a_pinned_integer_fit():
    require_domain(positive, ("p",), ((0.0, 1.0),), {})
    require_domain(negative, ("m",), ((-1.0, 0.0),), {})
    require_domain(whole, ("n",), ((2.0, 2.0),), {})
