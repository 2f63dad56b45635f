"""One run of the command line: what it is given."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Case:
    """Arguments, and the files of the folder that the run begins in."""

    arguments: Sequence[str]
    files: Mapping[str, bytes] = field(default_factory=dict)
    stdin: bytes = b""
    status: int | None = None
    """The exit status that the run must have, if it is known."""

    def __str__(self) -> str:
        written = "".join(f"\n  {name}: {content!a}" for name, content in self.files.items())
        return f"derivcheck {shlex.join(self.arguments)!a}{written}"
