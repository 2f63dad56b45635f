"""What other repositories use of this one: the GitHub action and the pre-commit hook."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
ACTION_TEXT = (ROOT / "action.yml").read_text(encoding="utf-8")
ACTION = yaml.safe_load(ACTION_TEXT)
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}
(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
DOCUMENTS = "".join(path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *ROOT.glob("docs/*.md")])
SNIPPETS = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", DOCUMENTS, flags=re.DOTALL)]

RECORDER = """#!/bin/sh
printf '%s\\n' "$#" "$@" >> "$CALLS"
exit "$STATUS"
"""
INJECTION = 'a\'; touch injected; $(touch injected) `touch injected` "&& touch injected" *'


@pytest.fixture
def action(tmp_path):
    """Run the shell steps as the runner does, with a `python` that writes down its arguments; gives calls, outputs,
    exit status."""
    if not shutil.which("bash"):
        pytest.skip("the steps of the action are for bash")
    stub = tmp_path / "bin" / "python"
    stub.parent.mkdir()
    stub.write_text(RECORDER)
    stub.chmod(0o755)
    calls, outputs = tmp_path / "calls", tmp_path / "outputs"

    def run(name, status=0, **inputs):
        step = STEPS[name]
        environment = {
            **{key: resolved(text, inputs) for key, text in step["env"].items()},
            **{"PATH": f"{stub.parent}{os.pathsep}{os.environ['PATH']}", "CALLS": str(calls), "STATUS": str(status)},
            "GITHUB_OUTPUT": str(outputs),
        }
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        written = outputs.read_text() if outputs.exists() else ""
        return list(read_calls(calls)), dict(line.split("=", 1) for line in written.splitlines()), done.returncode

    return run


def resolved(text, inputs):
    """A value of `env:` as the runner fills it in."""
    if text == "${{ github.action_path }}":
        return "the checkout"
    name = re.fullmatch(r"\$\{\{ inputs\.([\w-]+) \}\}", text)[1]
    return inputs.get(name.replace("-", "_"), ACTION["inputs"][name]["default"])


def read_calls(file):
    lines = iter(file.read_text().splitlines() if file.exists() else ())
    for count in lines:
        yield [next(lines) for _ in range(int(count))]


def test_every_input_that_is_used_is_declared_and_the_other_way_round():
    assert set(re.findall(r"inputs\.([\w-]+)", ACTION_TEXT)) == set(ACTION["inputs"])
    assert all(isinstance(field["default"], str) and field["description"] for field in ACTION["inputs"].values())


def test_every_output_comes_from_a_step_that_writes_it():
    script = STEPS["Check derivatives"]["run"]
    for name, field in ACTION["outputs"].items():
        assert field["value"] == f"${{{{ steps.check.outputs.{name} }}}}"
        assert f"{name}=%s" in script
    assert STEPS["Check derivatives"]["id"] == "check"


def test_no_script_contains_an_expression():
    scripts = [step["run"] for step in STEPS.values() if "run" in step]
    assert len(scripts) == 2
    assert not any("${{" in script for script in scripts)
    assert all(step["shell"] == "bash" for step in STEPS.values() if "run" in step)


def test_the_action_installs_torch_without_cuda_and_itself(action):
    calls, _, status = action("Install derivcheck")
    index = ["--index-url", "https://download.pytorch.org/whl/cpu"]
    assert status == 0
    assert [[word for word in call if word != "--disable-pip-version-check"] for call in calls] == [
        ["-P", "-m", "pip", "install", *index, "torch"],
        ["-P", "-m", "pip", "install", "the checkout"],
    ]


def test_versions_can_be_chosen(action):
    calls, _, _ = action("Install derivcheck", torch="2.13.0", torch_index_url="https://e.org", derivcheck="t==1")
    assert [call[-2:] for call in calls] == [
        ["https://e.org", "torch==2.13.0"],
        ["--disable-pip-version-check", "t==1"],
    ]


def test_a_failed_installation_fails_the_step_at_once(action):
    calls, _, status = action("Install derivcheck", status=7)
    assert (len(calls), status) == (1, 7)


REPORTS = ["--report", "table", "--report", "github", "--report", "junit=derivcheck.xml"]


def test_the_check_without_inputs(action):
    ((*call,),), outputs, status = action("Check derivatives")
    assert call == ["-P", "-m", "derivcheck", "--jobs", "4", *REPORTS, "--suite", "derivcheck.toml"]
    assert outputs == {"verdict": "agrees", "junit": "derivcheck.xml"}
    assert status == 0


def test_suites_are_one_per_line_and_quotes_keep_words_together(action):
    arguments = "--tag '!slow'  --select \"a b\"\n--no-functions\n"
    ((*call,),), _, _ = action("Check derivatives", suite="a.toml\n\n  my suites/b.toml \n", args=arguments, jobs="2")
    assert call[3:5] == ["--jobs", "2"]
    assert call[11:] == [
        *["--suite", "a.toml", "--suite", "my suites/b.toml"],
        *["--tag", "!slow", "--select", "a b", "--no-functions"],
    ]


def test_no_module_of_the_checkout_is_imported():
    started = re.findall(
        r"^\s*python (.*)", "\n".join(step["run"] for step in STEPS.values() if "run" in step), re.MULTILINE
    )
    assert len(started) == 3
    assert all(line.startswith("-P -m ") for line in started)


@pytest.mark.parametrize("name", ["suite", "args", "jobs", "junit"])
def test_nothing_in_an_input_is_run(action, tmp_path, name):
    text = INJECTION.replace("'", "") if name == "args" else INJECTION
    calls, _, status = action("Check derivatives", **{name: text})
    assert (len(calls), status) == (1, 0)
    assert not (tmp_path / "injected").exists()
    assert "$(touch" in " ".join(calls[0])


def test_a_quote_that_does_not_end_is_an_error(action):
    calls, _, status = action("Check derivatives", args="--select 'a")
    assert calls == []
    assert status != 0


@pytest.mark.parametrize(
    ("status", "verdict"), [(1, "disagrees"), (2, "refused"), (3, "undecided"), (4, "bug"), (130, "bug")]
)
def test_the_exit_status_is_that_of_derivcheck_and_has_a_word(action, status, verdict):
    _, outputs, found = action("Check derivatives", status=status)
    assert (outputs["verdict"], found) == (verdict, status)


SUITES = ["derivcheck.toml", "sub/derivcheck.toml", "k.derivcheck.toml", "a/b/k.derivcheck.toml"]
OTHERS = [
    "pyproject.toml",
    "myderivcheck.toml",
    "derivcheck.toml.orig",
    "derivcheck_toml",
    "k.derivcheck.tomlx",
    "k.py",
]


@pytest.mark.parametrize("path", SUITES)
def test_the_hook_runs_for_suites(path):
    assert re.search(HOOK["files"], path)


@pytest.mark.parametrize("path", OTHERS)
def test_the_hook_does_not_run_for_other_files(path):
    assert not re.search(HOOK["files"], path)


def test_the_hook_is_one_process_that_gets_the_files_after_its_last_option():
    assert HOOK["id"] == "derivcheck"
    assert (HOOK["language"], HOOK["require_serial"], HOOK.get("pass_filenames", True)) == ("python", True, True)
    command, *options = HOOK["entry"].split()
    assert (command, options[-1]) == ("derivcheck", "--suite")


def test_the_documents_show_an_action_and_a_hook_that_are_there():
    steps = [step for snippet in SNIPPETS if isinstance(snippet, list) for step in snippet if "with" in step]
    assert steps
    assert all(set(step["with"]) <= set(ACTION["inputs"]) for step in steps)
    repositories = [repo for snippet in SNIPPETS if "repos" in snippet for repo in snippet["repos"]]
    hooks = [hook["id"] for repo in repositories if repo["repo"] != "local" for hook in repo["hooks"]]
    assert hooks == [HOOK["id"]]


def test_what_the_action_installs_with_is_named_in_the_documents_as_it_is():
    assert ACTION["inputs"]["torch-index-url"]["default"] in DOCUMENTS


@pytest.mark.parametrize("target", ["demo", "test"])
def test_another_index_for_torch_can_be_named(target):
    if not shutil.which("make"):
        pytest.skip("there is no make")
    index = ACTION["inputs"]["torch-index-url"]["default"]

    def shown(*variables):
        dry = ["make", "--dry-run", "--always-make", target, *variables]
        return subprocess.run(dry, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout

    assert f"--extra-index-url {index} --constraint constraints.txt" in shown(f"TORCH_INDEX={index}")
    assert "index" not in shown()
