"""Measure, show, and write what was measured: `python -m tests.bench --help`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from tests.bench import commands, every_engine, growth, jax_rows, jobs, order_eight, order_two, verdicts
from tests.bench.machine import machine
from tests.bench.measuring import Result, measure
from tests.bench.row import FULL, QUICK, Row, Sizes
from tests.bench.tables import markdown, show

GROUPS = (order_two, verdicts, order_eight, growth, commands, jobs, jax_rows, every_engine)


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Ratios of derivcheck and its peers.")
    parser.add_argument("--json", type=Path, help="write everything measured to this file")
    parser.add_argument("--only", action="append", default=[], help="rows whose name begins like this; repeatable")
    parser.add_argument("--runs", type=int, default=5, help="pairs of runs per row (default: 5)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: whether it works, not how fast it is")
    parser.add_argument("--markdown", action="store_true", help="print GitHub Markdown")
    parser.add_argument("--list", action="store_true", help="print the names of all rows")
    return parser.parse_args(given)


def chosen(sizes: Sizes, only: Sequence[str]) -> list[Row]:
    """The rows asked for; all of them by default. Ends the program where a name begins no row."""
    rows = [replace(row, judged=sizes == FULL) for group in GROUPS for row in group.rows(sizes)]
    for name in only:
        if not any(row.name.startswith(name) for row in rows):
            sys.exit(f"--only {name}: no such row. Rows: {', '.join(row.name for row in rows)}.")
    return [row for row in rows if not only or row.name.startswith(tuple(only))]


def measured(rows: Sequence[Row], runs: int) -> list[Result]:
    """Measure one row after the other, and say on stderr which one it is."""
    results, progress = [], Console(stderr=True)
    for k, row in enumerate(rows, 1):
        progress.print(f"{k}/{len(rows)} {row.name}", highlight=False)
        results.append(measure(row, runs))
    return results


def main(given: Sequence[str] | None = None) -> None:
    """Both tables on stdout, and the figures in a file."""
    asked = arguments(given)
    rows = chosen(QUICK if asked.quick else FULL, asked.only)
    if asked.list:
        print("\n".join(row.name for row in rows))
        return
    results = measured(rows, asked.runs)
    if asked.json:
        document = {"machine": machine(), "quick": asked.quick, "rows": [result.to_dict() for result in results]}
        asked.json.write_text(json.dumps(document, indent=1), encoding="utf-8")
    if asked.markdown:
        print(markdown(results))
    else:
        show(results, Console(width=None if sys.stdout.isatty() else 160))


if __name__ == "__main__":
    main()
