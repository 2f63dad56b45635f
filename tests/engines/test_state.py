"""Torch's settings change no row, and a check leaves them as they were."""

import contextlib
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from derivcheck import check
from derivcheck.engines import state

OPTIONS = {"order": 2, "points": 60, "timing": False, "domain": (-1, 1)}


def rows(function=None, **more):
    return check("x**2*sin(x)/3", function=function, **OPTIONS, **more).to_dict()["checks"][0]["partials"]


def square_sine(x):
    return x**2 * x.sin() / 3


@pytest.fixture(autouse=True)
def _settings_are_put_back():
    with state.kept():
        yield


@pytest.fixture(scope="module")
def usual():
    return {None: rows(), square_sine: rows(square_sine)}


def now():
    return [get() for get, _ in state.ALL], torch.is_inference_mode_enabled(), torch.get_rng_state().tolist()


@contextlib.contextmanager
def called(put, *arguments):
    put(*arguments)
    yield


AROUND = {
    "inference mode": torch.inference_mode,
    "no grad": torch.no_grad,
    "float16": lambda: called(torch.set_default_dtype, torch.float16),
    "float64": lambda: called(torch.set_default_dtype, torch.float64),
    "meta": lambda: called(torch.set_default_device, "meta"),
    "meta inside": lambda: torch.device("meta"),
    "flushed subnormals": lambda: called(torch.set_flush_denormal, True),
    "a seed": lambda: called(torch.manual_seed, 12345),
}


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("function", [None, square_sine], ids=["formula", "function"])
def test_the_callers_settings_change_no_row_and_are_left_alone(usual, around, function):
    with AROUND[around]():
        before = now()
        assert rows(function) == usual[function]
        assert now() == before


CHANGES = {
    "float16": lambda: torch.set_default_dtype(torch.float16),
    "meta": lambda: torch.set_default_device("meta"),
    "no grad": lambda: torch.set_grad_enabled(False),
    "threads": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
    "deterministic": lambda: torch.use_deterministic_algorithms(True, warn_only=True),
    "random numbers": lambda: torch.manual_seed(torch.randint(9, ()).item() + 7),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_function_and_its_backward_set_lasts_for_one_call(usual, change):
    class Changes(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            CHANGES[change]()
            return g

    def function(x):
        found = Changes.apply(square_sine(x))
        CHANGES[change]()
        return found

    before = now()
    for row, known in zip(rows(function), usual[square_sine], strict=True):
        assert (row["verdict"], row["worst"], row["points"]) == (known["verdict"], known["worst"], known["points"])
    assert now() == before


@pytest.mark.parametrize("change", ["torch.set_default_dtype(torch.float16)", "torch.set_default_device('meta')"])
def test_what_a_file_sets_when_it_is_imported_is_put_back(tmp_path, usual, change):
    file = tmp_path / "settings.py"
    file.write_text(f"import torch\n{change}\ntorch.rand(3)\ndef f(x):\n    return x**2 * x.sin() / 3\n")
    before = now()
    found = rows(f"{file}:f")
    assert [row["worst"] for row in found] == [row["worst"] for row in usual[square_sine]]
    assert now() == before


def test_a_file_that_computes_in_float64_by_default_keeps_its_constants(tmp_path):
    (tmp_path / "double.py").write_text(
        "import torch\ntorch.set_default_dtype(torch.float64)\ndef f(x):\n    return torch.tensor(0.1) * x\n"
    )
    assert check("x/10", function=f"{tmp_path}/double.py:f", timing=False, points=60).ok
    assert torch.get_default_dtype() == torch.float32


def test_settings_of_the_process_are_put_back_when_the_last_thread_leaves():
    torch.set_default_dtype(torch.float16)
    with ThreadPoolExecutor(4) as executor:
        for _ in executor.map(lambda _: rows(square_sine), range(8)):
            pass
    assert torch.get_default_dtype() == torch.float16


def test_a_torch_that_raises_for_a_default_device_of_none_has_the_cpu(monkeypatch):
    """As torch 2.5 does."""

    def raises():
        raise AttributeError("'NoneType' object has no attribute 'device'")

    monkeypatch.setattr(torch, "get_default_device", raises)
    with torch.device("cpu"):  # so that the stack is not empty
        assert state._default_device() == torch.device("cpu")
        assert check("x", points=5, timing=False).ok
