"""TOML files -> checks, with every mistake of a file reported at once."""

from derivcheck.suite.loader import load, loads

__all__ = ["load", "loads"]
