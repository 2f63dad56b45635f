"""Running what a document shows, in a copy of `examples/`."""

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import typer
from typer.testing import CliRunner

from derivcheck.cli.command import app
from tests.docs.blocks import ROOT, Block, commands_of

TERMINAL = {"COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1", "GITHUB_STEP_SUMMARY": None}
ONLY_READ = {"pip", "pytest"}  # programs whose commands are shown and not run


@contextlib.contextmanager
def examples(folder: Path) -> Iterator[Path]:
    """Be in a copy of `examples/` in a new folder, with its modules importable and none of another copy imported."""
    shutil.copytree(ROOT / "examples", folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".derivcheck"))
    before, path, modules = Path.cwd(), list(sys.path), {path.stem for path in folder.rglob("*.py")}
    forget(modules)
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    try:
        yield folder
    finally:
        os.chdir(before)
        sys.path[:] = path
        forget(modules)


def forget(modules: set[str]) -> None:
    for name in modules:
        sys.modules.pop(name, None)


def outputs(block: Block) -> list[str]:
    """What each command of the block prints, stdout and stderr as a terminal shows them."""
    printed, status = [], 0
    for command in commands_of(block):
        if command.line == "echo $?":
            printed.append(f"{status}\n")
        else:
            text, status = derivcheck(command.line)
            printed.append(text)
    return printed


def derivcheck(line: str) -> tuple[str, int]:
    """Run the command in this process, which has imported torch: output and exit status."""
    program, *arguments = shlex.split(line)
    assert program == "derivcheck", f"{line}: only derivcheck is run"
    result = CliRunner(env=TERMINAL).invoke(app, arguments, prog_name="derivcheck")
    return "".join(f"{row.rstrip()}\n" for row in result.output.splitlines()), result.exit_code


def parse(line: str) -> None:
    """Read a command that is not run: its program, its options or targets, the suites and functions that it names."""
    program, *arguments = shlex.split(line, comments=True)
    if program == "make":
        subprocess.run(["make", "-n", *arguments], cwd=ROOT, check=True, capture_output=True, timeout=60)
    elif program == "derivcheck":
        with contextlib.suppress(click.exceptions.Exit):
            typer.main.get_command(app).make_context("derivcheck", arguments)
    else:
        assert program in ONLY_READ, f"{line}: unknown program"
    for name in re.findall(r"[\w/.-]+\.(?:toml|py)\b", line):
        assert (ROOT / "examples" / name).exists() or (ROOT / name).exists(), f"{line}: there is no {name}"
