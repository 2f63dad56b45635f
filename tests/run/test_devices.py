"""The same verdicts on every device that is there."""

import pytest
import torch
from typer.testing import CliRunner

from derivcheck import Verdict, check
from derivcheck.cli.command import app
from derivcheck.errors import RequestError
from derivcheck.run import devices

PRESENT = [pytest.param(name, id=name) for name in devices.present()]
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")


@pytest.mark.parametrize("device", PRESENT)
@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
def test_the_demo_agrees_on_every_device_and_dtype(device, dtype):
    if device == "mps" and dtype == "float64":
        pytest.skip("MPS has no float64")
    report = check("x1**2*sin(x2)", order=2, device=device, dtype=dtype, timing=False)
    assert report.verdict is Verdict.AGREES
    assert report.checks[0].device == device


@needs_cuda
def test_a_lie_is_found_on_cuda():
    report = check("x**2", function=lambda x: (x.detach() * x).to(x.device), device="cuda", order=1)
    assert report.verdict is Verdict.DISAGREES
    assert report.environment["device_name"] == torch.cuda.get_device_name(0)


@needs_cuda
def test_one_seed_names_the_same_points_on_cuda_and_cpu():
    wrong = {"function": lambda x: x * 1.01, "order": 0, "timing": False}
    here, there = (check("x", device=d, **wrong).checks[0].partials[0].worst for d in ("cpu", "cuda"))
    assert here.point == there.point


@pytest.mark.parametrize(
    ("present", "best"), [(["cpu"], "cpu"), (["cpu", "cuda:0", "cuda:1"], "cuda:0"), (["cpu", "mps"], "mps")]
)
def test_auto_is_the_first_accelerator_or_else_the_cpu(monkeypatch, present, best):
    monkeypatch.setattr(devices, "present", lambda: present)
    assert devices.resolve("auto") == best


@pytest.mark.parametrize("name", ["cuba", "cuda:99", "CPU", "", "cpu:0:1"])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(name):
    with pytest.raises(RequestError, match="there is no such device here\nPresent: cpu"):
        devices.resolve(name)


def test_float64_on_mps_is_refused_with_the_cure():
    with pytest.raises(RequestError, match="--dtype float32"):
        devices.require_dtype("mps", "float64")


def test_several_devices_are_several_checks():
    assert [c.device for c in check("x", device=["cpu", "cpu"], timing=False).checks] == ["cpu", "cpu"]


@pytest.mark.parametrize("absent", ["cuda", "cuda:99"])
def test_a_suite_on_a_device_that_is_absent_is_an_error_of_its_checks(tmp_path, monkeypatch, absent):
    """The report describes every device of its checks."""
    (tmp_path / "s.toml").write_text('[[check]]\nexpression = "x"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(devices, "present", lambda: ["cpu"])
    result = CliRunner().invoke(app, ["--suite", "s.toml", "--device", absent])
    assert result.exit_code == 2
    assert f"--device {absent}: there is no such device here" in result.output
