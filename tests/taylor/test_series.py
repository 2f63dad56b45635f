"""The algebra of truncated power series: its index sets, Leibniz' product, and composition."""

from fractions import Fraction
from itertools import product
from math import comb, factorial

import pytest
import torch

from derivcheck.multi_index import up_to_order
from derivcheck.taylor.series import WIDE, Algebra, Products

TWO = up_to_order(4, [0, 1], 2)


def series(algebra, seed):
    return torch.randn(len(algebra), 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def coefficients(algebra, tensor, point=0):
    return {alpha: Fraction(tensor[k, point].item()) for alpha, k in algebra.place.items()}


def by_hand(a, b):
    """The Cauchy product over pairs, in fractions."""
    total = dict.fromkeys(a, Fraction(0))
    for (alpha, x), (beta, y) in product(a.items(), b.items()):
        gamma = tuple(i + j for i, j in zip(alpha, beta, strict=True))
        if gamma in total:
            total[gamma] += x * y
    return total


def close(tensor, exact, algebra, point=0):
    found = coefficients(algebra, tensor, point)
    return all(abs(found[alpha] - exact[alpha]) <= 1e-13 * (1 + abs(exact[alpha])) for alpha in exact)


def test_an_index_set_is_the_boxes_below_its_partials():
    algebra = Algebra([(2, 1), (0, 3)])
    assert set(algebra.indices) == {*product(range(3), range(2)), *((0, k) for k in range(4))}
    assert algebra.indices[0] == (0, 0)
    assert algebra.order == 3


@pytest.mark.parametrize("order", [0, 1, 5])
def test_all_partials_to_an_order_are_their_own_index_set(order):
    assert len(Algebra(up_to_order(order, [0, 1, 2], 3))) == comb(order + 3, 3)


def test_the_products_grow_like_a_power_of_the_order():
    """C(K + 4, 4) pairs in two variables, as counted by hand: pairs (α, β) with |α| + |β| <= K."""
    for order in (1, 4, 9):
        assert Algebra(up_to_order(order, [0, 1], 2)).cauchy.ends[-1] == comb(order + 4, 4)


@pytest.mark.parametrize("partials", [TWO, [(2, 1), (0, 3)], [(1, 1, 1, 1)], [(6,)]])
def test_multiplication_is_the_cauchy_product(partials):
    algebra = Algebra(partials)
    a, b = series(algebra, 1), series(algebra, 2)
    assert close(algebra.multiply(a, b), by_hand(coefficients(algebra, a), coefficients(algebra, b)), algebra)


def test_leibniz_by_hand():
    """∂x²∂y of x²y · xy² = x³y³ at (2, 3): 6·2·3·9 = 324."""
    algebra = Algebra([(2, 1)])
    one = torch.ones(1, dtype=torch.float64)
    x, y = algebra.variable(0, 2 * one, one), algebra.variable(1, 3 * one, one)
    square = algebra.multiply
    left, right = square(square(x, x), y), square(x, square(y, y))
    assert algebra.partial(square(left, right), (2, 1)).item() == 324


SETS = {"one variable": up_to_order(6, [0], 1), "two": up_to_order(6, [0, 1], 2), "three": up_to_order(4, [0, 1, 2], 3),
        "not to an order": [(2, 1), (0, 3)], "values alone": [(0, 0)]}  # fmt: skip


def wide(algebra, seed, dtype, shape=(WIDE,)):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(len(algebra), *shape, dtype=torch.float64, generator=generator).to(dtype)


def narrow(operation, *operands):
    """The same operation on pieces of the last axis that are too small for the path of many points."""
    pieces = zip(*(x.split(WIDE // 4, -1) for x in operands), strict=True)
    return torch.cat([operation(*piece) for piece in pieces], -1)


@pytest.fixture
def paths(monkeypatch):
    """The paths that products take while the test runs."""
    taken = []

    def noting(name, original):
        def noted(self, *args):
            taken.append(name)
            return original(self, *args)

        return noted

    for name in ("_one_by_one", "_together"):
        monkeypatch.setattr(Products, name, noting(name, getattr(Products, name)))
    return taken


# Both paths add the same products, in float64 and float32 in the same order; of narrow types, index_add rounds each
# product before it is added and addcmul_ may not.
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("partials", SETS.values(), ids=SETS)
def test_many_points_have_the_product_that_few_have(partials, dtype, paths):
    algebra = Algebra(partials)
    a, b = wide(algebra, 1, dtype), wide(algebra, 2, dtype)
    found = algebra.multiply(a, b)
    assert paths == ["_one_by_one"]
    few = narrow(algebra.multiply, a, b)
    assert set(paths[1:]) == {"_together"}
    assert found.dtype == few.dtype == dtype
    size = narrow(algebra.multiply, a.double().abs(), b.double().abs())  # what rounding is relative to
    terms = max(map(len, algebra.cauchy.pairs))
    assert ((found.double() - few.double()).abs() <= terms * torch.finfo(dtype).eps * size).all()


@pytest.mark.parametrize("partials", SETS.values(), ids=SETS)
def test_many_points_have_the_product_by_hand(partials):
    algebra = Algebra(partials)
    a, b = wide(algebra, 1, torch.float64), wide(algebra, 2, torch.float64)
    found = algebra.multiply(a, b)
    for point in (0, WIDE // 2, WIDE - 1):
        exact = by_hand(coefficients(algebra, a, point), coefficients(algebra, b, point))
        assert close(found, exact, algebra, point)


@pytest.mark.parametrize("partials", SETS.values(), ids=SETS)
def test_many_points_have_the_composition_that_few_have(partials, paths):
    algebra = Algebra(partials)
    u = wide(algebra, 3, torch.float64)
    taylor = [torch.exp(u[0]) / factorial(k) for k in range(algebra.order + 1)]
    found = algebra.compose(taylor, u)
    assert set(paths) == ({"_one_by_one"} if algebra.order else set())
    few = narrow(lambda part, *rows: algebra.compose([row[0] for row in rows], part), u, *(t[None] for t in taylor))
    torch.testing.assert_close(found, few, rtol=1e-12, atol=1e-12)


def test_one_infinite_coefficient_among_many_points_spoils_no_other_partial(paths):
    """sqrt(x) of an x that does not vary: its slope at 0 is infinite, its partials are 0. Many points take the careful
    path then."""
    algebra = Algebra([(2, 0), (0, 2), (1, 1)])
    x, y = torch.linspace(0, 1, 2 * WIDE, dtype=torch.float64), torch.ones(2 * WIDE, dtype=torch.float64)
    u = algebra.variable(1, y, y)
    slopes = [0.5 * x**-0.5, -0.125 * x**-1.5]
    found = algebra.compose([x.sqrt(), *slopes], u)
    assert found[algebra.place[2, 0]].eq(0).all()
    assert found[algebra.place[1, 0]].eq(0).all()
    assert set(paths) == {"_together"}


@pytest.mark.parametrize("shape", [(WIDE, 1), (1, WIDE), (2, WIDE // 2)])
def test_many_points_broadcast_like_few(shape, paths):
    algebra = Algebra(TWO)
    a, b = wide(algebra, 1, torch.float64, shape), wide(algebra, 2, torch.float64, (shape[0], 1))
    found = algebra.multiply(a, b)
    assert paths == ["_one_by_one"]
    assert found.shape == (len(algebra), *shape)
    for i in (0, shape[0] - 1):
        torch.testing.assert_close(found[:, i, 0], algebra.multiply(a[:, i, 0], b[:, i, 0]), rtol=1e-13, atol=1e-13)


def test_products_broadcast_after_the_first_axis():
    algebra = Algebra(TWO)
    a, b = series(algebra, 1).unsqueeze(2), series(algebra, 2).unsqueeze(1)
    both = algebra.multiply(a, b)
    assert both.shape == (len(algebra), 3, 3)
    assert torch.equal(both[:, 1, 2], algebra.multiply(a[:, 1, 0], b[:, 0, 2]))


@pytest.mark.parametrize("partials", [TWO, [(2, 1), (0, 3)], [(7,)], [(0, 0)]])
def test_composition_with_a_power_is_repeated_multiplication(partials):
    algebra = Algebra(partials)
    u = series(algebra, 3)
    taylor = [comb(5, k) * u[0] ** (5 - k) if k <= 5 else torch.zeros_like(u[0]) for k in range(algebra.order + 1)]
    inner, exact = coefficients(algebra, u), coefficients(algebra, u)
    for _ in range(4):
        exact = by_hand(exact, inner)
    assert close(algebra.compose(taylor, u), exact, algebra)


def test_composition_with_the_exponential_of_a_product_has_a_closed_form():
    """exp(x·y) around 0 is Σ (x·y)^k/k!: only the diagonal has coefficients."""
    algebra = Algebra([(4, 4)])
    zero, one = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    u = algebra.multiply(algebra.variable(0, zero, one), algebra.variable(1, zero, one))
    found = algebra.compose([one / factorial(k) for k in range(algebra.order + 1)], u)
    for alpha, k in algebra.place.items():
        assert found[k].item() == pytest.approx(1 / factorial(alpha[0]) if alpha[0] == alpha[1] else 0, rel=1e-15)


def test_a_variable_without_partials_is_a_constant():
    algebra, x = Algebra([(2, 0)]), torch.tensor([1.5], dtype=torch.float64)
    assert algebra.variable(1, x, x).flatten().tolist() == [1.5, 0, 0]
    assert algebra.variable(0, x, 2 * x).flatten().tolist() == [1.5, 3, 0]


def test_a_partial_is_its_coefficient_times_the_factorials():
    algebra = Algebra([(3, 2)])
    ones = torch.ones(len(algebra), 1)
    assert [algebra.partial(ones, alpha).item() for alpha in [(0, 0), (2, 1), (3, 2)]] == [1, 2, 12]
