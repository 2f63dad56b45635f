"""The hash of a function changes with its file and with what that imports from its folder, and with nothing else."""

import sys

import pytest

from derivcheck.run.sources import Sources

FILES = {
    "f.py": "import a\nfrom pkg import b\nimport torch\nSOURCE = 'kernel.cu'\ndef f(x): return a.g(x)\n",
    "a.py": "def g(x):\n    from c import h\n    return h(x)\n",
    "c.py": "h = abs\n",
    "unused.py": "1\n",
    "kernel.cu": "__global__ void f() {}\n",
    "other.cu": "__global__ void g() {}\n",
    "pkg/__init__.py": "",
    "pkg/b.py": "from . import d\nfrom .sub.e import *\nfrom pkg.deep import z\n",
    "pkg/d.py": "D = 1\n",
    "pkg/sub/__init__.py": "from ..up import U\n",
    "pkg/sub/e.py": "E = 1\n",
    "pkg/up.py": "U = 1\n",
    "pkg/deep.py": "z = 1\n",
    "pkg/unused.py": "1\n",
}
NEEDED = set(FILES) - {"unused.py", "other.cu", "pkg/unused.py"}
OF_THE_PACKAGE = {
    "pkg/__init__.py",
    "pkg/b.py",
    "pkg/d.py",
    "pkg/sub/__init__.py",
    "pkg/sub/e.py",
    "pkg/up.py",
    "pkg/deep.py",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name, text in FILES.items():
        (tmp_path / "code" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "code" / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "code"


def changing(folder, function):
    """The files whose change changes the hash of a function."""
    before, found = Sources().of(function), set()
    for name in FILES:
        text = (folder / name).read_text()
        (folder / name).write_text(text + "\n")
        if Sources().of(function) != before:
            found.add(name)
        (folder / name).write_text(text)
    assert Sources().of(function) == before
    return found


def test_a_function_of_a_file_depends_on_what_is_imported_from_its_folder(folder):
    assert changing(folder, "code/f.py:f") == NEEDED


def test_a_function_of_a_module_depends_on_its_package(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert changing(folder, "f:f") == NEEDED
    assert changing(folder, "pkg.b:f") == OF_THE_PACKAGE


def test_a_module_in_the_working_directory_counts_too(folder):
    (folder.parent / "a.py").write_text("in the folder of the file there is one of this name\n")
    (folder.parent / "g.py").write_text("")
    (folder / "f.py").write_text("import g")
    before = Sources().of("code/f.py:f")
    (folder.parent / "g.py").write_text("changed")
    assert Sources().of("code/f.py:f") != before


def test_nothing_is_imported_to_find_out(folder):
    (folder / "pkg" / "__init__.py").write_text("raise SystemExit('it was run')")
    (folder / "f.py").write_text("import pkg.b\nraise SystemExit('it was run')")
    modules = set(sys.modules)
    assert Sources().of("code/f.py:f")
    assert not {name for name in set(sys.modules) - modules if name in ("f", "a", "pkg", "pkg.b")}


def test_what_is_installed_counts_by_its_version():
    assert Sources().of("torch:sin").startswith("torch 2")
    assert Sources().of("torch.nn.functional:silu") == Sources().of("torch:sin")
    assert Sources().of("json:loads") == "json"
    assert Sources().of(None) == ""


def test_what_is_not_found_is_never_the_same():
    assert Sources().of("no_such_module_at_all:f") != Sources().of("no_such_module_at_all:f")


@pytest.mark.parametrize(
    "text", [b"\xff\xfe", b"def", b"(" * 10_000, b"import " + b"a." * 300 + b"b", b"from . import x"]
)
def test_a_file_that_is_no_python_has_a_hash_all_the_same(tmp_path, text):
    (tmp_path / "f.py").write_bytes(text)
    first = Sources().of(f"{tmp_path}/f.py:f")
    (tmp_path / "f.py").write_bytes(text + b" ")
    assert len({first, Sources().of(f"{tmp_path}/f.py:f")}) == 2


def test_a_file_is_read_once_so_that_an_edit_during_a_run_counts_for_the_next(folder):
    sources = Sources()
    before = sources.of("code/f.py:f")
    (folder / "f.py").write_text("changed")
    assert sources.of("code/f.py:f") == before != Sources().of("code/f.py:f")
