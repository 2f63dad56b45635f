"""The report as JSON: `report.to_dict()`, NaN and infinity as text, non-ASCII kept."""

import json
import re

from derivcheck.results import Report

LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""A byte of a name that is not UTF-8, as Python passes it on: UTF-8 cannot hold it, an escape can."""


def render(report: Report) -> str:
    """One JSON document, ended by a newline. Anything that JSON cannot hold is an error, not a `NaN` token."""
    text = json.dumps(report.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return LONE_SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
