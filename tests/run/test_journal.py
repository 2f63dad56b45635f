"""What is written comes back bit by bit, what depends on something else is not recalled, damage costs only itself."""

import dataclasses
import json
import math
import os
import random
from dataclasses import replace

import pytest
import torch

from derivcheck import check, problem
from derivcheck.errors import RequestError
from derivcheck.outcomes import Cause
from derivcheck.problem import Check
from derivcheck.reports import FORMATS, renderer
from derivcheck.results import CheckResult, Report
from derivcheck.run import journal
from derivcheck.run.journal import FORMAT, Journal, key_of, read
from derivcheck.run.plain_data import decoded, encoded
from derivcheck.run.sources import Sources
from derivcheck.run.versions import of_torch, versions
from tests.fuzz.journals import corrupted

PROBLEMS = [problem.create("x**2"), problem.create("sin(x)", domain=(-1, 2))]
ASKED = [Check(f"check {k}", made, source="a.toml", line=k) for k, made in enumerate(PROBLEMS, start=2)]


@pytest.fixture(scope="module")
def results():
    fine = check("x**2", order=2, timing=False, dtype="float32").checks[0]
    wrong = check("sin(x)", function=lambda x: x * math.nan, timing=False, domain=(-1, 2)).checks[0]
    return [
        replace(fine, name="check 2", source="a.toml", line=2),
        replace(
            wrong,
            name="check 3",
            source="a.toml",
            line=3,
            tags=("slow",),
            known="https://x.org/1",
            unable={"jet": "no"},
        ),
    ]


def written(path, results, *, resume=False, finish=False):
    """A journal with results of the checks, and what was said of it."""
    said = []
    made = Journal(path, ASKED, resume=resume, say=said.append)
    for asked, result in zip(ASKED, results, strict=False):
        made.add(asked, result)
    if finish:
        made.finish()
    made.close()
    return said


def recalled(path, checks=ASKED):
    """The checks that a resumed run would recall, and what is said of it. The journal is left as it is."""
    before, said = path.read_bytes(), []
    made = Journal(path, checks, resume=True, say=said.append)
    found = [made.recalled(asked) for asked in checks]
    made.close()
    path.write_bytes(before)
    return [result for result in found if result is not None], said


def test_results_come_back_as_they_were(tmp_path, results):
    assert written(tmp_path / "j", results) == []
    found, said = recalled(tmp_path / "j")
    listed = [replace(result, **asked.listing) for asked, result in zip(ASKED, results, strict=True)]
    assert [repr(r) for r in found] == [repr(r) for r in listed]  # repr: NaN differs from itself
    assert found[1].partials[0].worst.point == results[1].partials[0].worst.point
    (sentence,) = said
    assert sentence.startswith("--resume: 2 of 2 checks are recalled from the run of 20")
    assert ";" not in sentence


def test_every_field_of_a_result_is_written(results):
    data = json.loads(json.dumps(encoded(results[1])))
    assert set(data) == {field.name for field in dataclasses.fields(CheckResult)}
    assert repr(decoded(CheckResult, data)) == repr(results[1])


@pytest.mark.parametrize("cut", [1, 40, 700])
def test_a_line_that_a_kill_cut_short_is_left_out(tmp_path, results, cut):
    path = tmp_path / "j"
    written(path, results)
    path.write_bytes(path.read_bytes()[:-cut])
    found, said = recalled(path)
    assert [result.name for result in found] == [result.name for result in results[: 2 if cut == 1 else 1]]
    assert "damaged" not in said[0]


def test_a_journal_is_continued_or_begun_anew(tmp_path, results):
    path = tmp_path / "j"
    written(path, results[:1])
    assert written(path, [], resume=True)[0].startswith("--resume: 1 of 2 checks are recalled")
    written(path, results, resume=True)
    assert len(read(path).results) == 2
    written(path, [])
    assert read(path).results == {}


def test_a_line_after_one_cut_short_is_not_lost(tmp_path, results):
    path = tmp_path / "j"
    written(path, results)
    path.write_bytes(path.read_bytes()[:-40])
    written(path, results, resume=True)
    assert len(read(path).results) == 2


def test_a_run_that_finished_is_not_continued(tmp_path, results):
    written(tmp_path / "j", results, finish=True)
    found, (said,) = recalled(tmp_path / "j")
    assert found == []
    assert said.endswith(" finished; all checks are run")


def test_a_check_that_was_lost_is_tried_again(tmp_path, results):
    lost = replace(results[0], partials=(replace(results[0].partials[0], cause=Cause.LOST),))
    written(tmp_path / "j", [lost, results[1]])
    found, (said,) = recalled(tmp_path / "j")
    assert [result.name for result in found] == [results[1].name]
    assert said.startswith("--resume: 1 of 2 checks are recalled")


def test_the_version_of_torch_is_that_of_its_build():
    assert of_torch() == torch.__version__


@pytest.mark.parametrize("changed", ["derivcheck", "python", "torch", "sympy", "python-flint"])
def test_another_version_recalls_nothing_and_is_named(tmp_path, results, monkeypatch, changed):
    now = versions()
    assert set(now) == {"derivcheck", "python", "torch", "sympy", "python-flint"}
    with monkeypatch.context() as patch:
        patch.setattr(journal, "versions", lambda: {**now, changed: "0.0.1"})
        written(tmp_path / "j", results)
    found, (said,) = recalled(tmp_path / "j")
    assert found == []
    assert f"was written with {changed} 0.0.1 instead of {now[changed]}; all checks are run" in said


def test_the_key_names_all_that_decides_a_result():
    asked, sources = ASKED[0], Sources()
    key = key_of(asked, sources)
    assert key_of(replace(asked, source="b.toml", line=7, tags=("new",)), sources) == key
    for change in ({"seed": 1}, {"points": 3}, {"dtype": "float32"}, {"function_name": "a:b"}, {"strict": True}):
        assert key_of(replace(asked, problem=replace(asked.problem, **change)), sources) != key
    for change in ({"engines": ("jet",)}, {"xfail": "wrong"}, {"known": "https://x.org/1"}, {"skip": "slow"}):
        assert key_of(replace(asked, **change), sources) != key
    assert key_of(asked, sources, threads=1) != key


def test_a_recalled_result_is_listed_where_the_check_is_now(tmp_path, results):
    written(tmp_path / "j", results)
    moved = [replace(asked, source="b.toml", line=100 + asked.line, tags=("new",)) for asked in ASKED]
    found, _ = recalled(tmp_path / "j", moved)
    assert [(result.source, result.line, result.tags) for result in found] == [
        ("b.toml", 102, ("new",)),
        ("b.toml", 103, ("new",)),
    ]


@pytest.mark.parametrize(
    "text", ["", "no journal\n", FORMAT + "\n", '{"format": 1}\n[]\n', '{"format": "derivcheck.jo']
)
def test_what_is_not_a_journal_has_no_results_and_is_one_sentence(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    journal.FOLDER.mkdir()
    journal.STATE.write_text(text)
    found, said = recalled(journal.STATE)
    assert (found, len(said)) == ([], 1)
    assert said[0].endswith("; all checks are run")
    journal.STATE.unlink()
    assert read(journal.STATE).unusable == "there is no earlier run in .derivcheck/last-run.jsonl"


@pytest.mark.parametrize("text", ["precious data\n", '{"my": "lines"}\n'])
def test_a_file_of_someone_else_is_left_alone(tmp_path, results, text):
    path = tmp_path / "report.json.jsonl"
    path.write_text(text)
    assert written(path, results, resume=True) == written(path, results)
    (said,) = written(path, results)
    assert said.endswith(": not a journal of derivcheck, so it is left alone; --resume and --last-failed will not work")
    assert path.read_text() == text


def test_a_journal_of_an_older_version_is_replaced(tmp_path, results):
    path = tmp_path / "j"
    path.write_text('{"format": "derivcheck.journal/1 0.1.0"}\n')
    assert written(path, results) == []
    assert len(read(path).results) == 2


@pytest.mark.parametrize("kind", ["a file in the way", "a folder in the way", "a full disk"])
def test_a_journal_that_cannot_be_written_stops_no_run(tmp_path, results, monkeypatch, kind):
    path = tmp_path / "f" / "j"
    if kind == "a file in the way":
        (tmp_path / "f").write_text("")
    elif kind == "a folder in the way":
        (tmp_path / "f").mkdir(mode=0o500)
        monkeypatch.setattr(os, "open", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    else:
        monkeypatch.setattr(os, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    (said,) = written(path, results, finish=True)
    assert ": cannot be written: " in said
    assert said.endswith("; --resume and --last-failed will not work")


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize("linked", ["file", "folder"])
def test_a_journal_follows_no_link(tmp_path, results, monkeypatch, linked, resume):
    monkeypatch.chdir(tmp_path)
    target = tmp_path / "precious"
    target.mkdir() if linked == "folder" else target.write_text("precious")
    if linked == "file":
        journal.FOLDER.mkdir()
    (journal.FOLDER if linked == "folder" else journal.STATE).symlink_to(target)
    with pytest.raises(RequestError, match="a link or a device"):
        written(journal.STATE, results, resume=resume)
    assert list(target.iterdir()) == [] if linked == "folder" else target.read_text() == "precious"


def rendered(results):
    """Every report of these results: what a run that recalled them would print."""
    made = Report(tuple(results), {"torch": "2", "sympy": "1"}, "0")
    return [renderer(name)(made) for name in FORMATS]


def test_damage_costs_what_is_damaged_and_nothing_else(tmp_path, results):
    """With more of them: python -m tests.fuzz --kind journals."""
    path = tmp_path / "j"
    written(path, results)
    whole, rest = path.read_bytes(), [repr(r) for r in recalled(path)[0]]
    for seed in range(60):
        path.write_bytes(corrupted(whole, random.Random(seed)))
        found, said = recalled(path)
        assert len(said) == 1, seed
        assert all(repr(result) in rest for result in found), seed
    rendered(results)


VALUES = [None, True, -1, 10**400, 1.5, "x", [], {}, [1], {"a": 1}, math.nan]


def variants(data):
    """The data with each value in it replaced by every other kind of value."""
    if isinstance(data, dict | list):
        for key in data if isinstance(data, dict) else range(len(data)):
            for value in [*variants(data[key]), *VALUES]:
                copy = data.copy()
                copy[key] = value
                yield copy
        if isinstance(data, dict):
            yield {**data, "new": 1}
            yield {key: data[key] for key in list(data)[1:]}


def test_a_result_of_another_check_is_not_recalled(tmp_path, results):
    for change in (
        {"name": "x"},
        {"expression": "x"},
        {"variables": ("y",)},
        {"domain": {"x": (0.0, 2.0)}},
        {"domain": {}},
    ):
        written(tmp_path / "j", [replace(results[0], **change), results[1]])
        assert [result.name for result in recalled(tmp_path / "j")[0]] == ["check 3"]


def test_a_result_of_wrong_types_is_refused_or_can_be_shown(results):
    refused = shown = 0
    for data in variants(encoded(replace(results[1], partials=results[1].partials[:1]))):
        try:
            found = decoded(CheckResult, json.loads(json.dumps(data)))
        except (ValueError, KeyError, OverflowError):
            refused += 1
        else:
            if journal.is_of(ASKED[1], found):
                rendered([found])
                shown += 1
    assert refused > 500
    assert shown > 50
