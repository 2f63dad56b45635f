"""The parser accepts formulas, refuses everything else with place, cause and cure, and never runs a thing."""

import contextlib
import os
import pickle
from fractions import Fraction

import pytest
import sympy as sp

from derivcheck import Verdict, check
from derivcheck.errors import ExpressionError, RequestError
from derivcheck.expression.branches import Branches
from derivcheck.expression.parsing import parse, symbol
from derivcheck.expression.texts import parse_number
from derivcheck.expression.vocabulary import FUNCTIONS
from derivcheck.symbolic.differentiation import SymbolicPartials

x, y = symbol("x"), symbol("y")

MEANINGS = {
    "-x**2": -(x**2),
    "2**-x": 2 ** (-x),
    "x/y/2": x / (2 * y),
    "x - y - 1 + y": x - 1,
    "0.1*x": x / 10,
    "1e-3 + x": x + sp.Rational(1, 1000),
    "1/3*x": x / 3,
    "x**0.5": sp.sqrt(x),
    "log(x, 2)": sp.log(x) / sp.log(2),
    "ln(x)": sp.log(x),
    "cbrt(x)": x ** sp.Rational(1, 3),
    "root(x, 4)": x ** sp.Rational(1, 4),
    "sigmoid(x)": 1 / (1 + sp.exp(-x)),
    "softplus(x)": sp.log(1 + sp.exp(x)),
    "sinc(x)": sp.sin(x) / x,
    "E**x + pi": sp.exp(x) + sp.pi,
    "digamma(x)": sp.polygamma(0, x),
    "Rational(2, 4)*x": x / 2,
    "beta*gamma + zeta": symbol("beta") * symbol("gamma") + symbol("zeta"),
    "beta(x, y)": sp.beta(x, y),
    "+-+x": -x,
    "x**y**2": x ** (y**2),
    "(((x)))": x,
    "sqrt(x**2)": sp.Abs(x),
}


@pytest.mark.parametrize("text", MEANINGS)
def test_an_expression_means_what_mathematics_says(text):
    assert sp.simplify(parse(text).formula - MEANINGS[text]) == 0


def test_names_that_cancel_out_stay_variables():
    assert set(parse("x**2 + 0*y").names) == {"x", "y"}
    assert set(parse("y - y + 1").names) == {"y"}


def test_piecewise_keeps_its_conditions():
    formula = parse("Piecewise((x**2, (x < 1) & ~(y >= 2) | (x == 3)), (0, True))").formula
    assert isinstance(formula, Branches)
    assert formula.free_symbols == {x, y}


PIECEWISE = [
    "Piecewise((x, Piecewise((x, x < 2.5), (y, True)) > 1.7), (3 + y, True))",
    "sqrt(Piecewise((2*x, 1000.5*pi < 0.1), (x, True)))",
    "1/Piecewise((x, pi < 4), (y, True))",
    "x*Piecewise((2, 2 > E), (1, True))**2",
    "x*Piecewise((1, (x < 1) & (x > 1)), (2, ~(1 <= y < 2) | (x == y)), (3, True))",
]


@pytest.mark.parametrize("text", PIECEWISE)
def test_sympy_leaves_a_piecewise_as_it_is_written(text):
    formula = parse(text).formula
    assert formula.has(Branches)
    assert parse(str(formula).replace("Eq(x, y)", "x == y")).formula == formula


def test_a_formula_with_a_piecewise_can_be_sent_to_a_worker():
    formula = parse(PIECEWISE[-1]).formula
    assert pickle.loads(pickle.dumps(formula)) == formula


def test_nested_roots_stay_nested_where_one_exponent_would_be_too_large():
    formula = parse("sqrt(" * 64 + "x" + ")" * 64).formula
    assert max(power.exp.q for power in formula.atoms(sp.Pow)) <= 1000
    assert parse("sqrt(sqrt(x))").formula == symbol("x") ** sp.Rational(1, 4)


def test_parameters_are_numbers_from_the_start():
    assert parse("x**a/a", {"a": Fraction(2)}).formula == symbol("x") ** 2 / 2
    assert set(parse("x**a/a", {"a": Fraction(2)}).names) == {"x", "a"}
    with pytest.raises(ExpressionError, match="division by zero"):
        parse("x/a", {"a": Fraction(0)})
    with pytest.raises(ExpressionError, match="power is too large"):
        parse("x**a", {"a": Fraction(10**9)})


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_of_the_vocabulary_can_be_written(name):
    entry = FUNCTIONS[name]
    args = ["x", "y"][: entry.least]
    if entry.order_at is not None:
        args[entry.order_at] = "2"
    if name == "Rational":
        args = ["1", "2"]
    assert "x" in parse(f"{name}({', '.join(args)}) + x").names


ATTACKS = [
    "__import__('os').system('touch {}')",
    "(lambda: open('{}', 'w'))()",
    "x.__class__.__base__.__subclasses__()",
    "sin(x, evaluate=open('{}', 'w'))",
    "exec(open('{}', 'w'))",
    "f'{{open(chr(65))}}'",
    "x if open('{}', 'w') else x",
    "[open(n, 'w') for n in ('{}',)]",
    "().__class__",
    "sin(*x)",
    "sin(**x)",
    "S('open')",
    "ｏｐｅｎ(x)",
    "x; import os",
    "x #\nimport os",
    "(y := x)",
    "print(x)",
    "getattr(x, x)",
    "globals()",
    "x@y",
    "await x",
    "yield",
    "...",
    "x[0]",
    "`x`",
    "$x",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_code_is_refused_and_leaves_nothing_around(attack, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ExpressionError):
        parse(attack.format("PWNED"))
    assert os.listdir(tmp_path) == []


REFUSALS = {
    "": ("is empty", "Give one"),
    "x+": ("breaks off", "Allowed are"),
    "sin(x": ("never closed", r"Add a \)"),
    "x)": ("closes nothing", "Remove it"),
    "2x": ("operator is missing", r"Write 2\*x"),
    "sin x": ("operator is missing", r"Write sin\(x\)"),
    "(x)(y)": ("operator is missing", "for a product"),
    "x and y": ("word of Python", "Join conditions with &"),
    "x == y": ("comparison is not a number", "inside Piecewise"),
    "x//2": ("does not work on numbers", "floor"),
    "x & y": ("does not work on numbers", "inside Piecewise"),
    "x/0": ("division by zero", "real, finite"),
    "x/(y-y)": ("division by zero", "real, finite"),
    "log(0)*x": ("not a finite real", "logarithms"),
    "sqrt(-1)*x": ("not a finite real", "roots"),
    "log(-2)*x": ("not a finite real", "logarithms"),
    "I*x": ("not a finite real", "Name a variable differently"),
    "nan*x": ("not a finite real", "finite number"),
    "9**9**9**9": ("power is too large", "4096 bits"),
    "x**1000000": ("power is too large", "exponents"),
    "10**10**7*x": ("power is too large", "exponents"),
    "x*1e-100000000": ("out of range", "float64 ends"),
    "gamma(1000)*x": ("so large a number", "within 100"),
    "besselj(x, 2)": ("whole number", "besselj"),
    "polygamma(31, x)": ("whole number", "polygamma"),
    "sin()": ("takes 1 argument, not 0", r"Write sin\(a\)"),
    "atan2(x)": ("takes 2 arguments, not 1", "atan2"),
    "f'(x)": ('"\'" cannot be part', "--order and --partial name derivatives"),
    "∂x": ("U\\+2202", "--order and --partial name derivatives"),
    "½*x": ("U\\+00BD", "Write 1/2"),
    "∫x": ("U\\+222B", "without an integral"),
    "sin(30°)": ("U\\+00B0", "radians"),
    "$x$": (r"'\$' cannot be part", r"without \$"),
    "|x| + 1": ("bar is not an absolute value", r"Write Abs\(x\)"),
    "2|x|": ("bar is not an absolute value", r"Write Abs\(x\)"),
    "f(x) = x**2": ("equation is not an expression", r"right-hand side alone: x\*\*2"),
    "y = ": ("equation is not an expression", "differentiated alone"),
    "x! + 1": ("no factorial", r"gamma\(x \+ 1\)"),
    "1,5*x": ("comma separates only", r"Write 1\.5"),
    "x, y": ("comma separates only", "one expression"),
    "sin**2(x)": ("operator is missing", r"Write sin\(...\)\*\*2"),
    "lambda*x": ("'lambda' is a word of Python", "lamda"),
    "in*x": ("'in' is a word of Python", "another name"),
    "sinn(x)": ("no function sinn", "Did you mean sin "),
    "Sin(x)": ("no function Sin", r"Did you mean sin\? "),
    "arctan(x)": ("no function arctan", r"Did you mean atan\?"),
    "Arcsinh(x)": ("no function Arcsinh", r"Did you mean asinh\?"),
    "relu(x)": ("no function relu", r"Write Max\(x, 0\)\."),
    "np.sin(x)": ("functions have no module", r"Write sin\(...\)\."),
    "torch.special.expit(x)": ("functions have no module", r"Did you mean sigmoid\?"),
    "math.pi*x": ("name has no parts", r"Write pi\."),
    "np.e**x": ("name has no parts", r"Write E\."),
    "pi(x)": ("no function pi", r"pi is a number: write pi\*\(...\)"),
    "f(x)": ("no function f", "--list-functions"),
    "sin": ("no arguments here", r"Write sin\(...\)"),
    "True*x": ("not a real number", "Allowed"),
    "x.diff(x)": ("cannot be called", "product"),
    "Piecewise((x, x < 1))": ("no value for the remaining", "True"),
    "atan2(erfinv(cosh(3)), x)": ("sympy cannot evaluate", "check divisions by 0"),
    "((x**1000)**1000)**10000": ("power is too large", "Keep exponents"),
    "(((x**1000)**1000)**1000)**1000": ("nested powers make too large", "Keep exponents"),
    "Piecewise(x)": ("takes pairs", "condition"),
    "Piecewise((x, y), (0, True))": ("not a condition", "Compare"),
    "0x10*x": ("operator is missing", "decimal"),
    "x" + "+x" * 6000: ("characters", "Shorten"),
    "(" * 101 + "x" + ")" * 101: ("nested deeper", "Simplify"),
    "-" * 30 + "x": ("signs in a row", "Keep one"),
    "x*" + "cbrt(" * 90 + "10" + ")" * 90: ("nested too deeply", "Keep exponents"),
    "logit(" * 40 + "x" + ")" * 40: ("more than 20000 symbols", "less deeply"),  # 2**40 leaves
}


@pytest.mark.parametrize("text", REFUSALS, ids=lambda t: t[:20] or "empty")
def test_a_refusal_names_the_cause_and_the_cure(text):
    cause, cure = REFUSALS[text]
    with pytest.raises(ExpressionError, match=f"(?s){cause}.*\\^.*{cure}"):
        parse(text)


def test_a_refusal_shows_the_place():
    with pytest.raises(ExpressionError) as caught:
        parse("x1 + sin(x2) @ 2")
    lines = str(caught.value).splitlines()
    assert lines[1] == "  x1 + sin(x2) @ 2"
    assert lines[2] == "               ^"


def test_a_long_expression_is_shown_around_the_place_only():
    with pytest.raises(ExpressionError) as caught:
        parse("x+" * 1000 + "$" + "+x" * 1000)
    assert max(map(len, str(caught.value).splitlines())) < 110


@pytest.mark.parametrize(
    "text",
    ["+".join(["x"] * 4000), "*".join(["x"] * 900), "sin(" * 99 + "x" + ")" * 99, "**".join("x" * 3000), "(x+y)**999"],
    ids=["sum", "product", "nesting", "tower", "power"],
)
def test_large_input_is_parsed_or_refused(text):
    with contextlib.suppress(ExpressionError):
        assert parse(text).names


@pytest.mark.parametrize("count", [50, 100, 150, 300, 3000])
@pytest.mark.parametrize(
    "make",
    [
        lambda n: "**".join(["x", "y"] * n),
        lambda n: "%".join("x" * n),
        lambda n: "exp(-" * n + "x" + "*y)" * n,
        lambda n: "Piecewise((y, x < " * n + "x" + "), (x, True))" * n,
        lambda n: f"Piecewise((x, {' & '.join(['(x < 1)'] * n)}), (y, True))",
    ],
    ids=["tower", "mod", "exp", "piecewise", "and"],
)
def test_what_is_parsed_is_not_too_deep_for_the_stages_after_the_parser(make, count):
    try:
        formula = parse(make(count)).formula
    except ExpressionError:
        return
    SymbolicPartials(formula, ["x", "y"])
    assert str(formula)


def test_constants_that_would_take_forever_to_decide_are_refused_or_left_alone():
    assert parse("floor(exp(9))*x").formula.has(sp.floor)
    assert parse("Max(exp(9), 3)*x").formula.has(sp.Max)
    for text in ("floor(exp(exp(20)))*x", "0*sin(exp(exp(20)))*x", "exp(exp(exp(exp(3))))"):
        with pytest.raises(ExpressionError, match="of a constant beyond a million"):
            parse(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", Fraction(1, 10)),
        ("-1/3", Fraction(-1, 3)),
        ("1e-3", Fraction(1, 1000)),
        ("0x1.8p-1", Fraction(3, 4)),
        ("0x1.0e8p-8", Fraction(0x10E8, 2**20)),
    ],
)
def test_numbers_mean_their_exact_value(text, value):
    assert parse_number(text) == value


@pytest.mark.parametrize("text", ["", "nan", "inf", "1/0", "x", "1e999999999", "0x1p99999"])
def test_what_is_no_finite_number_is_refused(text):
    with pytest.raises(RequestError, match="is not a finite number"):
        parse_number(text)


ODD = [
    "Piecewise((x,Piecewise((x,x<2.5),(y,True))>1.7),(3+y,True))",
    "sqrt(Piecewise((2*x,1000.5<0.1),(x,True)))",
    "1/Piecewise((x,1<2),(y,True))",
    "Piecewise((2,2>1),(1,True))**2 + x",
    "Piecewise((x, pi<3), (2*x, E>2), (3*x, True))",
    "sqrt(" * 64 + "x" + ")" * 64,
    "Piecewise((x, x==x), (0, True))",
]


@pytest.mark.parametrize("text", ODD)
def test_constant_conditions_conditions_in_conditions_and_deep_roots_have_a_verdict(text):
    assert check(text, points=100, domain=(0.5, 3), timing=False).verdict is Verdict.AGREES


@pytest.mark.parametrize("text", ["atan2(erfinv(cosh(3)), x)", "sinc(erfinv(2))*x"])
def test_a_constant_that_sympy_cannot_evaluate_is_refused_at_its_place(text):
    with pytest.raises(ExpressionError, match="sympy cannot evaluate this"):
        parse(text)


def test_a_branch_that_never_holds_is_left_out():
    assert parse("Piecewise((x, 2 < 1), (x**2, 1 < 2), (x**3, True))").formula == parse("x**2").formula


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("1e-320**besselk(4, 1e-400)", "this power is too large"),
        ("x**besselk(4, 1e-400)", "this power is too large"),
        ("frac(" * 30 + "0.5" + ")" * 30, "this has more than 300 symbols"),
    ],
)
def test_a_constant_that_sympy_would_never_finish_is_refused(text, cause):
    with pytest.raises(ExpressionError, match=cause):
        parse(text)


def test_constants_of_functions_are_read():
    for text in (
        "exp(-pi**2/2)/sqrt(2*pi)*x",
        "x**sqrt(2)",
        "2**pi*x",
        "+".join(f"x*sin({k}/7)" for k in range(1, 90)),
    ):
        assert parse(text).formula.free_symbols
