"""`python -m tests.fuzz`: random cases for some minutes; prints the seed, and every case that went wrong."""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from tests.fuzz import command_lines, formulas, journals
from tests.fuzz.case import Case
from tests.fuzz.kills import Killing
from tests.fuzz.running import Outcome, outcomes

Maker = Callable[[random.Random], Case]
KINDS: dict[str, tuple[float, Maker]] = {
    "formulas": (0.55, formulas.case),
    "command lines": (0.25, command_lines.case),
    "journals": (0.1, journals.case),
}
"""Kind -> share of the time, and what makes a case."""
KILLS, SHARE_OF_KILLS = "kills", 0.1
TOGETHER = 100  # cases per process: torch takes a second to compute its first in each


def made(kind: str, seed: int, index: int) -> Case:
    """One case; kind, seed and index name the same one on every machine."""
    return KINDS[kind][1](random.Random(f"{kind} {seed} {index}"))


def run(kind: str, seed: int, first: int, count: int) -> Iterator[tuple[int, Case, Outcome]]:
    """Index, case and outcome of so many cases."""
    cases = [made(kind, seed, index) for index in range(first, first + count)]
    yield from zip(range(first, first + count), cases, outcomes(cases), strict=True)


def fuzz(kind: str, seed: int, first: int, most: int, until: float) -> int:
    """Run cases until one of the limits; print what went wrong and how they ended. Returns the number of faults."""
    ended: Counter[object] = Counter()
    wrong = 0
    for start in range(first, first + most, TOGETHER):
        if time.monotonic() > until:
            break
        for index, case, outcome in run(kind, seed, start, min(TOGETHER, first + most - start)):
            ended[outcome.status] += 1
            if faults := outcome.faults(case.status):
                wrong += 1
                print(f"{kind} {index}: {', '.join(faults)}\n  {case}\n{outcome.output[-2000:]!a}", flush=True)
    statuses = ", ".join(f"{count} with {status}" for status, count in sorted(ended.items(), key=str))
    print(f"{ended.total()} {kind}, {wrong} wrong; exit statuses: {statuses}", flush=True)
    return wrong


def kill(seed: int, most: int, until: float) -> int:
    """Kill runs until one of the limits; print what went wrong. Returns the number of faults."""
    with tempfile.TemporaryDirectory(prefix="derivcheck-fuzz-") as folder:
        killing = Killing(Path(folder), seed)
        faults = []
        for fault in islice(killing.faults(), most):
            faults.append(fault)
            if time.monotonic() > until:
                break
        if killing.finished("--resume") != killing.unbroken:
            faults.append("the report is not that of an unbroken run")
    wrong = list(filter(None, faults))
    print("\n".join([*wrong, f"{len(faults)} {KILLS}, {len(wrong)} wrong"]), flush=True)
    return len(wrong)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--kind", choices=[*KINDS, KILLS], action="append")
    parser.add_argument("--first", type=int, default=0, help="index of the first case, to see one again")
    parser.add_argument("--most", type=int, default=10**9, help="cases of each kind")
    given = parser.parse_args()
    print(f"--seed {given.seed}", flush=True)
    kinds = given.kind or [*KINDS, KILLS]
    shares = {kind: share for kind, (share, _) in KINDS.items()} | {KILLS: SHARE_OF_KILLS}
    wrong = 0
    for kind in kinds:
        until = time.monotonic() + given.seconds * shares[kind] / sum(map(shares.__getitem__, kinds))
        if kind == KILLS:
            wrong += kill(given.seed, given.most, until)
        else:
            wrong += fuzz(kind, given.seed, given.first, given.most, until)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
