"""What the documents show is what the program does: every block is run, or read by what would read it."""

import os
import re
import shlex
import subprocess
import sys
import tomllib

import pytest
import yaml

from derivcheck import suite
from derivcheck.run import report
from tests.docs.blocks import DOCUMENTS, LANGUAGES, ROOT, blocks, blocks_of, commands_of, printing
from tests.docs.figures import differences
from tests.docs.running import TERMINAL, examples, outputs, parse

README = ROOT / "README.md"
ROOTS = (ROOT, ROOT / "src" / "derivcheck", ROOT / "examples")  # where the path of a file may begin
CONSOLES = blocks("console")
MOST_LINES = 220  # of the README: what a stranger reads before trying
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")
NAMED = re.compile(r"`(?!OWNER/)((?:[\w.-]+/)+[\w.-]*|\w[\w-]*\.(?:py|toml|md|json|yml))(?::\w+|\.[A-Z_]+)?`")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_block_has_a_language_that_is_tested(document):
    unknown = [str(block) for block in blocks_of(document) if block.language not in LANGUAGES]
    assert unknown == [], "fence it, and name one of the languages"


@pytest.mark.parametrize("block", [block for block in CONSOLES if printing(block)], ids=str)
def test_a_command_prints_what_the_document_shows(block, tmp_path):
    with examples(tmp_path):
        printed = outputs(block)
    for command, output in zip(commands_of(block), printed, strict=True):
        assert differences(command.output, output) == [], "`make docs` rewrites it"


@pytest.mark.parametrize("block", CONSOLES, ids=str)
def test_a_console_block_has_commands_alone_and_all_can_be_read(block):
    assert block.text.startswith("$ ")
    for command in commands_of(block) if not printing(block) else ():
        parse(command.line)


def test_the_first_command_of_the_readme_prints_that_as_a_program_of_its_own(tmp_path):
    (command,) = commands_of(blocks_of(README)[0])
    arguments = [sys.executable, "-m", *shlex.split(command.line)]
    environment = {k: v for k, v in {**os.environ, **TERMINAL}.items() if v is not None}
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=120)
    assert differences(command.output, done.stdout + done.stderr) == []
    assert done.returncode == 0


def test_a_cuda_build_of_torch_prints_that_too(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "of_torch", lambda: "2.13.0+cu130")
    block = blocks_of(README)[0]
    with examples(tmp_path):
        (printed,) = outputs(block)
    assert "+cu130" in printed
    assert differences(commands_of(block)[0].output, printed) == []


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_python_runs_and_its_tests_pass(block, tmp_path):
    names = {"__name__": "documented"}
    with examples(tmp_path):
        exec(compile(block.text, str(block), "exec"), names)
        for test in [value for name, value in names.items() if name.startswith("test_")]:
            test()


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_toml_is_a_suite_or_settings(block, tmp_path):
    table = tomllib.loads(block.text)
    if {"check", "defaults"} & set(table):
        with examples(tmp_path):
            assert suite.loads(block.text, "documented.derivcheck.toml")
    else:
        assert set(table) <= {"project", "tool"}


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_yaml_is_read_and_its_commands_too(block):
    for line in texts(yaml.safe_load(block.text)):
        if line.startswith("derivcheck "):
            parse(line)


def texts(tree):
    """All texts of nested lists and mappings."""
    if isinstance(tree, dict | list):
        for part in tree.values() if isinstance(tree, dict) else tree:
            yield from texts(part)
    else:
        yield str(tree)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_names_of_files_lead_somewhere(document):
    text = document.read_text(encoding="utf-8")
    assert [link for link in LINK.findall(text) if not (document.parent / link).exists()] == []
    assert [name for name in NAMED.findall(text) if not any((root / name).exists() for root in ROOTS)] == []


def test_the_readme_is_short():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize(
    ("document", "language", "name"),
    [("README.md", "python", "mykernels.py"), ("docs/suites.md", "toml", "derivcheck.toml")],
)
def test_a_document_shows_an_example_as_it_is(document, language, name):
    example = (ROOT / "examples" / name).read_text(encoding="utf-8")
    assert f"```{language}\n{example}```" in (ROOT / document).read_text(encoding="utf-8")


def test_the_tables_that_contributing_names_are_in_their_files():
    rows = re.findall(
        r"^\| `([\w/]+\.py)`, (.*?) \|", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(rows) >= 6
    for path, names in rows:
        (file,) = [root / path for root in ROOTS if (root / path).exists()]
        assert [name for name in re.findall(r"`(\w+)`", names) if name not in file.read_text(encoding="utf-8")] == []


def test_no_path_of_a_machine_is_in_the_repository():
    files = [*ROOT.glob("*.*"), *(p for d in ("src", "docs", "examples") for p in (ROOT / d).rglob("*.*"))]
    for path in [*files, ROOT / "Makefile"]:
        if path.is_file() and path.suffix != ".pyc" and path.name != ".git":
            assert not re.search(r"/(home|root|work|tmp)/", path.read_text(encoding="utf-8")), path
