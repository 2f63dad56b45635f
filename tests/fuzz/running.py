"""Runs cases in forked processes, which have torch and sympy already, and says what is wrong with each outcome.

A process runs several cases one after the other. If one does not finish, or takes the process down, the next process
continues behind it.
"""

import contextlib
import ctypes
import faulthandler
import functools
import importlib
import json
import os
import re
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from derivcheck.engines import registry
from derivcheck.errors import ExitStatus
from tests.fuzz.case import Case

MOST_SECONDS = 5.0  # of processor time, which other programs on the machine do not lengthen
PATIENCE = 12  # times that of wall-clock time, before a run is killed
MOST_MEMORY = 16 * 2**30  # bytes of address space, of which torch alone reserves several GB
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>: no process that hangs is left if this one is killed
BLOCK = 2**16  # bytes: what a pipe holds
OUTPUT = "output"
MEANINGFUL = {ExitStatus.AGREES, ExitStatus.DISAGREES, ExitStatus.USAGE, ExitStatus.UNDECIDED}
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Outcome:
    """How one case ended. `status` is None if it was killed; `seconds` are of processor time."""

    status: int | None
    seconds: float
    output: str

    def faults(self, expected: int | None = None) -> list[str]:
        """What no run may do, and what is not the exit status that is expected."""
        found = [] if expected in (None, self.status) else [f"exit status {self.status} instead of {expected}"]
        if self.status is None or self.seconds > MOST_SECONDS:
            found.append(f"took {self.seconds:.1f} s")
        if self.status is not None and self.status not in MEANINGFUL:
            found.append(f"exit status {self.status}")
        if "Traceback (most recent call last)" in self.output:
            found.append("a traceback")
        if control := CONTROL.search(self.output):
            found.append(f"control character {control.group()!a}")
        return found


def outcomes(cases: Sequence[Case]) -> Iterator[Outcome]:
    """The outcome of each case, in order."""
    _warm_up()
    done = 0
    while done < len(cases):
        for outcome in _forked(cases[done:]):
            yield outcome
            done += 1


@functools.cache
def _warm_up() -> None:
    """Import what checks import on their way, once. Nothing is computed: torch would start threads, and no lock that
    one of them holds at a fork is ever released in the new process."""
    for module in ("derivcheck.cli.suite", "derivcheck.api", "torch._dynamo", *registry.BUILT_IN.values()):
        importlib.import_module(module.partition(":")[0])


def _forked(cases: Sequence[Case]) -> Iterator[Outcome]:
    """Outcomes of one process; the last of them is that of the case which ended it, if one did."""
    reading, writing = os.pipe()
    folder = Path(tempfile.mkdtemp(prefix="derivcheck-fuzz-"))
    process = os.fork()
    if not process:
        os.close(reading)
        _child(cases, writing, folder)
    os.close(writing)
    count = 0
    for line in _patiently(reading):
        yield Outcome(*json.loads(line))
        count += 1
    os.close(reading)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    if count < len(cases):
        code = os.waitstatus_to_exitcode(status)
        shown = (folder / OUTPUT).read_text(encoding="utf-8", errors="backslashreplace")
        yield Outcome(None if code == -signal.SIGKILL else code, MOST_SECONDS * PATIENCE, shown)
    shutil.rmtree(folder, ignore_errors=True)


def _patiently(reading: int) -> Iterator[bytes]:
    """Lines as they come, until the pipe ends or there are none for too long."""
    begun = b""
    while select.select([reading], [], [], MOST_SECONDS * PATIENCE)[0]:
        block = os.read(reading, BLOCK)
        if not block:
            return
        *lines, begun = (begun + block).split(b"\n")
        yield from lines


def _child(cases: Sequence[Case], writing: int, folder: Path) -> None:
    """Run the cases and leave without any clean-up of the process that was forked."""
    os.setpgid(0, 0)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with (folder / OUTPUT).open("w+b") as shown:
            for k, case in enumerate(cases):
                faulthandler.dump_traceback_later(MOST_SECONDS * PATIENCE - 1, file=shown)
                outcome = _run(case, folder / str(k), shown)
                line = json.dumps([*outcome, _taken(shown)]) + "\n"
                os.write(writing, line.encode("ascii"))
    finally:
        os._exit(0)


def _taken(shown: IO[bytes]) -> str:
    """What a file holds, which is empty afterwards."""
    shown.seek(0)
    text = shown.read().decode("utf-8", "backslashreplace")
    shown.seek(0)
    shown.truncate()
    return text


def _run(case: Case, place: Path, shown: IO[bytes]) -> tuple[int, float]:
    """Exit status and seconds of processor time of one case, in a folder of its own; its output goes to a file."""
    place.mkdir()
    for name, content in case.files.items():
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_bytes(content)
    (place / ".stdin").write_bytes(case.stdin)
    os.chdir(place)
    for stream in (1, 2):
        os.dup2(shown.fileno(), stream)
    with (
        (place / ".stdin").open(encoding="utf-8", errors="surrogateescape") as sys.stdin,
        open(1, "w", encoding="utf-8", errors="backslashreplace", closefd=False) as sys.stdout,
        open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False) as sys.stderr,
    ):
        start = time.process_time()
        return _status(case.arguments), time.process_time() - start


def _status(arguments: Sequence[str]) -> int:
    """What the shell would see."""
    from derivcheck.cli.command import main  # noqa: PLC0415

    sys.argv = ["derivcheck", *arguments]
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        import traceback  # noqa: PLC0415

        traceback.print_exc()
    return 1
