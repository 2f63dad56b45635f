"""A suite file as the checks that it asks for."""

import os
import subprocess
import sys
from importlib import resources

import pytest

from derivcheck.errors import SuiteError
from derivcheck.suite.loader import Check, load, loads


def one(text, **options):
    """The only check of an entry."""
    (check,) = loads(f"[[check]]\n{text}", "s.toml", **options)
    return check


def names(text):
    return [check.name for check in loads(text, "s.toml")]


def test_an_expression_alone_is_a_check_with_the_defaults_of_the_command_line():
    check = one('expression = "x1**2*sin(x2)"')
    problem = check.problem
    assert (check.name, check.engines, check.source, check.line) == ("x1**2*sin(x2)", ("reverse",), "s.toml", 1)
    assert (check.tags, check.skip, check.xfail, check.known) == ((), "", "", "")
    assert problem.variables == ("x1", "x2")
    assert problem.partials == ((0, 0), (1, 0), (0, 1))
    assert problem.domain == ((0.0, 1.0), (0.0, 1.0))
    assert (problem.points, problem.seed, problem.dtype, problem.device) == (10_000, 0, "float64", "cpu")
    assert (problem.function, problem.function_name, problem.tolerances, problem.timeout) == (None, None, None, None)


FORMS = {
    "variables": {
        ("x", "y"): ["", 'vars = ["x", "y"]', 'vars = "x,y"', 'vars = "x, y"'],
        ("y", "x"): ['vars = ["y", "x"]', 'vars = "y,x"'],
    },
    "partials": {
        ((0, 0), (0, 1)): ['wrt = "y"', 'wrt = ["y"]', 'partial = ["y", ""]'],
        ((0, 0), (1, 0), (0, 1)): ['wrt = "x,y"', 'wrt = ["x", "y"]', "order = 1", "order = [1]"],
        ((1, 1),): ['partial = "x,y"', 'partial = ["x,y"]', 'partial = ["y, x"]'],
        ((0, 0),): ["order = 0", 'partial = ""'],
    },
    "domain": {
        ((0.0, 2.0), (0.0, 2.0)): ['domain = "0:2"', "domain = [0, 2]", "domain = [0.0, 2]", 'domain = ["0:2"]'],
        ((0.0, 1.0), (-1.0, 2.0)): [
            'domain = {y = "-1:2"}',
            "domain = {y = [-1, 2]}",
            'domain = ["y=-1:2"]',
            'domain = "y=-1:2"',
            "domain.y = [-1, 2]",
            "[check.domain]\ny = [-1, 2]",
        ],
        ((0.5, 0.5), (-1.0, 2.0)): ['domain = {x = "1/2:0x1p-1", y = [-1, 2]}', 'domain = ["-1:2", "x=0.5:0.5"]'],
    },
}
CASES = [(field, value, text) for field, forms in FORMS.items() for value, texts in forms.items() for text in texts]


@pytest.mark.parametrize(("field", "value", "text"), CASES, ids=[text or "nothing" for *_, text in CASES])
def test_a_value_may_be_written_in_each_natural_way(field, value, text):
    assert getattr(one(f'expression = "x*y"\n{text}').problem, field) == value


@pytest.mark.parametrize("text", ["param = {a = 2.5}", 'param = {a = "5/2"}', 'param = ["a=2.5"]', "param.a = 2.5"])
def test_parameters_are_numbers_of_the_formula(text):
    problem = one(f'expression = "a*x"\n{text}').problem
    assert problem.variables == ("x",)
    assert problem.formula == one('expression = "5*x/2"').problem.formula


def test_every_other_option_reaches_the_problem():
    problem = one(
        """
        expression = "x"
        function = "torch:sin"
        layout = "matrix"
        points = 7
        seed = 3
        sampler = "sobol"
        corners = false
        strict = true
        max-lost-bits = 20
        rtol = 1e-3
        atol = 0
        timeout = 10
        """
    ).problem
    assert (problem.function, problem.function_name, problem.layout) == (None, "torch:sin", "matrix")
    assert (problem.points, problem.seed, problem.sampler, problem.corners) == (7, 3, "sobol", False)
    assert (problem.strict, problem.max_lost_bits, problem.tolerances, problem.timeout) == (True, 20, (1e-3, 0), 10)


def test_what_only_a_suite_says_stands_beside_the_problem():
    check = one(
        'expression = "x"\nname = "me"\ntags = ["a", "b"]\nskip = """\n too\n slow"""\nknown = "https://e.org/1"'
    )
    assert (check.name, check.tags, check.skip, check.known) == ("me", ("a", "b"), "too slow", "https://e.org/1")
    assert one('expression = "x"\nxfail = "wrong"').xfail == "wrong"


def test_a_check_overrides_the_defaults_and_adds_to_their_tags():
    first, second = loads(
        """
        [defaults]
        order = 2
        domain = {x = [1, 2], y = [3, 4]}
        param = {a = 2}
        tags = ["all", "new"]
        seed = 5
        [[check]]
        expression = "a*x*y"
        [[check]]
        expression = "b*x*y"
        order = 1
        domain = {x = [5, 6]}
        param = {b = 3}
        tags = ["new", "slow"]
        """,
        "s.toml",
    )
    assert (first.problem.order, first.problem.domain, first.tags) == (2, ((1, 2), (3, 4)), ("all", "new"))
    assert (second.problem.order, second.problem.domain, second.tags) == (1, ((5, 6), (0, 1)), ("all", "new", "slow"))
    assert (second.problem.params, second.problem.seed) == ((("b", "3"),), 5)


def test_order_and_partial_replace_each_other_as_defaults():
    text = '[defaults]\n{}\n[[check]]\nexpression = "x*y"\n{}'
    (by_order,) = loads(text.format('partial = "x,y"', "order = 1"), "s.toml")
    (by_partial,) = loads(text.format("order = [1, 2]", 'partial = "x,y"'), "s.toml")
    assert by_order.problem.partials == ((0, 0), (1, 0), (0, 1))
    assert by_partial.problem.partials == ((1, 1),)
    assert by_partial.name == "x*y"


def test_lists_of_dtype_device_and_order_are_a_matrix_of_checks():
    checks = loads(
        '[[check]]\nname = "softplus"\nexpression = "log(1+exp(x))"\ndtype = ["float64", "float32"]\n'
        'device = ["cpu", "cuda"]\norder = [1, 2]\nengine = ["reverse", "symbolic"]',
        "s.toml",
    )
    found = {c.name: (c.problem.dtype, c.problem.device, c.problem.order) for c in checks}
    assert len(found) == len(checks) == 8
    assert found["softplus[float64-cpu-order2]"] == ("float64", "cpu", 2)
    assert found["softplus[float32-cuda-order1]"] == ("float32", "cuda", 1)
    assert {check.engines for check in checks} == {("reverse", "symbolic")}
    assert {check.line for check in checks} == {1}


NAMES = [
    ('dtype = ["float64", "float32"]', ["x[float64]", "x[float32]"]),
    ('dtype = "float64,float32"', ["x[float64]", "x[float32]"]),
    ('dtype = ["float32"]\norder = 3', ["x"]),
    ('device = ["cpu", "cuda:1"]', ["x[cpu]", "x[cuda:1]"]),
    ("order = [0, 2]", ["x[order0]", "x[order2]"]),
    (
        'order = [0, 2]\ndtype = ["float64", "float16"]',
        [f"x[{d}-order{k}]" for d in ("float64", "float16") for k in (0, 2)],
    ),
    ('engine = ["reverse", "symbolic"]', ["x"]),
    ('function = "torch:sin"', ["torch:sin"]),
    ('function = "torch:sin"\nname = "sine  of x"', ["sine of x"]),
]


@pytest.mark.parametrize(("text", "expected"), NAMES, ids=[text for text, _ in NAMES])
def test_a_name_shows_the_axes_that_have_several_values(text, expected):
    assert names(f'[[check]]\nexpression = " x "\n{text}') == expected


def test_checks_that_come_out_with_the_same_name_are_numbered():
    entry = '[[check]]\nexpression = "x"\n'
    assert names(entry * 3) == ["x", "x#2", "x#3"]
    assert names(entry + 'dtype = ["float64", "float32"]\n' + entry) == ["x[float64]", "x[float32]", "x"]
    assert names(entry + '[[check]]\nexpression = "y"\nname = "x"\n' + entry) == ["x#2", "x", "x#3"]
    assert names('[[check]]\nexpression = "y"\nname = "x#2"\n' + entry * 2) == ["x#2", "x", "x#3"]


def test_inline_tables_are_checks_too():
    checks = loads('\ncheck = [\n {expression = "x"},\n {expression = "y", order = 2}\n]\n', "s.toml")
    assert [(check.name, check.line, check.problem.order) for check in checks] == [("x", 2, 1), ("y", 2, 2)]


def test_a_check_has_the_line_of_its_header():
    text = '"$schema" = "https://e.org/s.json"\n\n[[check]] # one\nexpression = "x"\n\n[[ check ]]\nexpression = "y"'
    assert [check.line for check in loads(text, "s.toml")] == [3, 6]


def test_in_pyproject_a_suite_stands_under_its_tool():
    text = '[project]\nname = "p"\n[tool.derivcheck.defaults]\norder = 2\n[[tool.derivcheck.check]]\nexpression = "x"'
    (check,) = loads(text, "some/pyproject.toml")
    assert (check.problem.order, check.source, check.line) == (2, "some/pyproject.toml", 5)


def test_a_file_may_begin_with_a_byte_order_mark_and_end_its_lines_as_windows_does(tmp_path):
    file = tmp_path / "s.toml"
    file.write_bytes(b'\xef\xbb\xbf[[check]]\r\nexpression = "x"\r\n\r\n[[check]]\r\nexpression = "y"\r\n')
    assert [(check.name, check.line) for check in load(file)] == [("x", 1), ("y", 4)]


@pytest.fixture
def kernels(tmp_path, monkeypatch):
    """A suite whose function stands beside it, and would say so if it were imported."""
    folder = tmp_path / "project" / "suites"
    folder.mkdir(parents=True)
    (folder / "kernels.py").write_text(
        "import pathlib\npathlib.Path(__file__).with_name('ran').touch()\ndef f(x): return x\n"
    )
    (folder / "s.toml").write_text('[[check]]\nexpression = "x"\nfunction = "kernels.py:f"\n')
    monkeypatch.chdir(folder.parent)
    return folder


def test_a_file_is_looked_for_beside_the_suite(kernels, monkeypatch):
    assert load("suites/s.toml")[0].problem.function_name == os.path.join("suites", "kernels.py:f")
    assert load(str(kernels / "s.toml"))[0].problem.function_name == f"{kernels}/kernels.py:f"
    monkeypatch.chdir(kernels)
    assert load("s.toml")[0].problem.function_name == "kernels.py:f"
    assert load(str(kernels / "s.toml"))[0].problem.function_name == "kernels.py:f"
    assert load("s.toml")[0].name == "kernels.py:f"


def test_reading_a_suite_imports_and_runs_nothing(kernels):
    code = """
import sys
from derivcheck.suite import selection, loader as suite
(check,) = suite.load("suites/s.toml")
assert check.problem.function is None
print({"torch", "kernels"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("set()\n", "")
    assert not (kernels / "ran").exists()


def test_functions_of_strangers_can_be_refused_all_at_once():
    text = '[[check]]\nexpression = "x"\nfunction = "{}"\n'
    with pytest.raises(SuiteError) as caught:
        loads(
            text.format("os:remove") + '[[check]]\nexpression = "y"\n' + text.format("none.py:f"),
            "s.toml",
            functions=False,
        )
    assert [mistake.split(": ")[0] for mistake in caught.value.mistakes] == ["s.toml:3", "s.toml:8"]
    assert "os:remove would be imported and run. Remove it" in caught.value.mistakes[0]


def test_functions_of_a_suite_that_comes_with_derivcheck_are_its_own(tmp_path, monkeypatch):
    (tmp_path / "suites").mkdir()
    (tmp_path / "own.toml").write_text('[[check]]\nexpression = "sin(x)"\nfunction = "torch:sin"\n')
    monkeypatch.setattr(resources, "files", lambda package: tmp_path)
    (check,) = load("builtin:own", functions=False)
    assert (check.name, check.source, check.line) == ("torch:sin", "builtin:own", 1)
    with pytest.raises(SuiteError, match=r"builtin:\.\./own: there is no such suite. Choose from builtin:own."):
        load("builtin:../own")


def test_a_check_needs_no_suite():
    check = Check("x", one('expression = "x"').problem)
    assert (check.engines, check.source, check.line) == (("reverse",), "", 0)
