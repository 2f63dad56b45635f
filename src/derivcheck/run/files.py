"""The files that a run writes: reports, put in place in one step, and files of our own, which follow no link.

A checkout may come from a stranger, with links where derivcheck is going to write. So nothing is written through a
link: a report replaces it, and a file of our own is refused. Devices and pipes that a report names are written to, and
never replaced.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import tempfile
import time
from pathlib import Path

from derivcheck.errors import RequestError, printable

DESCRIPTOR = re.compile(r"/dev/(?P<name>stdin|stdout|stderr)|(?:/dev|/proc/self)/fd/(?P<number>\d{1,9})")
NUMBERS = {"stdin": 0, "stdout": 1, "stderr": 2}
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # no space, quota used up, file too large (`ulimit -f`)
READER = 10.0  # seconds for a reader of a named pipe to open it: a shell starts both at once
POLL = 0.05  # seconds between attempts


def descriptor(path: Path) -> int | None:
    """The file descriptor that a path such as /dev/stdout or /dev/fd/63 means; None for any other path."""
    found = DESCRIPTOR.fullmatch(str(path))
    if not found:
        return None
    return NUMBERS[found["name"]] if found["name"] else int(found["number"])


def is_special(path: Path) -> bool:
    """Whether a report is written to what is there, a device, a pipe or a descriptor, instead of replacing it."""
    if descriptor(path) is not None:
        return True
    try:
        mode = _mode(path)
    except OSError:  # a path that cannot be: `require_writable` says so
        return False
    return mode is not None and not (stat.S_ISREG(mode) or stat.S_ISLNK(mode) or stat.S_ISDIR(mode))


def _mode(path: Path) -> int | None:
    """Of the path itself, links not followed; None if there is nothing. Raises `OSError` for an impossible path."""
    try:
        return path.lstat().st_mode
    except FileNotFoundError:
        return None


def require_writable(path: Path) -> None:
    """Raise `OSError` if a report cannot be written there. A full disk is not a reason: space may become free."""
    number, mode = descriptor(path), _mode(path)
    if number is not None:
        os.fstat(number)
    elif is_special(path):
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    elif mode is not None and stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    elif mode is not None and stat.S_ISLNK(mode) and path.exists() and not path.is_file():
        raise OSError(errno.ELOOP, "it is a link to what is not a file")
    else:
        _require_folder(path.parent)


def _require_folder(folder: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        if error.errno not in FULL:
            raise


def write(path: Path, data: bytes) -> None:
    """Put a report in place. Raises `OSError`. The umask decides the mode of a new file; an old one keeps its own."""
    if is_special(path):
        with os.fdopen(_opened(path), "wb") as file:
            file.write(data)
        return
    draft = path.with_name(f".derivcheck-{secrets.token_hex(8)}")
    try:
        with open(draft, "xb") as file:
            file.write(data)
        if (mode := _mode(path)) is not None and stat.S_ISREG(mode):
            draft.chmod(mode & 0o777)
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _opened(path: Path) -> int:
    """A descriptor to write to what is there. A named pipe has to have a reader, soon."""
    number = descriptor(path)
    if number is not None:
        return os.dup(number)
    deadline = time.monotonic() + READER
    while True:
        try:
            handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError as error:
            if error.errno != errno.ENXIO or time.monotonic() > deadline:
                raise
            time.sleep(POLL)
        else:
            os.set_blocking(handle, True)
            return handle


def open_own(path: Path, flags: int) -> int:
    """A descriptor of a file of our own. Raises `RequestError` if there is a link or anything but a plain file."""
    mode = _mode(path)
    if mode is not None and not stat.S_ISREG(mode):
        raise _not_plain(path)
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags, 0o666)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise _not_plain(path)
    return handle


def require_own_folder(folder: Path) -> None:
    """Refuse a link where a folder of our own should be."""
    if folder.is_symlink():
        raise _not_plain(folder)


def _not_plain(path: Path) -> RequestError:
    cause = f"{printable(str(path))}: a link or a device, where derivcheck keeps the results of a run"
    return RequestError(
        cause, "Remove it. derivcheck follows no links there: they would let others choose what it writes to."
    )
