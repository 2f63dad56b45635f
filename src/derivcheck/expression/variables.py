"""The variables of a check: which there are, in which order, and those to differentiate by."""

import re
from collections.abc import Sequence

from derivcheck.errors import RequestError, printable
from derivcheck.multi_index import natural_order

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def ordered(names: Sequence[str], given: Sequence[str] | None) -> tuple[str, ...]:
    """The variables in the order that is given, else in natural order. `names` are those that the expression has."""
    if given is None:
        if not names:
            raise RequestError("the expression has no variable", "Name one in it, or give --vars x.")
        return tuple(sorted(names, key=natural_order))
    missing = [n for n in names if n not in given]
    wrong = [n for n in given if not NAME.fullmatch(n)] or [n for n in given if list(given).count(n) > 1]
    if missing or wrong or not given:
        cause = (
            f"--vars lacks {', '.join(missing)}"
            if missing
            else f"--vars: {', '.join(map(ascii, wrong)) or 'nothing'} is not a list of distinct names"
        )
        raise RequestError(cause, f"Give all variables in order, such as --vars {','.join(names) or 'x,y'}.")
    return tuple(given)


def places(wrt: Sequence[str] | None, variables: Sequence[str], what: str) -> list[int]:
    """Where the variables to differentiate by are among all, which are those of the expression or of a function."""
    for name in wrt or ():
        if name not in variables:
            hint = f"{name} is a constant; " if name in ("pi", "E") else ""
            raise RequestError(
                f"--wrt {printable(name)}: the {what} has no such variable",
                f"{hint}Its variables are {', '.join(variables)}.",
            )
    return sorted({variables.index(name) for name in (wrt or variables)})
