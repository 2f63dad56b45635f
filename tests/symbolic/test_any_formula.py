"""Whatever the parser accepts goes through every later stage; whatever it refuses, it refuses by an ExpressionError."""

import contextlib

import pytest
import torch

from derivcheck import multi_index
from derivcheck.errors import ExpressionError, Unsupported
from derivcheck.exact.referees import Referees
from derivcheck.expression.parsing import parse
from derivcheck.symbolic.differentiation import SymbolicPartials
from derivcheck.symbolic.kinks import switches
from derivcheck.symbolic.lowering import lower
from tests.expressions import wild

POINTS = torch.tensor([[0.3, -1.2, 0.0, 2.0]] * 2, dtype=torch.float64)


@pytest.mark.parametrize("seed", range(150))
def test_a_random_formula_is_refused_by_name_or_goes_through_all_stages(seed):
    with contextlib.suppress(ExpressionError):
        formula = parse(wild(seed, 1 + seed % 4, ["x", "y"])).formula
        with contextlib.suppress(Unsupported):
            _stages(formula)


def _stages(formula):
    symbolic = SymbolicPartials(formula, ["x", "y"])
    for alpha in multi_index.up_to_order(2, range(2), 2):
        with contextlib.suppress(Unsupported):
            lower(symbolic.graph, [symbolic.partial(alpha)])(list(POINTS))
    if (differences := switches(symbolic)) is not None:
        differences(POINTS)
    Referees(symbolic).of(((0, 0),), torch.float64).enclose(POINTS[:, :2])
