"""The equation is read off the code: whatever its style, with its floats as the numbers that they round."""

from pathlib import Path

import pytest
import sympy as sp

from derivcheck import check
from derivcheck.errors import RequestError

FILE = Path(__file__).parent / "residuals.py"
HEAT = "u_t - u_xx/10"


def computed(name, **options):
    """What the code computes by itself: a report of few points without an expression."""
    given = {"net": "net", "variables": "x,t", "order": 0, "points": 20, "timing": False} | options
    (found,) = check(function=f"{FILE}:{name}", **given).checks
    assert found.verdict == "agrees"
    return found.computes


def is_same(text, formula):
    return sp.expand(sp.sympify(text) - sp.sympify(formula)) == 0


@pytest.mark.parametrize("name", ["heat", "heat_of_matrix", "heat_flat", "heat_untrained", "heat_of_field"])
def test_one_equation_is_read_from_every_style(name):
    (text,) = computed(
        name, training=name != "heat_untrained", net=None if name == "heat_of_field" else "net", fields="u"
    )
    assert is_same(text, HEAT)


def test_a_second_derivative_of_the_whole_gradient_row_is_seen():
    (text,) = computed("heat_of_row")
    assert is_same(text, "u_t - u_xx/10 - u_xt/10")


def test_a_parameter_that_is_trained_is_a_symbol_even_where_it_is_0():
    (text,) = computed("heat_with_rate")
    assert is_same(text, "u_t - u_xx/10 + RATE*u")


def test_a_network_of_scaled_inputs_is_a_field_of_the_unscaled_ones():
    (text,) = computed("Scaled.residual")
    assert is_same(text, HEAT)


def test_an_object_that_cannot_be_made_is_made_without_its_init():
    (text,) = computed("Solver.residual", net="u_net")
    assert is_same(text, HEAT)


def test_the_network_may_be_a_name_of_the_module():
    (text,) = computed("heat_of_module", net="nobody")
    assert is_same(text, HEAT)


def test_a_call_by_text_passes_dicts_and_the_value_of_the_network():
    (text,) = computed("heat_of_dict", call='heat_of_dict({"x": x, "t": t}, net({"x": x, "t": t}))')
    assert is_same(text, HEAT)


def test_outputs_of_any_structure_are_listed_in_order():
    texts = computed("flow", variables="x,y", fields="u,v")
    assert len(texts) == 4
    assert all(map(is_same, texts, ["u_x + v_y", "u*u_x", "u_y", "v_x"]))


def test_a_loss_is_read_as_the_equations_whose_squares_it_adds():
    texts = computed("heat_loss")
    assert is_same(texts[0], HEAT)
    assert texts[1] == "u(x, 0) - sin(pi*x)"


def test_a_mean_shows_the_number_of_points():
    report = check(
        "u_t - 0.1*u_xx", function=f"{FILE}:heat_of_mean", net="net", variables="x,t", order=0, points=20, timing=False
    )
    (found,) = report.checks
    assert is_same(found.computes[0], "u_t/n - u_xx/10")
    assert found.verdict == "disagrees"
    assert "mean" in found.discrepancies[0].hint


def test_a_value_that_depends_on_other_points_is_not_its_own_truth():
    report = check(function=f"{FILE}:heat_mixed", net="net", variables="x,t", order=0, points=20, timing=False)
    assert report.verdict == "unsupported"


def test_nested_transforms_of_torch_func_are_read():
    """Torch differentiates a custom operation in nested jvp to 0."""
    (text,) = computed("heat_by_jvp")
    assert is_same(text, HEAT)


def test_where_the_code_cannot_be_traced_the_numbers_decide_and_the_report_says_so():
    given = {"function": f"{FILE}:heat_branching", "net": "net", "variables": "x,t", "order": 0, "points": 20}
    (found,) = check("u_t - 0.1*u_xx", timing=False, **given).checks
    assert found.computes == ()
    assert "not read" in found.notes[0]
    assert found.verdict == "agrees"
    assert check("u_t - 0.2*u_xx", timing=False, **given).verdict == "disagrees"


def test_the_shape_of_all_pairs_is_refused_by_name():
    with pytest.raises(RequestError, match=r"shape \(n, n\)"):
        computed("heat_broadcast")
