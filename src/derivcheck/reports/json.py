"""The report as JSON: `report.to_dict()`, NaN and infinity as text, non-ASCII kept."""

import json

from derivcheck.results import Report


def render(report: Report) -> str:
    """One JSON document, ended by a newline. Anything that JSON cannot hold is an error, not a `NaN` token."""
    return json.dumps(report.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
