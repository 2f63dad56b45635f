"""What a shell offers to complete."""

import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from derivcheck.cli.command import app

SUITE = """
[defaults]
tags = ["slow"]
[[check]]
name = "silu"
expression = "x/(1+exp(-x))"
tags = ["kernel"]
"""


def completed(line, folder=None):
    """What bash is offered for the last word of a line."""
    words = line.split(" ")
    variables = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1), "_DERIVCHECK_COMPLETE": "complete_bash"}
    result = CliRunner(env=variables).invoke(app, prog_name="derivcheck")
    return result.stdout.split()


OFFERED = {
    "derivcheck --lay": ["--layout"],
    "derivcheck -x1**2 --layout m": ["matrix"],
    "derivcheck x --engine forw": ["forward", "forward-over-reverse"],
    "derivcheck x --engine reverse,j": ["reverse,jet"],
    "derivcheck x --engine a": ["all"],
    "derivcheck x --dtype b": ["bfloat16"],
    "derivcheck x --dtype float64,float": ["float64,float32", "float64,float16"],
    "derivcheck x --device c": ["cpu", "cuda"],
    "derivcheck x --sampler s": ["sobol"],
    "derivcheck x --report g": ["github"],
    "derivcheck x --show a": ["all"],
    "derivcheck --suite s": ["s.toml"],
    "derivcheck --suite b": ["builtin:torch"],
    "derivcheck --suite s.toml --tag ": ["kernel", "slow"],
    "derivcheck --suite s.toml --select si": ["silu"],
    "derivcheck --suite none.toml --tag ": [],
    "derivcheck --suite torn.toml --tag ": [],
}


@pytest.mark.parametrize("line", OFFERED)
def test_values_are_completed(line, tmp_path, monkeypatch):
    (tmp_path / "s.toml").write_text(SUITE)
    (tmp_path / "torn.toml").write_text("[[check")
    monkeypatch.chdir(tmp_path)
    assert completed(line) == OFFERED[line]


def test_the_shell_is_given_a_script_and_completion_does_not_wait_for_torch():
    code = """
import sys
from derivcheck.cli.command import main
try:
    main()
finally:
    print("torch" in sys.modules, file=sys.stderr)
"""
    variables = {"COMP_WORDS": "derivcheck --suite builtin:torch --tag spec", "COMP_CWORD": "4"}
    environment = {**os.environ, **variables, "_DERIVCHECK_COMPLETE": "complete_bash"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60)
    assert (done.stdout.split(), done.stderr.split()) == (["special"], ["False"])


def test_completion_is_installed_for_the_shell(tmp_path):
    environment = {**os.environ, "HOME": str(tmp_path)}
    command = f"{sys.executable} -m derivcheck --show-completion"  # which looks for the shell that it was started by
    done = subprocess.run(["bash", "-c", f"{command}; :"], capture_output=True, text=True, env=environment, timeout=60)
    assert "_DERIVCHECK_COMPLETE=complete_bash" in done.stdout
