"""Every option of the command line: its name, its panel in --help, and its help text."""

from typing import Annotated, Any

import typer

from derivcheck.version import VERSION


def _option(panel: str, text: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=panel, **more)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"derivcheck {VERSION}")
        raise typer.Exit


def _list_functions(wanted: bool) -> None:
    if wanted:
        from derivcheck.expression.vocabulary import listing  # noqa: PLC0415 sympy

        typer.echo("\n".join(f"{call:18}  {meaning}" for call, meaning in listing()))
        raise typer.Exit


def _list_engines(wanted: bool) -> None:
    if wanted:
        from derivcheck.engines.registry import names  # noqa: PLC0415 torch

        typer.echo("\n".join(names()))
        raise typer.Exit


EXITS = (
    "Exit status: 0 all agree, 1 something disagrees, 2 the request is wrong, 3 undecided or unsupported, "
    "4 a bug in derivcheck, 130 interrupted, 143 terminated."
)
_FUNCTION = (
    "Check this torch function against the formula: MODULE:NAME or FILE.py:NAME. "
    "It takes one tensor (n,) per variable and returns one. [bold]It is imported and run.[/bold]"
)
_CORNERS = "Also look at ends, zeros, kinks, and where the worst points lead."
_REPORTS = "table, json, junit, github or markdown; junit=out.xml writes a file. Repeatable."

Expression = Annotated[
    str,
    typer.Argument(
        help="A formula such as [bold]x1**2*sin(x2)[/bold], or - to read it from stdin.", show_default=False
    ),
]
Function = Annotated[str, _option("Problem", _FUNCTION, show_default=False)]
Layout = Annotated[str, _option("Problem", "The function takes columns, or one (n, d) matrix.")]
Wrt = Annotated[list[str] | None, _option("Problem", "Variables to differentiate by, such as x1,x2. Default: all.")]
Order = Annotated[int, _option("Problem", "The value and all partials up to this order.")]
Partial = Annotated[
    list[str] | None, _option("Problem", "One partial, such as x1,x1,x2, instead of --order. Repeatable.")
]
Variables = Annotated[
    list[str] | None, _option("Problem", "All variables in order, such as x,t. Default: x2 before x10.", "--vars")
]
Param = Annotated[list[str] | None, _option("Problem", "A name with a fixed value, such as a=2.5. Repeatable.")]
Domain = Annotated[
    list[str] | None, _option("Problem", "Interval of a variable, x1=0:1, or of all, 0:1; a:a pins. Repeatable.")
]
Points = Annotated[int, _option("Sampling", "Number of random points.", "-n", "--points")]
Seed = Annotated[int, _option("Sampling", "Selects the points, the same on every device and dtype.")]
Sampler = Annotated[str, _option("Sampling", "uniform over the reals, floats (over the floats), or sobol.")]
Corners = Annotated[bool, _option("Sampling", _CORNERS, "--corners/--no-corners")]
Dtype = Annotated[list[str], _option("Sampling", "float64, float32, bfloat16, float16, or several: float64,float32.")]
Device = Annotated[list[str], _option("Sampling", "cpu, cuda, cuda:1, mps, auto, or several.")]
Engine = Annotated[
    list[str], _option("Engines", "How torch differentiates, several side by side: reverse,jet, or all.")
]
Threads = Annotated[
    int | None, _option("Engines", "Threads that torch uses. Default: its own choice.", show_default=False, min=1)
]
ListEngines = Annotated[
    bool, _option("Engines", "Show all engines.", "--list-engines", callback=_list_engines, is_eager=True)
]
ListFunctions = Annotated[
    bool,
    _option(
        "Engines",
        "Show all functions that an expression can use.",
        "--list-functions",
        callback=_list_functions,
        is_eager=True,
    ),
]
Strict = Annotated[bool, _option("Verdict", "Warnings fail: rows that are imprecise.", "--strict")]
Control = Annotated[bool, _option("Verdict", "Plant an error in what agrees: it must be found.", "--control")]
MaxLostBits = Annotated[float | None, _option("Verdict", "Fail where more bits are lost.", show_default=False)]
Rtol = Annotated[
    float | None, _option("Verdict", "With --atol: fixed tolerances instead of the noise.", show_default=False)
]
Atol = Annotated[float | None, _option("Verdict", "With --rtol.", show_default=False)]
Timeout = Annotated[
    float | None,
    _option("Verdict", "Seconds for symbolic derivatives and exact values; then undecided.", show_default=False),
]
SUITE = "Suite"
Suite = Annotated[
    list[str] | None,
    _option(SUITE, "Run all checks of a TOML file, or builtin:torch. Repeatable; options below replace the file's."),
]
Select = Annotated[list[str] | None, _option(SUITE, "Checks whose name matches, such as 'soft*'. Repeatable.")]
Tag = Annotated[list[str] | None, _option(SUITE, "Checks with this tag; '!slow' for those without. Repeatable.")]
List = Annotated[bool, _option(SUITE, "Show the checks without running them.", "--list")]
Shard = Annotated[str, _option(SUITE, "One share of the checks, such as 2/5.", show_default=False)]
FailFast = Annotated[bool, _option(SUITE, "Stop at the first failure.", "--fail-fast")]
LastFailed = Annotated[bool, _option(SUITE, "Only what failed last time; all if nothing did.", "--last-failed")]
NoFunctions = Annotated[
    bool,
    _option(
        SUITE, "Refuse suites that name a function, which would be run. For files from strangers.", "--no-functions"
    ),
]
KnownOk = Annotated[bool, _option(SUITE, "Let known defects pass; only new ones fail.", "--known-ok")]
Jobs = Annotated[int, _option(SUITE, "Number of processes.", "-j", "--jobs", min=1)]
Cluster = Annotated[str, _option(SUITE, "A dask scheduler, such as tcp://host:8786, instead of --jobs.")]
Resume = Annotated[bool, _option(SUITE, "Continue a run that was killed.", "--resume")]
Reports = Annotated[list[str] | None, _option("Output", _REPORTS, "--report")]
Show = Annotated[
    str,
    _option("Output", "Rows of the table: all or failures. Default: all; for a suite, failures.", show_default=False),
]
Formulas = Annotated[bool, _option("Output", "Print the formula of every partial.", "--formulas")]
Timing = Annotated[bool, _option("Output", "Measure times; without them it is faster.", "--timing/--no-timing")]
Quiet = Annotated[bool, _option("Output", "Print nothing; the exit status tells the result.", "--quiet", "-q")]
Debug = Annotated[bool, _option("Output", "Show the traceback of a bug in derivcheck.", "--debug")]
Version = Annotated[bool, _option("Output", "Show the version.", "--version", callback=_version, is_eager=True)]

WITH_COMMAS = ("wrt", "variables", "dtype", "device", "engine")  # x,y means the same as giving the option twice
