"""A run that is killed at any moment, again and again, with functions in two workers.

`--resume` gives the report of an unbroken run, and of what was killed nothing is left: no process, no draft of a file.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

STATUS = {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130, signal.SIGHUP: 143}
FUNCTION = "import time\ndef double(x):\n    time.sleep(0.004)\n    return 2 * x\n"
ENTRY = '[[check]]\nname = "c{k}"\nexpression = "{factor}*x"\nfunction = "f.py:double"\npoints = 50\norder = 0\n'
SUITE = "".join(ENTRY.format(k=k, factor=3 if k == 4 else 2) for k in range(8))
REPORT, JOURNAL = "r.json", "r.json.jsonl"
COMMAND = (sys.executable, "-m", "derivcheck", "--suite", "s.toml", "--jobs", "2", "--report", f"json={REPORT}")
FRESH = 10  # kills between two runs from the start: else nothing is left to be killed
LONGEST = 200  # seconds for a run, and for its processes to end


class Killing:
    """A folder with a suite, and the runs in it; their processes are found by a mark in their environment."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.mark, self.draw = folder, uuid.uuid4().hex, random.Random(f"kills {seed}")
        (folder / "s.toml").write_text(SUITE)
        (folder / "f.py").write_text(FUNCTION)
        start = time.monotonic()
        self.unbroken = self.finished()
        self.seconds = time.monotonic() - start
        for path in (REPORT, JOURNAL):
            (folder / path).unlink()

    def faults(self) -> Iterator[str]:
        """What is wrong after each kill, without end; empty if nothing is."""
        kill = 0
        while True:
            if kill % FRESH == 0:
                (self.folder / JOURNAL).unlink(missing_ok=True)
            kill += 1
            yield self._killed()

    def _killed(self) -> str:
        number = self.draw.choice(list(STATUS))
        with self._started("--resume") as process:
            time.sleep(self.draw.uniform(0, self.seconds))
            process.send_signal(number)
            status = process.wait(LONGEST)
        if status not in (STATUS[number], 1, -number):  # it had ended before, or had not begun
            return f"exit status {status} after {number.name}"
        if not self.is_gone():
            return f"processes are left after {number.name}"
        left = {path.name for path in self.folder.iterdir()} - {"s.toml", "f.py", REPORT, JOURNAL}
        return f"{left} left after {number.name}" if left else ""

    def finished(self, *options: str) -> Any:
        """The report of a run that nobody kills, without its times."""
        with self._started(*options) as process:
            assert process.wait(LONGEST) == 1
        report = json.loads((self.folder / REPORT).read_text())
        for check in report["checks"]:
            check["seconds"] = {}
        return report

    def is_gone(self) -> bool:
        """Whether all processes end."""
        deadline = time.monotonic() + LONGEST
        while (left := self._processes()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return not left

    def _started(self, *options: str) -> "subprocess.Popen[bytes]":
        added = {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", "DERIVCHECK_MARK": self.mark}
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), **added}
        nowhere = subprocess.DEVNULL
        return subprocess.Popen([*COMMAND, *options], cwd=self.folder, env=environment, stdout=nowhere, stderr=nowhere)

    def _processes(self) -> list[str]:
        """Those that inherited the mark: the run and its workers."""
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                if f"DERIVCHECK_MARK={self.mark}".encode() in path.read_bytes():
                    found.append(path.parent.name)
            except OSError:
                continue  # it has just ended, or is not ours
        return found
