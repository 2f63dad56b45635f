"""The folders are the architecture: a room imports only from the rooms listed before its own."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "derivcheck"
LAYERS = """
    errors ulp outcomes choices multi_index expression problem results symbolic taylor tracing engines exact
    sampling judgement pde suite run reports api pytest_plugin cli __init__ __main__ builtin
""".split()
UPWARDS = {("results", "reports")}  # report.to_dict() and print(report), kept on purpose
MOST_NAMES = 26  # in the package's own folder
MOST_LINES, LONGEST_BODY = 260, 40
FILES = sorted(PACKAGE.rglob("*.py"))


def room(module):
    """`derivcheck.exact.balls` is in `exact`, `derivcheck` itself is `__init__`."""
    return [*module.split("."), "__init__"][1]


def room_of(path):
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported(path):
    """The rooms that a file imports anywhere: for types and inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {room(alias.name) for alias in node.names if alias.name.split(".")[0] == "derivcheck"}
        if isinstance(node, ast.ImportFrom) and node.module == "derivcheck":
            names = {alias.name for alias in node.names} - {"__version__"}  # set before anything is imported
            found |= {name if name in LAYERS else "__init__" for name in names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("derivcheck."):
            found.add(room(node.module))
    return found


def upward(name, others):
    return {other for other in others if LAYERS.index(other) > LAYERS.index(name) and (name, other) not in UPWARDS}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_only_from_its_own_room_and_those_before_it(path):
    assert upward(room_of(path), imported(path)) == set()


def test_an_import_from_a_later_room_is_seen_in_every_form(tmp_path):
    file = tmp_path / "symbolic.py"
    lines = (
        "import derivcheck.run.one",
        "def f():",
        " from derivcheck import cli",
        " from derivcheck.exact.balls import X",
    )
    file.write_text("\n".join(lines))
    assert upward("symbolic", imported(file)) == {"run", "cli", "exact"}


def test_every_room_has_its_place():
    assert {room_of(path) for path in FILES} == set(LAYERS)


def test_the_rooms_fit_one_glance():
    assert len([p for p in PACKAGE.iterdir() if p.name != "__pycache__"]) <= MOST_NAMES


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_sizes_stay_readable(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            documented = ast.get_docstring(node) is not None and len(node.body) > 1
            assert node.end_lineno - node.body[documented].lineno < LONGEST_BODY, node.name


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_is_evaluated_or_executed(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("eval", "exec", "compile", "lambdify", "sympify", "parse_expr")
