"""--call is read by an allow list and never evaluated."""

import pytest

from derivcheck.errors import ExpressionError
from derivcheck.pde.call import Call

NAMES = {"pde": "the function", "X": "the matrix", "net": "the network"}


def test_names_tuples_lists_dicts_strings_and_numbers_make_a_call():
    call = Call('pde(X, net(X), [1, -2.5], {"x": (X, None)}, flag=True)', NAMES)
    seen = call.run({"pde": lambda *args, **named: (args, named), "X": 3, "net": lambda x: 2 * x})
    assert seen == ((3, 6, [1, -2.5], {"x": (3, None)}), {"flag": True})


@pytest.mark.parametrize(
    "text",
    [
        "X",
        "pde(Y)",
        "pde(X.T)",
        "X.__class__(X)",
        "__import__('os')",
        "pde(X[0])",
        "pde(*X)",
        "pde(**X)",
        "pde({**X})",
        "pde(lambda: X)",
        "pde([x for x in X])",
        "pde(X + X)",
        "pde(f'{X}')",
        "pde(X if X else X)",
        "pde(X:=1)",
        "pde(b'x')",
        "pde(1j)",
        "pde(X",
        "pde(" * 200 + "X" + ")" * 200,
        "pde(" + "X, " * 1000 + ")",
    ],
)
def test_everything_else_is_refused(text):
    with pytest.raises(ExpressionError):
        Call(text, NAMES)
