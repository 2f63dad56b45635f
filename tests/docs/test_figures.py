"""That two outputs are told apart where they say different things."""

import pytest

from tests.docs.figures import alike

SHOWN = """
partial      - sympy|   autograd  sympy  autograd    sympy  ratio  verdict
──────────────────────────────────────────────────────────────────────────
f                   0        1.2    1.2   62.6 µs  56.5 µs   1.1x  agrees
∂f/∂x1       4.9e-324        0.8    0.8    155 µs  49.6 µs   3.1x  agrees
∂f/∂x2        1.1e-06        1.1   24.0    164 µs  53.4 µs   3.1x  agrees
  at x        -0.5355724544877063       -0x1.12368d8153880p-1
  Reproduce: derivcheck 'x**3' --domain x=-0x1.12368d8153880p-1:-0x1.12368d8153880p-1 -n 1
All 6 partials agree. 10000 points (3921 refereed), seed 0, float64 on cpu,
torch 2.13.0+cpu, sympy 1.14.0.
Fastest: symbolic, 6.3 times as fast as reverse (417 µs against 2.63 ms)
"""
SAME = [
    ("62.6 µs", "7.1 s"),
    ("3.1x", "12x"),
    ("6.3 times as fast", "2 times as fast"),
    ("+cpu", "+cu130"),
    ("+cpu", ""),
    ("agree. 10000", "agree.\n10000"),
    ("4.9e-324", "0       "),
    ("4.9e-324", " 1.1e-16"),
    ("1.1e-06", "4.7e-06"),
    ("1.2    1.2", "0.4    1.9"),
    ("0x1.12368d8153880p-1", "0x1.12368d8153881p-1"),
]
DIFFERENT = [
    ("agrees", "disagrees"),
    ("All 6", "All 5"),
    ("10000 points", "1000 points"),
    ("3921", "3920"),
    ("seed 0", "seed 1"),
    ("float64", "float32"),
    ("torch 2.13.0", "torch 2.12.0"),
    ("sympy 1.14.0", "sympy 1.13.0"),
    ("∂f/∂x1", "∂f/∂x2"),
    ("-n 1", "-n 2"),
    ("1.1e-06", "1.1e-04"),
    ("1.1e-06", "0      "),
    ("24.0", "20.0"),
    ("-0.5355724544877063", "0.5355724544877063"),
    ("-0x1.12368d8153880p-1", "-0x1.12368d8153880p+9"),
    ("62.6 µs", "-"),
    ("Fastest", "Slowest"),
]


@pytest.mark.parametrize(("old", "new"), SAME)
def test_what_depends_on_the_machine_may_differ(old, new):
    assert old in SHOWN
    assert alike(SHOWN, SHOWN.replace(old, new))


@pytest.mark.parametrize(("old", "new"), DIFFERENT)
def test_words_counts_and_magnitudes_may_not(old, new):
    assert old in SHOWN
    assert not alike(SHOWN, SHOWN.replace(old, new))


def test_a_row_more_a_row_less_and_another_order_are_seen():
    first, second = SHOWN.splitlines()[3:5]
    assert not alike(SHOWN, SHOWN.replace(first, ""))
    assert not alike(SHOWN, SHOWN.replace(first, f"{first}\n{first}"))
    assert not alike(SHOWN, SHOWN.replace(f"{first}\n{second}", f"{second}\n{first}"))
