"""The suite of a project, which runs if derivcheck is called without a formula and without --suite."""

import tomllib
from pathlib import Path

PROJECT = "pyproject.toml"
MOST_BYTES = 2 * 2**20  # as of every suite: suite.file refuses more


def has_suite(name: str) -> bool:
    """Whether the file has a table [tool.derivcheck]. A file that cannot be read has none."""
    try:
        with Path(name).open("rb") as file:
            tool = tomllib.loads(file.read(MOST_BYTES).decode("utf-8-sig")).get("tool")
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(tool, dict) and "derivcheck" in tool
