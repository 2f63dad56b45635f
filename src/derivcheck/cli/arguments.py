"""The words on the command line: a formula may begin with a minus, and whatever is wrong is one plain message."""

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

import typer
from typer.core import TyperCommand

from derivcheck.cli import refusal
from derivcheck.errors import DerivcheckError, ExitStatus, RequestError, did_you_mean, printable, shortened
from derivcheck.run import streams

LONGEST_SHOWN = 60  # characters of an argument in a message: most of an 80-column line
# A formula has more after its minus than a letter or words, but -x-y is one; -n5 and -j4 are options with their value.
LIKE_AN_OPTION = re.compile(r"-(?:(?:[A-Za-z]|[A-Za-z]{2,}(?:-[A-Za-z]{2,})*)(?:=.*)?|[nj]=?[\d.]+(?:[eE]\+?\d+)?)")
EXTRA = re.compile(r"extra arguments?(?:\(s\))? \((.*)\)$", re.DOTALL)  # in typer's message: all but the first
UsageError: Any = typer.BadParameter.__mro__[
    1
]  # typer brings its own copy of click, or not: this is the class it raises


class Command(TyperCommand):
    """A command whose formula may begin with a minus, and whose errors look like all others."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Raises `typer.Exit` after the message if an argument is wrong."""
        try:
            return super().parse_args(ctx, args if ctx.resilient_parsing else self.shielded(args))
        except UsageError as error:
            wrong = self.plain(error)
        except DerivcheckError as error:
            wrong = error
        streams.say(str(wrong))
        refusal.of_command_line(args, ExitStatus.USAGE, str(wrong))
        raise typer.Exit(int(ExitStatus.USAGE))

    def shielded(self, arguments: Sequence[str]) -> list[str]:
        """A formula such as -x1**2 is moved after `--`, which ends the options. Raises `RequestError` for an unknown
        option of one dash, which would be read as a formula."""
        kept: list[str] = []
        waiting = iter(arguments)
        for argument in waiting:
            if argument == "--":
                return [*kept, argument, *waiting]
            if self.is_formula(argument):
                return [*kept, *self.shielded(list(waiting)), "--", argument]
            if argument.endswith(".toml") and "--suite" in kept:
                kept.append("--suite")  # `--suite a.toml b.toml`, as pre-commit names files
            kept.extend([argument, *self.value_of(argument, waiting)])
        return kept

    def is_formula(self, argument: str) -> bool:
        """Whether an argument with one dash is a formula."""
        if argument in self.names or argument.startswith("--") or argument in ("", "-") or argument[0] != "-":
            return False
        if not LIKE_AN_OPTION.fullmatch(argument):
            return True
        letters = argument[1] if argument[-1].isdigit() else argument.partition("=")[0][1:]
        if not all(f"-{letter}" in self.names for letter in letters):
            raise self.unknown(argument.partition("=")[0])
        return False

    def value_of(self, argument: str, waiting: Iterator[str]) -> list[str]:
        """The next argument, if it is the value of this one."""
        takes_one = argument in self.names and not getattr(self.names[argument], "is_flag", False)
        return [value for value in [next(waiting, None)] if value is not None] if takes_one else []

    @property
    def names(self) -> dict[str, Any]:
        """Every option by each of its names."""
        return {name: p for p in self.params for name in (*p.opts, *p.secondary_opts)} | {"-h": None, "--help": None}

    def unknown(self, option: str) -> RequestError:
        """The error for an option that does not exist. With one dash it may have been meant as a formula."""
        near = did_you_mean(f"--{option.lstrip('-')}", [name for name in self.names if name.startswith("--")])
        formula = f"A formula goes after --: derivcheck -- {_shown(option)}" if not option.startswith("--") else ""
        return RequestError(
            f"{_shown(option)}: there is no such option",
            " ".join(part for part in (near, formula) if part) or "derivcheck --help shows all options.",
        )

    def plain(self, error: Any) -> DerivcheckError:
        """An error of typer's in our words."""
        option = getattr(error, "option_name", "")
        if getattr(error, "possibilities", None) is not None or type(error).__name__ == "NoSuchOption":
            return self.unknown(option)
        if option and "does not take" in error.message:
            return RequestError(f"{option} takes no value", f"Write {option} alone.")
        if option:
            return RequestError(f"{option} needs a value", "derivcheck --help shows what it takes.")
        if found := EXTRA.search(error.message):
            cause = f"there is more than one expression: {printable(shortened(found[1], LONGEST_SHOWN))}"
            return RequestError(cause, 'Write it in quotes, such as "x1 + x2"; derivcheck --help shows all options.')
        return RequestError(printable(error.format_message()))


def _shown(argument: str) -> str:
    return shlex.quote(printable(shortened(argument, LONGEST_SHOWN)))
