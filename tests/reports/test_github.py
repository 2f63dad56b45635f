"""Workflow commands as the runner of GitHub Actions reads them, and the summary of a job."""

import re
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from derivcheck.cli.command import app
from derivcheck.outcomes import Outcome
from derivcheck.reports import markdown
from derivcheck.reports.github import SHOWN, SUMMARY_BYTES, render, summarise
from derivcheck.results import Limits
from tests.made_reports import (
    CHECK,
    FAILED,
    IMPRECISE,
    IN_SUITE,
    NASTY,
    NOTHING,
    OUTCOMES,
    REMARKED,
    ROW,
    UNDECIDED,
    UNSUPPORTED,
    WRONG,
    random_report,
    renamed,
    report,
)  # fmt: skip


def read(made):
    """(level, properties, message) of every command, taken apart as the runner does it."""
    found = []
    for line in render(made).splitlines():
        level, values, message = re.fullmatch(r"::(error|warning|notice) (.*?)::(.*)", line).groups()
        pairs = (value.partition("=")[::2] for value in values.split(","))
        found.append((level, {name: unescaped(value) for name, value in pairs}, unescaped(message)))
    return found


def unescaped(text):
    for escape, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(escape, character)
    return text


def levels(made):
    return [level for level, _, _ in read(made)]


def test_a_failure_names_its_place_and_explains_itself():
    ((level, properties, message),) = read(report(FAILED))
    assert level == "error"
    assert properties == {
        "file": "suites/kernels.toml", "line": "12", "title": "cube: ∂f/∂x disagrees",
    }  # fmt: skip
    assert message.splitlines() == [
        "∂f/∂x disagrees: NaN or infinity where the derivative is finite",
        "  at x        -0.75                     -0x1.8000000000000p-1",
        "  autograd    -1.6875",
        "  sympy       1.5",
        "  exact       1.6875",
        "  bound       1e-15",
        "  Reproduce: derivcheck 'x**3' --domain x=-0x1.8p-1:-0x1.8p-1 -n 1",
    ]


def test_outside_of_a_suite_there_is_no_file():
    ((_, properties, _),) = read(report(replace(CHECK, partials=(WRONG,))))
    assert properties == {"title": "cube: ∂f/∂x disagrees"}


def test_a_windows_path_has_the_slashes_of_the_repository():
    ((_, properties, _),) = read(report(replace(FAILED, source="suites\\deep, er\\a.toml")))
    assert properties["file"] == "suites/deep, er/a.toml"


@pytest.mark.parametrize(
    ("outcome", "shown"),
    [
        (Outcome.PASSED, []),
        (Outcome.SKIPPED, []),
        (Outcome.XFAILED, []),
        (Outcome.KNOWN, ["error"]),
        (Outcome.UNSUPPORTED, ["error"]),
        (Outcome.UNDECIDED, ["error"]),
        (Outcome.XPASSED, ["error"]),
        (Outcome.FAILED, ["error"]),
    ],
)
def test_each_outcome_has_its_level(outcome, shown):
    assert levels(report(OUTCOMES[outcome])) == shown


def test_a_known_defect_names_its_issue_and_is_a_warning_if_it_is_let_pass():
    known = OUTCOMES[Outcome.KNOWN]
    assert "https://example.org/issues/7" in read(report(known))[0][2]
    assert read(report(known, known_ok=True)) == [
        (
            "warning",
            {"file": "suites/kernels.toml", "line": "12", "title": "cube"},
            "known defect: https://example.org/issues/7",
        )
    ]


def test_warnings_and_remarks():
    assert levels(report(replace(CHECK, partials=(ROW, IMPRECISE)))) == ["warning"]
    assert levels(report(replace(CHECK, partials=(ROW, REMARKED)))) == ["notice"]
    assert levels(report(replace(CHECK, partials=(IMPRECISE,), limits=Limits(strict=True)))) == ["error"]
    ((_, _, message),) = read(report(replace(CHECK, partials=(ROW,), limits=Limits(max_lost_bits=1.0))))
    assert message.startswith("∂f/∂x agrees: 1.5 bits are lost, --max-lost-bits allows 1\n")


def test_the_same_warning_is_given_once_per_check():
    assert levels(report(replace(CHECK, partials=(UNSUPPORTED,) * 50))) == ["error"]
    assert levels(report(replace(CHECK, partials=(IMPRECISE,) * 50))) == ["warning"]


@pytest.mark.parametrize("made", [report(), report(interrupted=True), report(CHECK, interrupted=True)])
def test_a_run_that_did_not_finish_says_so(made):
    ((level, properties, message),) = read(made)
    assert (level, properties) == ("error", {"title": "derivcheck"})
    assert message == (
        "interrupted: only the checks that finished before are here" if made.interrupted else "no check was run"
    )


def test_a_check_without_rows_proves_nothing():
    assert [(level, message) for level, _, message in read(report(NOTHING))] == [("error", "Nothing was checked")]
    ((level, _, message),) = read(report(replace(NOTHING, xfail="a reason")))
    assert (level, message) == ("error", "passed unexpectedly: it should disagree: a reason")


def test_the_most_important_come_first_and_every_check_has_its_turn():
    rows = [replace(WRONG, order=order, label=f"order {order}") for order in (3, 1, 2)]
    made = report(
        replace(CHECK, name="a", partials=(IMPRECISE, *rows)), replace(CHECK, name="b", partials=(UNDECIDED, rows[0]))
    )
    titles = [properties["title"] for _, properties, _ in read(made)]
    assert titles == [
        "a: order 1 disagrees", "b: order 3 disagrees", "a: order 2 disagrees", "b: ∂f/∂x is undecided",
        "a: order 3 disagrees", "a: ∂f/∂x is imprecise",
    ]  # fmt: skip


def test_the_most_urgent_check_comes_first():
    made = report(
        *(replace(OUTCOMES[o], name=o.name) for o in (Outcome.UNSUPPORTED, Outcome.UNDECIDED, Outcome.FAILED))
    )
    assert [properties["title"].split(":")[0] for _, properties, _ in read(made)] == [
        "FAILED", "UNDECIDED", "UNSUPPORTED",
    ]  # fmt: skip


def test_of_many_the_first_are_shown_and_one_line_counts_all():
    crowded = replace(CHECK, partials=(WRONG,) * 25)
    shown = read(report(crowded, replace(crowded, name="other"), replace(CHECK, partials=(IMPRECISE,))))
    assert [level for level, _, _ in shown] == ["error"] * 2 * SHOWN + ["warning", "notice"]
    assert shown[-1][2].startswith("50 errors, 1 warning in all. GitHub shows 10 of each")


@pytest.mark.parametrize("text", NASTY, ids=ascii)
def test_no_text_of_a_user_ends_a_command_or_begins_one(text):
    made = renamed(replace(IN_SUITE, xfail=""), text)
    rendered = render(report(made))
    rendered.encode()  # no half of a surrogate pair
    assert all(line.startswith(("::error ", "::warning ")) for line in re.split("[\r\n\v\f\x85]", rendered)[:-1])
    (level, properties, message), *_ = read(report(made))
    assert level == "error"
    assert set(properties) <= {"file", "line", "title"}
    assert "NaN or infinity where the derivative is finite" in message


@pytest.mark.parametrize("text", ["%0A%25,:%3A", "a:b,c=d::e", "::error::x", "two\nlines\r\n%"])
def test_text_is_read_back_as_it_was(text):
    (_, properties, message), *_ = read(report(renamed(IN_SUITE, text)))
    assert text in message
    assert properties["file"] == text
    assert " ".join(text.split()) in properties["title"]


@pytest.mark.parametrize("seed", range(200))
def test_there_is_an_error_exactly_if_the_job_fails(seed):
    made = random_report(seed)
    assert ("error" in levels(made)) == (made.exit_status != 0)


def test_long_stories_are_cut():
    rendered = render(report(replace(renamed(IN_SUITE, "x" * 100_000), source="a.toml")))
    assert max(map(len, rendered.splitlines())) < 5000
    assert "…" in rendered


def crowd():
    """2 MB of checks, in characters of several bytes: three that fail, and many that are skipped and folded."""
    rows = tuple(replace(WRONG, label=f"∂{'ℝ' * 50}{k}") for k in range(20))
    skipped = OUTCOMES[Outcome.SKIPPED]
    failed = (replace(FAILED, name=f"check {k}", partials=rows) for k in range(3))
    return report(*failed, *(replace(skipped, name=f"check {k}", skip="😀" * 200) for k in range(2000)))


def rows_of(text):
    """How many rows its tables have, heads not counted."""
    return len(re.findall(r"^\| (?:`check|∂)", text, flags=re.MULTILINE))


def test_the_summary_is_the_markdown_report_after_what_is_there(tmp_path):
    path = tmp_path / "summary.md"
    summarise(report(FAILED), path)
    assert path.read_text(encoding="utf-8") == markdown.render(report(FAILED))
    summarise(report(CHECK), path)
    assert path.read_text(encoding="utf-8") == f"{markdown.render(report(FAILED))}\n{markdown.render(report(CHECK))}"


@pytest.mark.parametrize("there", [0, 1, 880_000, SUMMARY_BYTES - 1])
def test_a_summary_stays_well_below_a_mebibyte(tmp_path, there):
    path = tmp_path / "summary.md"
    path.write_bytes(b"a" * there)
    summarise(crowd(), path)
    assert max(there, SUMMARY_BYTES - 2000) < path.stat().st_size < 2**20 - 100_000
    assert path.read_bytes()[:there] == b"a" * there
    assert path.read_bytes()[there:].decode().rstrip().endswith(" rows left out.")


@pytest.mark.parametrize("room", [0, 60, *range(100, 15_000, 487), 100_000])
def test_a_long_report_is_cut_between_rows_and_says_how_many_are_missing(room):
    text, whole = markdown.fitted(crowd(), room), markdown.render(crowd())
    (left,) = re.findall(r"\nThe report is too long for this place: (\d+) rows? left out\.\n$", text)
    assert rows_of(text) + int(left) == rows_of(whole) == 2063
    assert text.count("<details>") == text.count("</details>")
    assert text.count("```") % 2 == 0
    assert len(text.encode()) < room + 100
    assert all(line in whole for line in text.splitlines()[:-1])


def test_a_report_that_fits_is_not_cut():
    made = report(FAILED, CHECK)
    assert markdown.fitted(made, len(markdown.render(made).encode())) == markdown.render(made)


def test_a_full_summary_is_left_alone(tmp_path):
    path = tmp_path / "summary.md"
    path.write_bytes(b"a" * SUMMARY_BYTES)
    summarise(report(FAILED), path)
    assert path.stat().st_size == SUMMARY_BYTES


def run(*arguments, summary):
    runner = CliRunner(env={"GITHUB_STEP_SUMMARY": str(summary)})
    return runner.invoke(app, ["x**2", "--function", "torch:sin", "--no-timing", "-n", "50", *arguments])


def test_the_command_prints_annotations_and_writes_the_summary(tmp_path):
    summary = tmp_path / "summary.md"
    result = run("--report", "github", "--report", f"github={tmp_path / 'out.txt'}", summary=summary)
    assert result.exit_code == 1
    assert result.stdout.startswith("::error title=torch%3Asin%3A f disagrees::")
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == result.stdout
    assert (
        summary.read_text(encoding="utf-8").count("# derivcheck: All 2 partials disagree, first wrong at order 0") == 1
    )


def test_other_formats_and_silence_write_no_summary(tmp_path):
    summary = tmp_path / "summary.md"
    run("--report", "table", summary=summary)
    run("--report", "github", "--quiet", summary=summary)
    assert not summary.exists()
    assert run("--report", "github", summary="").stderr == ""
    run("--report", f"github={tmp_path / 'out.txt'}", "--quiet", summary=summary)
    assert summary.exists()


def test_a_summary_that_cannot_be_written_costs_no_result(tmp_path):
    result = run("--report", "github", summary=tmp_path / "no" / "folder" / "summary.md")
    assert result.exit_code == 1
    assert result.stdout.startswith("::error ")
    assert "GITHUB_STEP_SUMMARY" in result.stderr
    assert "cannot be written: No such file or directory" in result.stderr
