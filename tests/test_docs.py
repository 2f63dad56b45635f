"""What the README shows is what the program does."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
CONSOLES = re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL)
EXAMPLES = [match for console in CONSOLES for match in re.findall(r"\$ (derivcheck .*)\n((?:(?!\$ ).*\n)*)", console)]
PYTHON = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)

KERNELS = """
import torch

def silu(x):
    return x * torch.sigmoid(x)

class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 3 * x * x.abs()
"""


def masked(text):
    """Numbers differ between machines; words, rows and their order do not."""
    text = re.sub(r"-?(0x[\da-f.]+p[+-]\d+|\d[\d.]*(e[+-]?\d+)?) ?(ns|µs|ms|s|x)?(?![\w/])", "N", text)
    return [" ".join(line.split()) for line in text.replace("─", "").splitlines() if line.strip("─ ")]


def test_there_are_examples():
    assert len(EXAMPLES) >= 4
    assert len(PYTHON) >= 2


SUITE = re.search(r"```toml\n(\[defaults\].*?)```", README, re.DOTALL)[1]


@pytest.mark.parametrize(("command", "output"), EXAMPLES, ids=[command for command, _ in EXAMPLES])
def test_an_example_prints_what_the_readme_shows(command, output, tmp_path):
    (tmp_path / "mykernels.py").write_text(KERNELS)
    environment = {**os.environ, "COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1"}
    run = [sys.executable, "-m", *shlex.split(command)]
    done = subprocess.run(
        run, cwd=tmp_path, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=120
    )
    assert masked(done.stdout + done.stderr) == masked(output)


@pytest.mark.parametrize("code", PYTHON)
def test_python_in_the_readme_runs(code, tmp_path, monkeypatch):
    (tmp_path / "mykernels.py").write_text(KERNELS)
    (tmp_path / "derivcheck.toml").write_text(SUITE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    names = {}
    exec(compile(code, "README.md", "exec"), names)
    for name, test in list(names.items()):
        if name.startswith("test_"):
            test()


def test_no_path_of_a_machine_is_in_the_repository():
    root = Path(__file__).parent.parent
    for path in [*root.glob("*.*"), *root.glob("src/**/*.py"), root / "Makefile"]:
        if path.is_file():
            assert not re.search(r"/(home|root|work|tmp)/", path.read_text(encoding="utf-8")), path
