"""What the command line asks for, as one frozen record: a field per option, named like it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from derivcheck.cli.options import SHOWN, WITH_COMMAS
from derivcheck.errors import RequestError, printable
from derivcheck.expression import texts

if TYPE_CHECKING:
    import typer

# Options that say how a suite runs.
OF_A_SUITE = (
    "suite", "select", "tag", "list", "shard", "fail_fast", "last_failed", "no_functions", "known_ok", "jobs",
    "cluster", "resume",
)  # fmt: skip
OTHER_NAMES = {"variables": "--vars", "expression": "an expression"}


@dataclass(frozen=True)
class Request:
    """The values of all options, defaults included. Lists are tuples, empty if the option is not given."""

    expression: str
    wrt: tuple[str, ...]
    order: int
    partial: tuple[str, ...]
    variables: tuple[str, ...]
    param: tuple[str, ...]
    domain: tuple[str, ...]
    function: str
    reference: str
    shape: tuple[str, ...]
    field: tuple[str, ...]
    net: str
    call: str
    operator: str
    training: bool
    layout: str
    points: int
    seed: int
    sampler: str
    corners: bool
    dtype: tuple[str, ...]
    device: tuple[str, ...]
    engine: tuple[str, ...]
    threads: int | None
    strict: bool
    control: bool
    max_lost_bits: float | None
    rtol: float | None
    atol: float | None
    timeout: float | None
    suite: tuple[str, ...]
    select: tuple[str, ...]
    tag: tuple[str, ...]
    list: bool
    shard: str
    fail_fast: bool
    last_failed: bool
    no_functions: bool
    known_ok: bool
    jobs: int
    cluster: str
    resume: bool
    report: tuple[str, ...]
    show: str
    formulas: bool
    timing: bool
    quiet: bool
    debug: bool
    given: frozenset[str]
    """The options that the command line has, by the names of their fields."""

    @classmethod
    def of(cls, context: typer.Context) -> Request:
        """The request that typer parsed."""
        repeatable = {parameter.name for parameter in context.command.params if getattr(parameter, "multiple", False)}
        values: dict[str, Any] = {
            name: _listed(name, v) if name in repeatable else v for name, v in context.params.items()
        }
        sources = {name: context.get_parameter_source(name) for name in values}
        given = {name for name, source in sources.items() if getattr(source, "name", "") == "COMMANDLINE"}
        known = {field.name for field in fields(cls)}
        return cls(**{name: v for name, v in values.items() if name in known}, given=frozenset(given & known))

    def refuse_options_of_suites(self) -> None:
        """Without a suite they mean nothing."""
        for name in OF_A_SUITE:
            if name in self.given:
                raise RequestError(f"{option(name)} goes with --suite", "Name a suite: --suite derivcheck.toml.")

    def require_shown(self) -> None:
        """Refuse an unknown --show."""
        if self.show not in ("", *SHOWN):
            raise RequestError(f"--show {printable(self.show)}: unknown", f"Choose from {', '.join(SHOWN)}.")


def _listed(name: str, given: Sequence[str] | None) -> tuple[str, ...]:
    """The values of an option that may be repeated."""
    values = given or ()
    return tuple(word for text in values for word in texts.split(text)) if name in WITH_COMMAS else tuple(values)


def option(name: str) -> str:
    """A field as the user writes it."""
    return OTHER_NAMES.get(name, f"--{name.replace('_', '-')}")
