"""A stdout that cannot encode ∂ still gets every report, in ASCII; files and UTF-8 streams get them as they are."""

import io
import json
import os
import re
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest

from derivcheck.cli import command
from derivcheck.reports import FORMATS
from derivcheck.reports.encoding import encodable, in_ascii
from derivcheck.reports.json import render as render_json
from derivcheck.reports.table import render as render_table
from tests.made_reports import CHECK, report

FOREIGN = ("cp1252", "ascii", "latin-1", "cp437", "gbk")
REQUEST = ("x1**2*sin(x2)", "--order", "2", "-n", "50", "--wrt", "x1,x2")


def printed(encoding, monkeypatch, *arguments):
    """What the command writes to a stdout with this encoding, and its exit status."""
    stdout = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stdout)
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    monkeypatch.setattr(sys, "argv", ["derivcheck", *arguments])
    with pytest.raises(SystemExit) as ended:
        command.main()
    stdout.flush()
    return stdout.buffer.getvalue(), ended.value.code


@pytest.fixture
def no_summary(monkeypatch):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.setenv("COLUMNS", "100")


@pytest.mark.parametrize("encoding", FOREIGN)
def test_every_format_is_printed_in_ascii(encoding, monkeypatch, no_summary, tmp_path):
    formats = [f"--report={name}" for name in FORMATS]
    files = [f"--report={name}={tmp_path / name}" for name in FORMATS]
    data, status = printed(encoding, monkeypatch, *REQUEST, *formats, *files)
    assert status == 0
    assert data.isascii()
    text = data.decode("ascii").replace("\r\n", "\n")
    assert "\nd2f/dx1dx2 " in text
    assert "\nd2f/dx1^2 " in text
    assert re.search(r"\n-{60,}\n", text)
    assert re.search(r"\d us ", text)
    assert "\\u" not in text.partition('{\n  "schema"')[0]
    for name in FORMATS:
        assert "∂²f/∂x1∂x2" in (tmp_path / name).read_text(encoding="utf-8") or name == "github"


def test_formats_for_programs_keep_every_character(monkeypatch, no_summary):
    text = printed("cp1252", monkeypatch, *REQUEST, "--report", "json")[0].decode("ascii")
    labels = [row["label"] for row in json.loads(text)["checks"][0]["partials"]]
    xml = printed("latin-1", monkeypatch, *REQUEST, "--report", "junit")[0]
    assert [case.get("name") for case in ET.fromstring(xml).iter("testcase")] == labels
    assert labels[4] == "∂²f/∂x1∂x2"


def test_the_columns_of_an_ascii_table_are_aligned(monkeypatch, no_summary):
    lines = printed("ascii", monkeypatch, *REQUEST, "--no-timing")[0].decode().splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("---"))
    assert {line.rindex("agrees") for line in lines[start + 1 : start + 7]} == {lines[start - 1].index("verdict")}


def test_a_process_with_a_foreign_stdout_prints_its_table_also_from_python():
    code = "import sys, derivcheck; print(derivcheck.check('x**2', order=2, points=50, timing=False))\n"
    code += "from derivcheck.cli import main; main()"
    run = subprocess.run(
        [sys.executable, "-c", code, "x**2", "--order=2", "-n50", "--no-timing"],
        env={**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "1"},
        capture_output=True,
        timeout=60,
    )
    assert (run.returncode, run.stderr) == (0, b"")
    assert run.stdout.decode("ascii").count("\nd2f/dx^2 ") == 2


def test_a_stream_that_can_encode_everything_is_left_as_it_is():
    for encoding in ("utf-8", "utf-16", "gb18030"):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        assert encodable(stream) is stream


def test_half_a_character_is_an_escape_in_a_table_and_in_json():
    broken = report(CHECK.__class__(**{**vars(CHECK), "function": "\udcff.py:f"}))
    assert "\\udcff.py:f" in render_table(broken).encode("utf-8").decode()
    assert json.loads(render_json(broken).encode("utf-8"))["checks"][0]["function"] == "\udcff.py:f"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("∂¹²f/∂x1¹⁰∂x2²", "d12f/dx1^10dx2^2"),
        ("∂f/∂x", "df/dx"),
        ("12.3 µs · 2×", "12.3 us - 2x"),
        ("a…", "a..."),
        ("Größe", "Größe"),
    ],
)
def test_an_exponent_is_kept_apart_from_the_name_before_it(text, shown):
    assert in_ascii(text) == shown
