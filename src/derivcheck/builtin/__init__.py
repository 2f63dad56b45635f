"""Suites that ship with the package: TOML files of checks, and the functions that they name."""
