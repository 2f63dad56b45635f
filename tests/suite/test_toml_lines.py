"""Lines of keys: in each of these documents every number is the line that it is on, or begins on."""

import random
import tomllib

import pytest

from derivcheck.suite.toml_lines import key_lines, nearest_line

DOCUMENTS = {
    "plain keys": "a = 1\n\nb = 3\n# c = 4\nc = 5 # d = 5",
    "no newline at the end": "a = 1",
    "windows": "a = 1\r\n\r\nb = 3\r\n[t]\r\nc = 5\r\n",
    "quoted keys": '"a b" = 1\n\'c.d\' = 2\n"e\\u0066\\"" = 3\n"" = 4\n\'#\' = 5\n"=" = 6\n"[" = 7',
    "dotted keys": "a.b = 1\na . c = 2\na.\"d.e\".'f' = 3\n[t]\na.b = 5\na.c = 6",
    "numbers as keys": "1 = 1\n2.5 = 2\n-1_ = 3",
    "tables": '[a]\nx = 2\n[a.b]\nx = 4\n [ c . "d" ] # [e]\n  x = 6\n[[f]]\nx = 8',
    "arrays of tables": "[[a]]\nx = 2\n[[a]]\ny = 4\n[[a.b]]\nx = 6\n[[a.b]]\nx = 8\n"
    "[a.c]\nx = 10\n[[a]]\nx = 12\n[a.b]\nx = 14",
    "strings": 'a = "]"\nb = 2\nc = \'["\'\nd = 4\ne = "\\"[\\\\"\nf = 6\ng = \'#\'\nh = 8 # "[\ni = 9',
    "long strings": 'a = """\nb = 0\n[c]\n"""\nd = 5\ne = """\\"""" \nf = 7\ng = """""""\nh = 9\n'
    'i = """""" # "\nj = 11\nk = """a""b"""""\nl = 13',
    "long literals": "a = '''\nb = 0\n'\n''\n\\'''\nd = 6\ne = '''''''\nf = 8\ng = ''''a'''''\nh = 10",
    "arrays": 'a = [\n"]", # ]\n[\n1\n],\n]\nb = 7\nc = [ [ ], [\n"""]\n""" ] ]\nd = 11\ne = []\nf = 13',
    "inline tables": 'a = { b = "}", c = [ "{",\n"#" ] } # {\nd = 3\ne = {}\nf = 5',
    "dates and numbers": "a = 1979-05-27T07:32:00Z\nb = 2\nc = 07:32:00\nd = 4\ne = +1e3\nf = 6",
}


def numbers(value, path=()):
    """Every whole number in a table, with its path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from numbers(inner, (*path, key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            if isinstance(inner, dict):
                yield from numbers(inner, (*path, place))
    elif type(value) is int:
        yield path, value


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_key_has_its_line(name):
    text = DOCUMENTS[name]
    found = list(numbers(tomllib.loads(text)))
    lines = key_lines(text)
    assert found
    assert {path: lines.get(path) for path, _ in found} == dict(found)


def test_a_table_has_the_line_of_its_header_and_of_the_key_that_makes_it():
    lines = key_lines("\n[[a]]\nb.c.d = 1\n[a.e.f]\n[[a]]\ng = {h = 1}\n")
    assert (lines["a",], lines["a", 0], lines["a", 1]) == (2, 2, 5)
    assert (lines["a", 0, "b"], lines["a", 0, "b", "c"], lines["a", 0, "e"]) == (3, 3, 4)
    assert nearest_line(lines, ("a", 1, "g", "h")) == 6
    assert nearest_line(lines, ("a", 7, "x")) == 2
    assert nearest_line(lines, ("nothing",)) == 1


VALUES = [
    '"#]"',
    "'\"'",
    '"""\n[x]\n"""',
    "'''\n'\n'''",
    "[\n1, # ]\n2]",
    "{a = '}', b = [1]}",
    "1.5",
    "true",
    '"\\\\"',
]


def random_document(choose):
    """A document, and the line of every key in it, as it was written."""
    text, lines, table, count = "", {}, (), 0
    for number in range(30):
        line = text.count("\n") + 1
        if choose.random() < 0.2:
            table, count = ("check", count), count + 1
            text += choose.choice(["[[check]]\n", "  [[ check ]] # x\n", "[['check']]\r\n"])
        elif choose.random() < 0.2:
            text += choose.choice(["\n", "# [x\n", "   \t\n", "\r\n"])
        else:
            lines[*table, f"k{number}"] = line
            spelled = choose.choice(["k{}", '"k{}"', "'k{}'", '"\\u006b{}"', "  k{}"]).format(number)
            text += f"{spelled} = {choose.choice(VALUES)}{choose.choice(['', '  ', ' # [', ''])}\n"
    return text, lines


@pytest.mark.parametrize("seed", range(40))
def test_random_documents_are_followed_to_the_end(seed):
    text, written = random_document(random.Random(seed))
    tomllib.loads(text)
    lines = key_lines(text)
    assert {path: lines.get(path) for path in written} == written


def test_what_is_not_toml_does_not_crash_it():
    choose = random.Random(0)
    for _ in range(2000):
        text = "".join(choose.choices("[]{}\"'#=.\\\n\r\t ab1,\0é", k=choose.randrange(40)))
        lines = key_lines(text)
        assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())


def test_long_and_deep_documents_take_one_pass():
    text = (
        "a = "
        + "[" * 100_000
        + "]" * 100_000
        + '\nb = """'
        + '"\\"' * 200_000
        + '"""\nc'
        + ".c" * 200_000
        + " = 1\nd = 4"
    )
    assert key_lines(text)["d",] == 4
