import math

import pytest
import torch

from derivcheck import check
from derivcheck.choices import DTYPES, require_known
from derivcheck.errors import RequestError
from derivcheck.problem import create


def test_variables_come_in_natural_order():
    assert create("x10 + x2 + a").variables == ("a", "x2", "x10")
    assert create("x10 + x2", variables=["x10", "x2"]).variables == ("x10", "x2")


def test_wrt_chooses_what_is_differentiated_by():
    assert create("x*y", wrt=["y"], order=2).partials == ((0, 0), (0, 1), (0, 2))


def test_single_partials_replace_the_order():
    assert create("x*y", partials=["y,x,y", "x"]).partials == ((1, 0), (1, 2))


def test_parameters_are_numbers_in_the_formula():
    made = create("a*x", params={"a": "2.5"})
    assert made.variables == ("x",)
    assert made.formula == create("5*x/2").formula


def test_domains_are_read_for_all_and_for_one():
    assert create("x*y", domain=["-1:1", "y=0x1p-1:1/2"]).domain == ((-1.0, 1.0), (0.5, 0.5))
    assert create("x*y", domain={"x": (2, 3)}).domain == ((2.0, 3.0), (0.0, 1.0))
    assert create("x*y", domain=(2, 3)).domain == ((2.0, 3.0), (2.0, 3.0))


def test_the_ends_of_a_domain_are_constants_and_one_number_fixes_a_variable():
    assert create("x*y", domain=["-pi:2*pi", "y=sqrt(2)"]).domain == ((-math.pi, 2 * math.pi), (math.sqrt(2),) * 2)
    assert create("x*y", domain={"x": 2, "y": (0, "pi")}).domain == ((2.0, 2.0), (0.0, math.pi))


def test_a_parameter_may_be_a_constant_and_is_exact():
    made = create("sin(w*x)", params={"w": "pi/2"})
    assert made.formula == create("sin(pi*x/2)").formula
    assert made.params == (("w", "pi/2"),)


def test_variables_side_by_side_are_a_partial():
    assert create("x*y", partials=["xx", "yxy", "y x"]).partials == ((2, 0), (1, 1), (1, 2))
    assert create("x1*x2", partials=["x1x2", "x2x1x1"]).partials == ((1, 1), (2, 1))
    assert create("x1*x11", partials=["x11x1"]).partials == ((1, 1),)
    with pytest.raises(RequestError, match="'aaa' can be read in two ways"):
        create("a*aa", partials=["aaa"])


def test_names_are_read_as_in_the_expression():
    made = create("ω*x₁", params={"ω": "√2"}, domain={"x₁": (0, "π")}, partials=["x₁x₁"], wrt=["x₁"], variables=["x₁"])
    assert (made.expression, made.variables, made.params) == ("omega*x1", ("x1",), (("omega", "sqrt(2)"),))
    assert made.domain == ((0.0, math.pi),)


MISTAKES = [
    ({"wrt": ["z"]}, r"--wrt z: the expression has no such variable\nIts variables are x, y"),
    ({"wrt": ["E"]}, "E is a constant"),
    ({"variables": ["x"]}, r"--vars lacks y\nGive all variables in order"),
    ({"variables": ["x", "y", "y"]}, "not a list of distinct names"),
    ({"params": {"q": 1}}, "--param q: the expression has no such name"),
    ({"params": {"x": "one"}}, "--param x: 'one' is not a number: there is no constant one\nWrite it like .*pi/2"),
    ({"params": {"x": "pi/0"}}, "--param x: 'pi/0' is not a number: division by zero"),
    ({"params": {"x": ""}}, "--param x: there is no number"),
    ({"wrt": ["\u0445"]}, "U\\+0445 CYRILLIC SMALL LETTER HA cannot be part of a name"),
    ({"partials": ["xz"]}, "--partial xz: 'xz' is not a variable\nThe variables are x, y; separate them by commas"),
    ({"domain": "1:0"}, r"--domain 1:0 is reversed\nWrite --domain 0:1"),
    ({"domain": "1"}, "not two ends"),
    ({"domain": "0:x"}, "--domain 0:x: 'x' is not a number: there is no constant x"),
    ({"domain": "0:sqrt(-1)"}, "--domain 0:sqrt\\(-1\\): 'sqrt\\(-1\\)' is not a number: this is not a finite real"),
    ({"domain": "0:erfinv(2)"}, "'erfinv\\(2\\)' is not a"),
    ({"domain": "0:exp(800)"}, "an end is beyond float64"),
    ({"domain": "z=0:1"}, "there is no variable z"),
    ({"domain": "0:1e400"}, "an end is beyond float64"),
    ({"order": -1}, "cannot be negative"),
    ({"order": 10**6}, "the most is 5000"),
    ({"order": 10**4000}, "means billions of partials"),
    ({"points": 0}, "at least one point"),
    ({"seed": -1}, "--seed -1 is out of range"),
    ({"sampler": "grid"}, "Choose from uniform, floats, sobol"),
    ({"layout": "rows"}, "Choose from columns, matrix"),
    ({"layout": "Matrix"}, "--layout Matrix: unknown\nDid you mean matrix?"),
    ({"timeout": -1.0}, "--timeout -1.0: not a positive number"),
]


@pytest.mark.parametrize(("options", "message"), MISTAKES, ids=[str(options) for options, _ in MISTAKES])
def test_a_wrong_request_names_the_cure(options, message):
    with pytest.raises(RequestError, match=f"(?s){message}"):
        create("x*y", **options)


OTHER_NAMES = {
    ("dtype", "bf16"): "bfloat16",
    ("dtype", "fp16"): "float16",
    ("dtype", "half"): "float16",
    ("dtype", "fp32"): "float32",
    ("dtype", "double"): "float64",
    ("dtype", "float"): "float64 or float32",
    ("dtype", "torch.float32"): "float32",
    ("device", "gpu"): "cuda",
    ("device", "CPU"): "cpu",
}


@pytest.mark.parametrize(("option", "word"), OTHER_NAMES)
def test_what_other_libraries_call_a_dtype_or_a_device_is_recognised(option, word):
    with pytest.raises(RequestError, match=f"--{option} {word}: unknown\nDid you mean {OTHER_NAMES[option, word]}\\?"):
        require_known(**{option: [word]})


def test_an_option_that_check_does_not_have_is_refused_with_those_it_has():
    with pytest.raises(RequestError, match=r"(?s)no option n\b.*order, .*engines, threads, points, seed"):
        check("x", n=50)
    with pytest.raises(RequestError, match=r"(?s)no option ordr\b.*Did you mean order\?"):
        check("x", ordr=3)


def test_an_expression_without_a_variable_needs_one_to_be_named():
    with pytest.raises(RequestError, match="--vars x"):
        create("1 + 2")
    assert create("1 + 2", variables=["x"]).variables == ("x",)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_domain_is_cut_to_the_range_of_the_dtype(dtype):
    largest = torch.finfo(getattr(torch, dtype)).max
    assert create("x*y", domain={"x": (-1.7e308, 1.7e308), "y": (0, 1)}, dtype=dtype).domain == (
        (max(-1.7e308, -largest), min(1.7e308, largest)),
        (0, 1),
    )


def test_a_domain_beyond_the_range_of_the_dtype_is_refused():
    with pytest.raises(RequestError, match="no number of float16 is in it"):
        create("x", domain=(1e6, 2e6), dtype="float16")
