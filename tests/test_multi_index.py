import math

import pytest

from derivcheck import multi_index
from derivcheck.errors import RequestError


def test_partials_come_value_first_then_by_order_then_by_variable():
    assert multi_index.up_to_order(2, [0, 1], 2) == [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)]


def test_only_the_variables_asked_for_are_differentiated_by():
    assert multi_index.up_to_order(2, [1], 3) == [(0, 0, 0), (0, 1, 0), (0, 2, 0)]


@pytest.mark.parametrize(("order", "d"), [(0, 1), (6, 2), (3, 4)])
def test_the_number_of_partials_is_a_binomial(order, d):
    assert len(multi_index.up_to_order(order, range(d), d)) == math.comb(d + order, order)


@pytest.mark.parametrize(("order", "cure"), [(-1, "--order 0"), (10**6, "Lower --order")])
def test_an_order_that_makes_no_sense_is_refused_with_the_cure(order, cure):
    with pytest.raises(RequestError, match=cure):
        multi_index.up_to_order(order, [0, 1], 2)


def test_sequences_are_all_distinct_arrangements_canonical_first():
    found = multi_index.sequences((2, 1))
    assert found[0] == (0, 0, 1)
    assert sorted(found) == [(0, 0, 1), (0, 1, 0), (1, 0, 0)]


def test_many_sequences_are_represented_by_the_first_and_its_reverse():
    assert multi_index.sequences((4, 4)) == [(0, 0, 0, 0, 1, 1, 1, 1), (1, 1, 1, 1, 0, 0, 0, 0)]
    assert len(multi_index.sequences((1, 1, 1, 1))) == 24


def test_labels_read_like_mathematics():
    names = ["x1", "x2"]
    assert [multi_index.label(a, names) for a in [(0, 0), (1, 0), (2, 1), (0, 12)]] == [
        "f",
        "∂f/∂x1",
        "∂³f/∂x1²∂x2",
        "∂¹²f/∂x2¹²",
    ]


def test_a_partial_is_read_in_any_order():
    assert multi_index.parse("x1,x2,x1", ["x1", "x2"]) == (2, 1)
    assert multi_index.parse("", ["x1"]) == (0,)


def test_an_unknown_variable_of_a_partial_is_named_with_those_that_exist():
    with pytest.raises(RequestError, match=r"'y' is not a variable\nThe variables are x1, x2"):
        multi_index.parse("x1,y", ["x1", "x2"])
