"""The user's function: found by name, refused with the reason where it cannot be used, its errors in its own frames."""

import sys

import pytest
import torch

from derivcheck import check
from derivcheck.engines.loading import load
from derivcheck.errors import FunctionError

SOURCE = """
import torch

def good(x):
    return x.sin()

def fails(x):
    return inner(x)

def inner(x):
    raise ValueError("out of luck")

def total(x):
    return x.sum()

def number(x):
    return 3.0

def whole(x):
    return (x > 0).long()

def narrow(x):
    return x.float()

def elsewhere(x):
    return torch.empty(len(x), dtype=x.dtype, device="meta")

def inplace(x):
    return x.mul_(2)

def noisy(x):
    return x + torch.rand_like(x)

def column(x):
    return x.sin().unsqueeze(1)

class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x
    @staticmethod
    def backward(ctx, g):
        return 2 * g * ctx.saved_tensors[0]

class Broken(Square):
    @staticmethod
    def backward(ctx, g):
        raise RuntimeError("no way back")

class Space:
    class Inner:
        tan = staticmethod(torch.tan)

net = torch.nn.Linear(2, 1)
net.weight.data[:] = torch.tensor([[2.0, 3.0]])
net.bias.data[:] = 0.5
Net = torch.nn.Linear
constant = 3
"""


@pytest.fixture
def kernels(tmp_path, monkeypatch):
    (tmp_path / "kernels.py").write_text(SOURCE)
    (tmp_path / "helper_of_mine.py").write_text("from kernels import good as renamed")
    (tmp_path / "unreadable.py").write_text("import no_such_thing_at_all")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["kernels.py:good", "kernels:good", "helper_of_mine:renamed", "kernels.py:column"])
def test_a_function_is_found_in_a_file_and_in_a_module(kernels, name):
    assert check("sin(x)", function=name, timing=False).ok


def test_a_function_is_found_inside_objects_and_packages():
    assert load("torch.nn.functional:softplus") is torch.nn.functional.softplus
    assert load("torch:nn.functional.silu") is torch.nn.functional.silu


def test_an_autograd_function_is_called_by_its_apply(kernels):
    assert check("x**2", function="kernels.py:Square", timing=False).ok


def test_a_module_follows_the_dtype_and_takes_a_matrix(kernels):
    request = {"function": "kernels:net", "layout": "matrix", "order": 2, "timing": False}
    assert check("2*x + 3*y + 1/2", dtype=["float64", "float32", "bfloat16"], **request).ok


MISTAKES = {
    "good": ("not a place and a name", "module:name or file.py:name"),
    "kernels.py:god": ("kernels has no god", "Did you mean good"),
    "kernels.py:Space.Inner.sin": ("Inner has no sin", "tan"),
    "kernel.py:good": ("there is no file kernel.py", "Did you mean kernels.py"),
    "kernelz:good": ("there is no module kernelz", "file.py:name"),
    "unreadable.py:x": ("fails when it is imported", "No module named 'no_such_thing_at_all'"),
    "kernels.py:constant": ("int cannot be called", "Name a function"),
    "kernels.py:Net": ("a class of modules", "Name an instance"),
    "kernels.py:fails": (r'kernels.py", line 11, in inner', "ValueError: out of luck"),
    "kernels.py:Broken": ("raises when it is differentiated", "RuntimeError: no way back"),
    "kernels.py:total": (r"returns shape \(\) for \d+ points", "one number per point"),
    "kernels.py:number": ("returns float, not a tensor", "Return a tensor"),
    "kernels.py:whole": ("torch.int64, which has no derivative", "Return torch.float64"),
    "kernels.py:narrow": ("returns torch.float32 for torch.float64", "--dtype"),
    "kernels.py:elsewhere": ("on meta for points on cpu", "where the input is"),
    "kernels.py:inplace": ("changes its argument 1 in place", "clone"),
    "kernels.py:noisy": (r"not deterministic: two calls at point 0 gave \d\.\d+ and \d\.\d+", r"module.eval\(\)"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_cannot_be_used_is_refused_with_the_reason(kernels, name):
    cause, cure = MISTAKES[name]
    with pytest.raises(FunctionError, match=f"(?s){cause}.*{cure}"):
        check("sin(x)", function=name, timing=False)


def test_only_the_users_own_frames_are_shown(kernels):
    with pytest.raises(FunctionError) as caught:
        check("sin(x)", function="kernels.py:fails", timing=False)
    assert "derivcheck" not in str(caught.value).replace("site-packages", "")
    assert str(caught.value).count("File ") == 2


@pytest.mark.parametrize("name", ["torch:sin", "torch.nn.functional:silu", "derivcheck.builtin.torch_functions:_rows"])
def test_a_function_that_comes_with_derivcheck_puts_no_folder_on_the_path(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", list(sys.path))
    load(name)
    assert str(tmp_path) not in sys.path
