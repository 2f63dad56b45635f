"""What the code of a function is, as a hash: its file, and what that file imports from its own folder, and so on.

Nothing is imported, because that would run it. Modules of installed packages count by the version of their package.
What a program reads in other ways cannot be seen, except for files that it names in a text, such as "kernel.cu".
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
import secrets
import sys
import sysconfig
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

INSTALLED = tuple(Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib"))
LONGEST_NAME = 255  # bytes of a file name on Linux and macOS: a longer text names none


class Sources:
    """The hashes of one run. A file is read once, when it is first asked for, so that edits during a run are seen as
    differences by the next."""

    def __init__(self) -> None:
        self._files: dict[Path, tuple[str, frozenset[Path]]] = {}
        self._of: dict[str, str] = {}

    def of(self, function: str | None) -> str:
        """The hash for `module:name` or `file.py:name`; empty without a function. One whose file is not found has a new
        hash in each run, because nobody knows whether it is the same."""
        place = (function or "").rpartition(":")[0]
        if place not in self._of:
            self._of[place] = self._hash(place) if place else ""
        return self._of[place]

    def _hash(self, place: str) -> str:
        found = Path(place).resolve() if place.endswith(".py") else _importable(place)
        if found is None:
            return secrets.token_hex(16)
        if _is_installed(found):
            return _version(place.partition(".")[0])
        known = sorted((str(path), self._read(path)[0]) for path in self._reached(found))
        return hashlib.sha256(repr(known).encode()).hexdigest()

    def _reached(self, start: Path) -> set[Path]:
        """The files that a file needs, itself among them."""
        found, waiting = {start}, [start]
        while waiting:
            new = self._read(waiting.pop())[1] - found
            found |= new
            waiting.extend(new)
        return found

    def _read(self, path: Path) -> tuple[str, frozenset[Path]]:
        """The hash of a file, and the files beside it that it needs."""
        if path not in self._files:
            try:
                with path.open("rb") as file:
                    self._files[path] = hashlib.file_digest(file, "sha256").hexdigest(), _needed(path)
            except OSError:
                self._files[path] = "", frozenset()
        return self._files[path]


def _needed(path: Path) -> frozenset[Path]:
    """What a file of Python needs; nothing if it is another kind of file, or cannot be imported."""
    try:
        return frozenset(_named(path, ast.parse(path.read_bytes()))) if path.suffix == ".py" else frozenset()
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()


def _named(path: Path, tree: ast.AST) -> Iterator[Path]:
    """The modules that a file imports from its folder or the working directory, and the files there that it names."""
    folders = [path.parent, Path.cwd()]
    for node in ast.walk(tree):
        for name, level in _imported(node):
            above = [path.parents[level - 1]] if 0 < level <= len(path.parents) else [_root(path.parent), *folders]
            yield from _modules(name, above)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and 0 < len(node.value) <= LONGEST_NAME:
            yield from (folder / node.value for folder in folders if _is_file(folder / node.value))


def _imported(node: ast.AST) -> Iterator[tuple[str, int]]:
    """The modules that a statement may import, each with the number of dots in front."""
    if isinstance(node, ast.Import):
        yield from ((alias.name, 0) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        yield base, node.level
        yield from ((f"{base}.{alias.name}".lstrip("."), node.level) for alias in node.names)


def _root(folder: Path) -> Path:
    """The folder that holds the package of which this one is a part; itself if it is none."""
    while (folder / "__init__.py").is_file() and folder.parent != folder:
        folder = folder.parent
    return folder


def _modules(name: str, folders: list[Path]) -> Iterator[Path]:
    """The files of a module and of the packages that it is in, if it is in one of the folders."""
    parts = name.split(".") if name else []
    for end in range(1, len(parts) + 1):
        found = _origin(".".join(parts[:end]), [str(folder) for folder in folders])
        if found is not None and not _is_installed(found):
            yield found


def _importable(name: str) -> Path | None:
    """The file of a module that a function is in, also if it is installed in place by a finder of its own."""
    found = _origin(name, [str(Path.cwd()), *sys.path])
    if found is None and (spec := importlib.util.find_spec(name.partition(".")[0])) is not None:
        found = _origin(name, [str(Path(folder).parent) for folder in spec.submodule_search_locations or ()])
    return found


def _origin(name: str, folders: list[str]) -> Path | None:
    """The file of a module, found without importing anything."""
    where: list[str] | None = folders
    spec: ModuleSpec | None = None
    for end in range(1, name.count(".") + 2):
        spec = PathFinder.find_spec(".".join(name.split(".")[:end]), where)
        if spec is None:
            return None
        where = list(spec.submodule_search_locations or [])
    return Path(spec.origin).resolve() if spec and spec.origin and spec.has_location else None


def _is_installed(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in INSTALLED)


def _version(package: str) -> str:
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return package


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
