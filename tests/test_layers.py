"""The reading order is the dependency order: a module imports only from the lines above its own."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "derivcheck"
ORDER = """
    version errors multi_index ulp numerals
    scanning vocabulary bounds parsing loading problem request outcomes results record
    texts suite_values suite_keys toml_lines mistakes suite_file suite_entries suite_matrix suite selection
    dag translation differentiation torch_heads lowering arb_heads balls kinks exact operations noise progress
    sampling corners chunks timing referee comparison diagnosis engines engines.reverse engines.symbolic
    engines.forward engines.forward_over_reverse engines.compiled
    series taylor taylor_special signatures jet_tensor jet_arithmetic compositions reductions jets engines.jet
    suggestion survey evidence excuses verdict rows devices
    single pool journal running checking suite_run
    reports reports.characters reports.wording reports.urgency reports.weight reports.columns reports.gfm
    reports.engines reports.summary
    reports.json reports.table reports.junit reports.markdown reports.github reports.failure
    bar live delivery cli_suite options cli pytest_plugin __init__ __main__
    suites suites.torch_functions
""".split()
# report.to_dict(), print(report), and what a torch function is of a Jet
UPWARDS = {("results", "record"), ("results", "reports.table"), ("jet_tensor", "jets")}
LOADED_BY_NAME = {("engines", "engines.reverse")}


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def imported(path: Path) -> set[str]:
    """Modules of the package that a file imports anywhere, for types and inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("derivcheck"):
            parent = node.module.removeprefix("derivcheck").removeprefix(".")
            for alias in node.names:
                inner = f"{parent}.{alias.name}".lstrip(".")
                found.add(inner if inner in ORDER else parent or "__init__")
    return found


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_a_module_imports_only_from_those_above_it(path):
    name = module_name(path)
    below = {other for other in imported(path) if ORDER.index(other) >= ORDER.index(name)}
    assert not {other for other in below if (name, other) not in UPWARDS}


def test_every_module_has_its_place_in_the_order():
    assert {module_name(path) for path in FILES} == set(ORDER)


def test_sizes_stay_readable():
    for path in FILES:
        text = path.read_text()
        assert len(text.splitlines()) <= 260, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                documented = ast.get_docstring(node) is not None and len(node.body) > 1
                assert node.end_lineno - node.body[documented].lineno < 40, (path, node.name)


def test_nothing_is_evaluated_or_executed():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec", "compile", "lambdify", "sympify", "parse_expr"), path
