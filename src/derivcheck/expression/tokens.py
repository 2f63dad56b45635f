"""The words and signs of an expression's text."""

import re

TOKEN = re.compile(
    r"(?P<space>[ \t]+)|(?P<number>(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+(?![\w.]))?)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<operator>\*\*|//|<=|>=|==|!=|<<|>>|->|[-+*/%(),<>=!&|~.])"
)


def closing(text: str, opened: int) -> int:
    """The place after the parenthesis that closes the one at `opened`; the end of the text if it is never closed."""
    depth = 0
    for place in range(opened, len(text)):
        depth += (text[place] == "(") - (text[place] == ")")
        if depth == 0:
            return place + 1
    return len(text)
