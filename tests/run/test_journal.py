"""What is written comes back bit by bit, and a line that is cut short loses only itself."""

import math
from dataclasses import replace

import pytest

from derivcheck import check, problem
from derivcheck.errors import RequestError
from derivcheck.problem import Check
from derivcheck.run.journal import FORMAT, Journal, key_of, read

ASKED = [Check(f"check {k}", problem.create(f"x**{k}")) for k in (2, 3)]


@pytest.fixture(scope="module")
def results():
    fine = check("x**2", order=2, timing=False, dtype="float32").checks[0]
    wrong = check("sin(x)", function=lambda x: x * math.nan, timing=False, domain=(-1, 2)).checks[0]
    return [
        fine,
        replace(wrong, source="a.toml", line=3, tags=("slow",), known="https://x.org/1", unable={"jet": "no"}),
    ]


def written(path, results, *, keep=False):
    journal = Journal(path, keep=keep)
    for asked, result in zip(ASKED, results, strict=False):
        journal.add(asked, result)
    journal.close()
    return path


def test_results_come_back_as_they_were(tmp_path, results):
    found = read(written(tmp_path / "j", results))
    assert list(found) == [key_of(asked) for asked in ASKED]
    assert [repr(r) for r in found.values()] == [repr(r) for r in results]  # repr: NaN differs from itself
    assert found[key_of(ASKED[1])].partials[0].worst.point == results[1].partials[0].worst.point


@pytest.mark.parametrize("cut", [1, 40, 700])
def test_a_line_that_a_kill_cut_short_is_left_out(tmp_path, results, cut):
    path = written(tmp_path / "j", results)
    path.write_bytes(path.read_bytes()[:-cut])
    assert list(read(path)) == [key_of(ASKED[0])] if cut > 1 else [key_of(asked) for asked in ASKED]


def test_a_journal_is_continued_or_begun_anew(tmp_path, results):
    path = written(tmp_path / "j", results[:1])
    kept = Journal(path, keep=True)
    assert list(kept.finished) == [key_of(ASKED[0])]
    kept.add(ASKED[1], results[1])
    kept.close()
    assert len(read(path)) == 2
    Journal(path, keep=False).close()
    assert read(path) == {}


def test_a_line_after_one_cut_short_is_not_lost(tmp_path, results):
    path = written(tmp_path / "j", results)
    path.write_bytes(path.read_bytes()[:-40])
    kept = Journal(path, keep=True)
    kept.add(ASKED[1], results[1])
    kept.close()
    assert len(read(path)) == 2


@pytest.mark.parametrize("text", ["", "no journal\n", FORMAT.replace("1", "2") + "\n", '{"format": 1}\n[]\n'])
def test_what_is_not_a_journal_has_no_results(tmp_path, text):
    path = tmp_path / "j"
    path.write_text(text)
    assert read(path) == {}
    assert read(tmp_path / "not there") == {}


def test_the_key_names_all_that_decides_a_result():
    asked = ASKED[0]
    assert key_of(asked) == key_of(replace(asked, line=7, tags=("new",)))
    for change in ({"seed": 1}, {"points": 3}, {"dtype": "float32"}, {"function_name": "a:b"}, {"strict": True}):
        assert key_of(replace(asked, problem=replace(asked.problem, **change))) != key_of(asked)
    assert key_of(replace(asked, engines=("jet",))) != key_of(asked)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match="cannot be written"):
        Journal(tmp_path / "file" / "j", keep=False)
