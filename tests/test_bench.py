"""The benchmark compares sides that computed the same numbers, in turn, and keeps every figure. No time is judged."""

import functools
import json
import math
from itertools import count

import pytest
import torch

from derivcheck import problem
from derivcheck.engines import registry
from derivcheck.errors import Unsupported
from tests.bench import __main__ as bench
from tests.bench import commands, growth, jax_rows, order_eight, order_two, row, tables, verdicts
from tests.bench.machine import machine
from tests.bench.measuring import Result, measure
from tests.bench.row import DifferentWork, Measured, NotInstalled, Row, Sides, difference

# torch.func.hessian goes through torch.jit.script, which torch itself calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")

CHEAP = ["reverse-", "symbolic-", "gradcheck", "formulas", "jet", "orders", "engines-symbolic", "engines-jet"]


def side(name, costs, calls, values=None):
    """A side that notes its calls and costs the given seconds."""
    costs = iter(costs)

    def call():
        calls.append(name)
        return Measured(next(costs), values)

    return call


def made(ours, peer, calls=None, ours_values=None, peer_values=None, **options):
    calls = [] if calls is None else calls
    sides = Sides(side("ours", ours, calls, ours_values), side("peer", peer, calls, peer_values))
    return Row("name", "x**2 | y", "we", "they", lambda: sides, **options)


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    """What the cheap rows leave in the file, at tiny sizes."""
    path = tmp_path_factory.mktemp("bench") / "out.json"
    only = [word for name in CHEAP for word in ("--only", name)]
    bench.main(["--quick", "--runs", "1", "--json", str(path), *only])
    return json.loads(path.read_text())


def test_every_row_has_ratios_of_sides_that_computed_the_same(document):
    names = [entry["name"] for entry in document["rows"]]
    assert set(CHEAP) <= {cheap for cheap in CHEAP for name in names if name.startswith(cheap)}
    for entry in document["rows"]:
        assert len(entry["ratios"]) == len(entry["ours_each"]) == len(entry["peer_each"]) == 1, entry["name"]
        assert entry["median"] > 0
        assert 0 <= entry["difference"] <= 1e-9, entry["name"]


def test_tiny_sizes_are_not_held_against_the_aims(document):
    assert {entry["met"] for entry in document["rows"]} == {None}
    assert document["quick"] is True


def test_the_file_names_the_machine(document):
    assert document["machine"] == machine()
    assert document["machine"]["torch"] == torch.__version__
    assert document["machine"]["cpu"]
    assert document["machine"]["cores"] >= 1


def test_the_sides_take_turns_after_one_call_each():
    calls = []
    measure(made(count(1), count(1), calls), 3)
    assert calls == ["ours", "peer"] * 4


def test_the_warming_calls_are_not_counted():
    result = measure(made([99, 1, 2, 4], [1, 10, 10, 10], least=5), 3)
    assert result.ours == (1, 2, 4)
    assert result.ratios == [10, 5, 2.5]
    assert result.median == 5
    assert result.row.met(result.median) is True


def test_a_peer_that_runs_once_is_in_every_pair():
    calls = []
    result = measure(made([99, 1, 2], [40], calls, peer_once=True), 2)
    assert calls.count("peer") == 1
    assert result.peer == (40,)
    assert result.ratios == [40, 20]


def test_a_slow_row_has_fewer_runs():
    assert len(measure(made(count(1), count(1), most_runs=2), 9).ours) == 2


def test_sides_that_computed_different_numbers_are_no_row():
    ones, others = [torch.ones(3)], [torch.tensor([1, 1, 1 + 1e-6])]
    with pytest.raises(DifferentWork, match=r"we and they differ by 9\.5e-07"):
        measure(made(count(1), count(1), None, others, ones), 1)


@pytest.mark.parametrize(
    ("ours", "peer", "apart"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0.0),
        ([1.0, 3.0], [1.0, 4.0], 0.25),
        ([0.5], [0.0], 0.5),
        ([math.nan], [1.0], math.inf),
        ([1.0], [math.nan], math.inf),
    ],
)
def test_the_difference_is_relative_to_the_largest_value_of_a_column(ours, peer, apart):
    assert difference([torch.tensor(ours)], [torch.tensor(peer)]) == apart


def test_a_missing_column_is_not_passed_over():
    with pytest.raises(ValueError, match="zip"):
        difference([torch.ones(1)], [torch.ones(1), torch.ones(1)])


def test_at_least_divides_by_our_cost_and_at_most_by_the_peers():
    assert made([], [], least=8).ratio(1, 10) == 10
    assert made([], [], most=1.2).ratio(3, 2) == 1.5
    assert [made([], [], least=8).met(r) for r in (7.9, 8)] == [False, True]
    assert [made([], [], most=1.2).met(r) for r in (1.2, 1.3)] == [True, False]
    assert made([], []).met(1) is None


@pytest.mark.parametrize("error", [NotInstalled, Unsupported])
def test_a_peer_that_is_not_there_leaves_its_reason(error):
    def prepare():
        raise error("no compiler")

    result = measure(Row("name", "work", "we", "they", prepare, least=2), 1)
    assert result.to_dict()["reason"] == "no compiler"
    assert tables.cells(result) == ("work", "we", "they", "no compiler", "", "≥ 2", "")


def test_jax_that_is_not_installed_is_said(monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(jax_rows, "import_module", absent)
    results = [measure(entry, 1) for entry in jax_rows.rows(row.QUICK)]
    assert {result.reason for result in results} == {"jax is not installed"}


@pytest.mark.parametrize("peer", [order_two.by_article, order_two.by_functional])
def test_the_peers_compute_the_five_partials(peer):
    x, y = torch.rand(2, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    by_hand = [2 * x * y.sin(), x**2 * y.cos(), 2 * y.sin(), 2 * x * y.cos(), -(x**2) * y.sin()]
    for column, right in zip(peer(torch.stack([x, y], 1)), by_hand, strict=True):
        assert torch.allclose(column, right, rtol=1e-14, atol=0)


def test_chunks_together_are_all_points():
    evaluate = registry.engine("symbolic")(problem.create("x1*x2", partials=order_two.PARTIALS))
    points = torch.arange(20, dtype=torch.float64).reshape(2, 10)
    columns = order_two.kept(evaluate, points, 3)
    assert torch.equal(columns[0], points[1])
    assert torch.equal(columns[1], points[0])
    assert columns[3].tolist() == [1.0] * 10


def test_the_formulas_of_sympy_are_the_partials_in_their_order():
    found = order_eight.at_the_point(order_eight.by_sympy(order_eight.created(1)))
    x, y = order_eight.POINT
    inner = math.exp(math.sin(x * y)) * math.cos(x + y)
    outer = 1 / math.cosh(inner) ** 2
    slopes = [outer * (z * math.cos(x * y) * inner - math.exp(math.sin(x * y)) * math.sin(x + y)) for z in (y, x)]
    assert [float(value) for value in found] == pytest.approx([math.tanh(inner), *slopes], rel=1e-12)


def test_a_verdict_is_compared_as_a_number():
    assert difference(verdicts.verdict(True), verdicts.verdict(False)) == 1.0
    assert difference(verdicts.verdict(True), verdicts.verdict(True)) == 0.0


def test_forgetting_empties_what_a_check_has_kept(monkeypatch):
    kept = functools.lru_cache(lambda x: x)
    monkeypatch.setattr(registry, "kept", kept, raising=False)
    kept(1)
    row.forget()
    assert kept.cache_info().currsize == 0


def test_a_command_that_fails_is_no_row():
    with pytest.raises(commands.subprocess.CalledProcessError):
        commands.process(["-c", "raise SystemExit(1)"])()
    assert commands.process(["-c", "pass"])().values is None


def test_growth_asks_each_number_of_points_once():
    growth.checked.cache_clear()
    sides = growth.memory(2000, 1000)
    peaks = [one().cost for one in sides]
    assert all(30 < peak < 5000 for peak in peaks)  # MiB: torch alone takes hundreds
    assert [one().cost for one in sides] == peaks
    assert growth.checked.cache_info().misses == 2
    assert growth.time_a_point(2000, 1000).ours().cost * 2000 == pytest.approx(growth.checked(2000).seconds)


def test_growth_takes_minutes_and_is_left_out_of_quick_runs():
    assert growth.rows(row.QUICK) == []
    assert [entry.name for entry in growth.rows(row.FULL)] == ["memory", "memory-limit", "linear"]


def test_names_are_unique_and_begin_what_only_asks_for(capsys):
    names = [entry.name for entry in bench.chosen(row.FULL, [])]
    assert len(names) == len(set(names))
    assert [entry.name for entry in bench.chosen(row.FULL, ["orders", "gradc"])] == ["gradcheck", "orders"]
    bench.main(["--list"])
    assert capsys.readouterr().out.split() == names


def test_a_name_that_begins_no_row_is_an_error_with_the_names():
    with pytest.raises(SystemExit, match=r"--only nothing: no such row\. Rows: reverse-article, "):
        bench.main(["--only", "nothing"])


@pytest.mark.parametrize(
    ("cost", "unit", "text"),
    [
        (1.25, "s", "1.25 s"),
        (0.0345, "s", "34.5 ms"),
        (2e-6, "s", "2 µs"),
        (8.14e-9, "s", "8.14 ns"),
        (409.7, "MiB", "410 MiB"),
    ],
)
def test_costs_have_units(cost, unit, text):
    assert tables.amount(cost, unit) == text


def test_the_table_says_how_the_sides_compare_and_whether_that_is_enough():
    result = Result(made([], [], least=8), (0.5, 0.5, 0.5), (4.5, 3.5, 5.0), 0.0)
    assert tables.cells(result) == ("x**2 | y", "we, 500 ms", "they, 4.5 s", "9", "7 to 10", "≥ 8", "yes")


def test_markdown_escapes_what_it_would_read():
    text = tables.markdown([Result(made([], [], most=1), (3.0,), (2.0,), 0.0)])
    assert text.splitlines()[1] == "| --- | --- | --- | --- | --- | --- | --- |"
    assert text.splitlines()[2] == r"| x\*\*2 \| y | we, 3 s | they, 2 s | 1.5 | 1.5 to 1.5 | ≤ 1 | no |"


def test_engines_have_a_table_of_their_own():
    def result(name, work, reason=""):
        entry = Row(name, work, name, "reverse", lambda: None, group="engines")
        return Result(entry, reason=reason) if reason else Result(entry, (1.0,), (2.0,))

    lines = tables.engines([result("jet", "order 1"), result("jet", "order 2"), result("compiled", "order 1", "none")])
    assert lines == [
        ("times as fast as reverse", "jet", "compiled"),
        ("order 1", "2x (2 to 2)", "–"),
        ("order 2", "2x (2 to 2)", ""),
    ]
    assert tables.peers([result("jet", "order 1")]) == [tables.HEADINGS]
