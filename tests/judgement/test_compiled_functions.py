"""A function that the user has compiled: no mode of this package meets torch.compile, and a miscompilation is seen."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from derivcheck import Verdict, check
from derivcheck.tracing import stance
from derivcheck.tracing.forward import trace

needs_compiler = pytest.mark.skipif(not shutil.which("g++"), reason="torch.compile needs a C++ compiler")
needs_stance = pytest.mark.skipif(not hasattr(torch.compiler, "set_stance"), reason="torch 2.5 has no force_eager")
pytestmark = pytest.mark.filterwarnings("ignore")  # torch warns of its own use of torch.jit while it compiles
REQUEST = {"timing": False, "points": 1000}


def smooth(x):
    return torch.sin(x) * torch.exp(-x)


def half_more(graph, inputs):
    """A backend that miscompiles: everything is 1.5 times what it should be."""
    return lambda *given: tuple(1.5 * out for out in graph(*given))


@needs_compiler
@needs_stance
def test_a_function_compiled_with_fullgraph_agrees():
    torch._dynamo.reset()
    assert check("sin(x)*exp(-x)", function=torch.compile(smooth, fullgraph=True), **REQUEST).ok


@needs_stance
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_miscompiled_function_disagrees_and_the_compiler_is_named(dtype):
    torch._dynamo.reset()
    rows = check("sin(x)*exp(-x)", function=torch.compile(smooth, backend=half_more), dtype=dtype, **REQUEST)
    assert {(r.verdict, r.message) for r in rows.checks[0].partials} == {
        (Verdict.DISAGREES, "right without torch.compile")
    }


@needs_stance
def test_a_compiled_function_inside_another_takes_the_same_path():
    torch._dynamo.reset()
    inner = torch.compile(smooth, backend="eager", fullgraph=True)
    assert check("sin(x)*exp(-x)+x", function=lambda x: inner(x) + x, **REQUEST).ok


@needs_compiler
@needs_stance
def test_the_double_backward_that_torch_compile_lacks_is_unsupported():
    torch._dynamo.reset()
    report = check("sin(x)*exp(-x)", function=torch.compile(smooth), order=2, **REQUEST)
    assert [r.verdict for r in report.checks[0].partials] == [Verdict.AGREES, Verdict.AGREES, Verdict.UNSUPPORTED]


@needs_stance
def test_threads_leave_no_stance_behind_and_disturb_no_other():
    """Torch has one stance per process: what one thread runs eagerly must not hide the miscompilation of another."""
    torch._dynamo.reset()
    wrong = torch.compile(smooth, backend=half_more)
    with ThreadPoolExecutor(4) as executor:
        asked = [executor.submit(check, "sin(x)*exp(-x)", function=wrong, seed=k, **REQUEST) for k in range(8)]
        verdicts = {row.verdict for each in asked for row in each.result().checks[0].partials}
    assert verdicts == {Verdict.DISAGREES}
    assert torch.allclose(wrong(torch.ones(2)), 1.5 * smooth(torch.ones(2)))


@needs_stance
def test_a_function_is_traced_while_no_other_thread_can_change_the_stance():
    import torch._dynamo  # noqa: PLC0415 before which there is nothing to disturb

    taken = []

    def function(x):
        other = threading.Thread(target=lambda: taken.append(stance._alone.acquire(blocking=False)))
        other.start()
        other.join()
        return x * 2

    trace(function, torch.rand(1, 5, dtype=torch.float64), "")
    assert taken
    assert not any(taken)
