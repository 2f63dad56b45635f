"""`make docs` changes what is no longer true, and nothing else."""

from derivcheck import __version__
from tests.docs.__main__ import rewritten

AROUND = "# Title\n\n```console\n$ derivcheck --version\n{}```\n\nText.\n\n```text\nderivcheck 0.0.0\n```\n"


def result(tmp_path, text):
    document = tmp_path / "a.md"
    document.write_text(text)
    return rewritten(document, text)


def test_an_output_that_is_wrong_is_replaced(tmp_path):
    wrong = AROUND.format("derivcheck 0.0.0\nand more\n")
    assert result(tmp_path, wrong) == AROUND.format(f"derivcheck {__version__}\n")


def test_an_output_that_is_alike_stays_as_it_is(tmp_path):
    right = AROUND.format(f"derivcheck   {__version__}\n")  # spaces say nothing
    assert result(tmp_path, right) == right


def test_a_command_without_output_stays_one(tmp_path):
    silent = AROUND.format("")
    assert result(tmp_path, silent) == silent


def test_lines_of_several_blocks_keep_their_places(tmp_path):
    twice = AROUND + AROUND
    wrong = twice.format("old\nold\n", "old\n")
    assert result(tmp_path, wrong) == twice.format(*[f"derivcheck {__version__}\n"] * 2)
