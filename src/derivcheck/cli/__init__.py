"""The command line. `derivcheck.cli:main` is what the console script calls."""

from derivcheck.cli.command import main

__all__ = ["main"]
