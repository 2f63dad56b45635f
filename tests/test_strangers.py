"""In a checkout from a stranger, with --no-functions: nothing there is run, and nothing is written but the reports."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HOSTILE = [
    "::stop-commands::x",
    "##[error]x",
    "##vso[task.complete]x",
    "-rf",
    "../../x",
    "$(touch ran)",
    "%0A::error::x",
]
SUITE = "".join(f"[[check]]\nname = '{name}'\nexpression = 'x**2'\npoints = 20\n" for name in HOSTILE)
REPORTS = ["--report", "junit=derivcheck.xml", "--report", "table", "--show", "all"]


@pytest.fixture
def checkout(tmp_path):
    """A checkout with a module of every name that is imported here or belongs to Python, and with links that lead out
    of it. `ran` fills when one of these modules runs."""
    folder, out = tmp_path / "checkout", tmp_path / "outside"
    folder.mkdir()
    (out / "home").mkdir(parents=True)
    (out / "precious").write_text("precious")
    loaded = {name.partition(".")[0] for name in sys.modules} | {"numpy", "triton", "yaml", "dill", "onnx", "pandas"}
    ours = {"conftest", "setup", "sitecustomize", "usercustomize", "derivcheck", "pip", "torch", "flint", "click"}
    for name in loaded | ours | set(sys.stdlib_module_names):
        (folder / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'a').write(__file__ + '\\n')\n")
    (folder / "derivcheck.toml").write_text(SUITE)
    (folder / "derivcheck.xml").symlink_to(out / "precious")
    os.mkfifo(folder / "pipe")
    return folder


SCRIPT = Path(sys.executable).with_name("derivcheck")
MODULE = [sys.executable, "-P", "-m", "derivcheck"]  # as action.yml starts it
COMMAND = [str(SCRIPT)] if SCRIPT.exists() else MODULE


def run(checkout, *arguments, command=COMMAND):
    """The command there, with a home of its own. Fails if a module of the checkout was run."""
    home = {"HOME": str(checkout.parent / "outside" / "home"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, *arguments],
        cwd=checkout,
        env={**os.environ, **home},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    ran = checkout.parent / "ran"
    assert not ran.exists(), ran.read_text()
    return done


def written(folder):
    """Every path below the folder with what is there."""
    return {
        path.relative_to(folder).as_posix(): path.lstat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }


def test_no_foreign_code_runs_and_only_reports_are_written(checkout):
    before, outside = written(checkout), written(checkout.parent / "outside")
    done = run(checkout, "--suite", "derivcheck.toml", "--no-functions", "--jobs", "2", *REPORTS)
    assert done.returncode == 0, done.stderr
    changed = {path for path, when in written(checkout).items() if before.get(path) != when}
    assert changed == {"derivcheck.xml", "derivcheck.xml.jsonl"}
    assert written(checkout.parent / "outside") == outside
    assert f"{len(HOSTILE)} checks: {len(HOSTILE)} passed." in done.stdout
    lines = re.split("[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]", f"{done.stdout}\n{done.stderr}")
    assert not [line for line in lines if line.lstrip().startswith("::") or re.search(r"##\w*\[", line)]


def test_trusted_suites_run_nothing_of_the_folder(checkout):
    options = ["--no-functions", "--select", "sin", "--known-ok", "--report", "json=/dev/null"]
    done = run(checkout, "--suite", "builtin:torch", *options)
    assert (done.returncode, done.stderr) == (0, "")


def test_formulas_run_nothing_of_the_folder(checkout):
    done = run(checkout, "x1**2*sin(x2)", "-n", "50", "--engine", "reverse,jet", command=MODULE)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_module_that_shadows_a_dependency_does_not_run_even_with_python_m(checkout):
    for path in checkout.glob("*.py"):
        if path.stem not in ("typer", "rich", "sympy", "torch", "click", "flint", "numpy"):
            path.unlink()
    done = run(checkout, "--version", command=[sys.executable, "-m", "derivcheck"])
    assert (done.returncode, done.stderr) == (0, "")
    assert run(checkout, "x", "--show", "no", command=[sys.executable, "-m", "derivcheck"]).returncode == 2


@pytest.mark.parametrize("link", [".derivcheck", ".derivcheck/last-run.jsonl", "r.jsonl"])
@pytest.mark.parametrize("option", ["--jobs=2", "--resume"])
def test_where_results_are_kept_a_link_is_refused(checkout, link, option):
    if "/" in link:
        (checkout / ".derivcheck").mkdir()
    (checkout / link).symlink_to(checkout.parent / "outside" / ("home" if link == ".derivcheck" else "precious"))
    outside = written(checkout.parent / "outside")
    reports = ["--report", "json=r"] if link == "r.jsonl" else []
    done = run(checkout, "--suite", "derivcheck.toml", "--no-functions", option, *reports)
    assert done.returncode == 2
    said = f"derivcheck: {link}: a link or a device, where derivcheck keeps the results of a run\n"
    assert done.stderr.startswith(said)
    assert written(checkout.parent / "outside") == outside
    assert not reports or json.loads((checkout / "r").read_text())["exit_status"] == 2


def test_a_function_of_a_stranger_is_refused_before_its_file_is_looked_at(checkout):
    (checkout / "derivcheck.toml").write_text('[[check]]\nexpression = "x"\nfunction = "kernels.py:f"\n')
    done = run(checkout, "--suite", "derivcheck.toml", "--no-functions")
    assert done.returncode == 2
    assert "would be imported and run" in done.stderr
