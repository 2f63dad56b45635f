"""The formats of a report. Each is one file with one pure function `render(report) -> str`."""

from collections.abc import Callable
from importlib import import_module

from derivcheck.results import Report

FORMATS = {name: f"derivcheck.reports.{name}" for name in ("table", "json", "junit", "github", "markdown")}


def renderer(name: str) -> Callable[[Report], str]:
    """The render function of a format of `FORMATS`."""
    render: Callable[[Report], str] = import_module(FORMATS[name]).render
    return render
