"""Choosing checks by name, by tag and by share, and listing them."""

import pytest

from derivcheck.errors import RequestError
from derivcheck.problem import Check
from derivcheck.suite.selection import listing, select, shard, tagged

NAMES = [
    "softplus[float32]",
    "softplus[float64]",
    "softplus2",
    "x**2",
    "x**2*y",
    "kernels.py:Gelu",
    "x",
    "x#2",
    "f[a][cpu]",
    "softplus[float32]#2",
]


def named(name, tags=(), line=0):
    return Check(name, problem=None, source="suites/own.toml" if line else "", line=line, tags=tags)


CHECKS = [named(name) for name in NAMES]


def chosen(*patterns):
    return [check.name for check in select(CHECKS, patterns)]


SELECTIONS = {
    ("softplus2",): ["softplus2"],
    ("softplus[float32]",): ["softplus[float32]"],
    ("softplus",): ["softplus[float32]", "softplus[float64]", "softplus[float32]#2"],
    ("f[a]",): ["f[a][cpu]"],
    ("x",): ["x"],
    ("x#2",): ["x#2"],
    ("x**2",): ["x**2"],  # a name, not a pattern, though it would be one
    ("x*y",): ["x**2*y"],
    ("x*",): ["x**2", "x**2*y", "x", "x#2"],
    ("softplus[*]",): ["softplus[float32]", "softplus[float64]"],
    ("*[float32]*",): ["softplus[float32]", "softplus[float32]#2"],
    ("softplus?",): ["softplus2"],
    ("*[cpu]", "x", "soft*64]"): ["softplus[float64]", "x", "f[a][cpu]"],
    ("*",): NAMES,
    (): NAMES,
}


@pytest.mark.parametrize("patterns", SELECTIONS, ids=" ".join)
def test_patterns_choose_by_name_in_the_order_of_the_checks(patterns):
    assert chosen(*patterns) == SELECTIONS[patterns]


NOTHING = {
    "softplis": "--select softplis: there is no such check\nDid you mean softplus",
    "Softplus2": "Did you mean softplus2",
    "softplus[float16]": r"Did you mean softplus\[float",
    "[sx]*": r"--select \[sx\]\*: there is no such check",
    "soft": "there is no such check",
    "kernels.py:gelu": "Did you mean kernels.py:Gelu",
    "zzz": r"The checks are softplus, softplus\[float32\], .*, \.\.\.\.$",
    "a\x1b": r"--select a\\x1b:",
}


@pytest.mark.parametrize("pattern", NOTHING, ids=ascii)
def test_a_pattern_that_names_nothing_is_an_error_with_the_nearest_names(pattern):
    with pytest.raises(RequestError, match=NOTHING[pattern]):
        select(CHECKS, [pattern])
    with pytest.raises(RequestError, match=NOTHING[pattern]):
        select(CHECKS, ["x", pattern])


def test_nothing_can_be_selected_of_nothing():
    with pytest.raises(RequestError, match="There are no checks at all"):
        select([], ["x"])


TAGGED = [named("a", ("slow", "cuda")), named("b", ("slow",)), named("c", ("fast",)), named("d")]
TAGS = {
    ("slow",): "ab",
    ("slow", "fast"): "abc",
    ("not slow",): "cd",
    ("!slow",): "cd",
    ("! slow",): "cd",
    ("slow", "!cuda"): "b",
    ("!slow", "not fast"): "d",
    (" fast ",): "c",
    (): "abcd",
}


@pytest.mark.parametrize("tags", TAGS, ids=" ".join)
def test_tags_choose_any_of_them_and_none_of_the_negated(tags):
    assert "".join(check.name for check in tagged(TAGGED, tags)) == TAGS[tags]


@pytest.mark.parametrize("tags", [["slwo"], ["fast", "!fast"], ["note"]])
def test_tags_that_leave_nothing_are_an_error_with_those_there_are(tags):
    with pytest.raises(RequestError, match=r"--tag .*: there is no such check\nThe tags are cuda, fast, slow\."):
        tagged(TAGGED, tags)
    with pytest.raises(RequestError, match="No check has a tag"):
        tagged(CHECKS, tags)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 10, 13])
def test_every_check_is_in_exactly_one_shard(count):
    shares = [shard(CHECKS, f"{k}/{count}") for k in range(1, count + 1)]
    assert sorted(check.name for share in shares for check in share) == sorted(NAMES)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_shards_are_dealt_out_in_turn():
    assert [check.name for check in shard(CHECKS, "2/4")] == [NAMES[1], NAMES[5], NAMES[9]]
    assert [check.name for check in shard(CHECKS, " 1/1 ")] == NAMES


@pytest.mark.parametrize(
    ("share", "message"),
    [
        ("0/5", "there is no such share\nThey are 1/5 to 5/5"),
        ("6/5", "there is no such share"),
        ("1/0", "there is no such share"),
        ("a/b", "not a share\nWrite it like 2/5"),
        ("1", "not a share"),
        ("-1/5", "not a share"),
        ("1.5/2", "not a share"),
        ("1/2/3", "not a share"),
        ("1/" + "9" * 5000, "not a share"),
        ("", "not a share"),
    ],
)
def test_what_is_not_a_share_is_an_error(share, message):
    with pytest.raises(RequestError, match=message):
        shard(CHECKS, share)


def test_a_listing_has_columns_of_names_places_and_tags():
    checks = [named("softplus[float32]", ("slow", "cuda"), 7), named("x", (), 12), named("y", ("slow",))]
    assert listing(checks) == (
        "softplus[float32]  suites/own.toml:7   slow, cuda\n"
        "x                  suites/own.toml:12\n"
        "y                                      slow"
    )
    assert listing([]) == ""


def test_one_long_name_does_not_move_the_columns_of_the_others():
    lines = listing([named("x" * 500, ("t",), 1), named("y", ("t",), 2)]).splitlines()
    assert lines[1] == "y  suites/own.toml:2  t"
    assert lines[0] == "x" * 500 + "  suites/own.toml:1  t"
