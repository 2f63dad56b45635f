"""Every option of the command line: its name, its panel in --help, and its help text."""

from typing import Annotated, Any

import typer

from derivcheck import __version__
from derivcheck.choices import DEVICES, DTYPES, LAYOUTS, OPERATORS, SAMPLERS
from derivcheck.cli import completion
from derivcheck.cli.numbers import real, whole

SHOWN = ("all", "failures")  # what --show takes


def _option(panel: str, text: str, metavar: str | None, *names: str, **more: Any) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=panel, metavar=metavar, **more)


def _flag(panel: str, text: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=panel, metavar="", **more)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"derivcheck {__version__}")
        raise typer.Exit


def _list_functions(wanted: bool) -> None:
    if wanted:
        from derivcheck.expression.vocabulary import listing  # noqa: PLC0415 sympy

        typer.echo("\n".join(f"{call:18}  {meaning}" for call, meaning in listing()))
        raise typer.Exit


def _list_engines(wanted: bool) -> None:
    if wanted:
        from derivcheck.engines.registry import names  # noqa: PLC0415 reads the metadata of all distributions

        typer.echo("\n".join(names()))
        raise typer.Exit


EXITS = (
    "Exit status: 0 all agree, 1 something disagrees, 2 the request is wrong, 3 undecided or unsupported, "
    "4 a bug in derivcheck, 130 interrupted, 143 terminated."
)
PROBLEM, SAMPLING, ENGINES, VERDICT, SUITE, OUTPUT = "Problem", "Sampling", "Engines", "Verdict", "Suite", "Output"
_EXPRESSION = "A formula such as [bold]x1**2*sin(x2)[/bold], or - to read it from stdin. Optional with --function."
_DOMAIN = "Interval of a variable, x1=0:1, or of all, -pi:pi; x1=2 fixes a variable. Repeatable."
_FUNCTION = (
    "Check this torch function against the formula: MODULE:NAME or FILE.py:NAME. It takes one tensor (n,) per "
    "variable and returns one. [bold]It is imported and run.[/bold]"
)
_REFERENCE = (
    "Without an EXPRESSION: a plain torch function whose values and derivatives are the truth. Default: the "
    "function's own forward, for its derivatives. [bold]It is imported and run.[/bold]"
)
_SHAPE = (
    "Without an EXPRESSION: the arguments are tensors (n, 8) for 8, (n, 3, 4) for 3,4, or x=8,w=8 for each; their "
    "entries x[0], x[1] are the variables. Repeatable."
)
_FIELD = (
    "The function computes residuals of equations: EXPRESSION has fields such as u_t + u*u_x; several equations are "
    "separated by ;. u, the outputs u,v,p of a network, or a formula u=exp(-t)*sin(x). Default with --net: u."
)
_NET = "The parameter or attribute of the function that is its network."
_CALL = "How the function is called, such as 'pde(X, net(X))'. Default: by the names of its parameters."
_OPERATOR = "The function computes this of EXPRESSION: gradient, jacobian, hessian, laplacian, divergence or curl."
_TRAINING = "Also check the derivative of residuals by a weight of the network."
_LAYOUT = "What the function takes: columns, one tensor (n,) per variable, or one matrix (n, d)."
_CORNERS = "Also check the ends, zeros, kinks, and the neighborhood of the worst points."
_DTYPE = "float64, float32, bfloat16, float16, or several: float64,float32."
_SUITE = "Run all checks of a TOML file, or builtin:torch. Repeatable; options given as well override the file."
_NO_FUNCTIONS = "Refuse suites that name a function, because it would be run. For files you do not trust."
_REPORTS = "table, json, junit, github or markdown; junit=out.xml writes a file. Repeatable."
_TIMEOUT = "Time limit of each check; what is left by then is undecided."
_TIMING = "Measure times. It is faster without."

Expression = Annotated[str, typer.Argument(help=_EXPRESSION, show_default=False, metavar="EXPRESSION")]
Wrt = Annotated[
    list[str] | None, _option(PROBLEM, "Variables to differentiate by, such as x1,x2. Default: all.", "NAMES")
]
Order = Annotated[
    int, _option(PROBLEM, "Check the value and all partials up to this order.", "K", parser=whole("--order", "2"))
]
Partial = Annotated[
    list[str] | None, _option(PROBLEM, "One partial, such as x1,x1,x2, instead of --order. Repeatable.", "NAMES")
]
Variables = Annotated[
    list[str] | None,
    _option(PROBLEM, "All variables in order, such as x,t. Default: sorted, x2 before x10.", "NAMES", "--vars"),
]
Param = Annotated[
    list[str] | None, _option(PROBLEM, "A name with a fixed value, such as a=2.5 or w=pi/2. Repeatable.", "NAME=VALUE")
]
Domain = Annotated[list[str] | None, _option(PROBLEM, _DOMAIN, "INTERVAL")]
Function = Annotated[str, _option(PROBLEM, _FUNCTION, "FUNCTION", show_default=False)]
Reference = Annotated[str, _option(PROBLEM, _REFERENCE, "FUNCTION", show_default=False)]
Shape = Annotated[list[str] | None, _option(PROBLEM, _SHAPE, "SHAPE")]
Field = Annotated[list[str] | None, _option(PROBLEM, _FIELD, "FIELDS")]
Net = Annotated[str, _option(PROBLEM, _NET, "NAME", show_default=False)]
Call = Annotated[str, _option(PROBLEM, _CALL, "CALL", show_default=False)]
Operator = Annotated[str, _option(PROBLEM, _OPERATOR, "OPERATOR", autocompletion=completion.one_of(OPERATORS))]
Training = Annotated[bool, _flag(PROBLEM, _TRAINING, "--training/--no-training")]
Layout = Annotated[str, _option(PROBLEM, _LAYOUT, "LAYOUT", autocompletion=completion.one_of(LAYOUTS))]
Points = Annotated[
    int,
    _option(
        SAMPLING, "Number of random points.", "N", "-n", "--points", parser=whole("--points", "1e4"), show_default=True
    ),
]
Seed = Annotated[
    int, _option(SAMPLING, "Selects the points; the same on every device.", "N", parser=whole("--seed", "1"))
]
Sampler = Annotated[
    str,
    _option(
        SAMPLING,
        "uniform over the reals, floats (over the floats), or sobol.",
        "SAMPLER",
        autocompletion=completion.one_of(SAMPLERS),
    ),
]
Corners = Annotated[bool, _flag(SAMPLING, _CORNERS, "--corners/--no-corners")]
Dtype = Annotated[list[str], _option(SAMPLING, _DTYPE, "DTYPES", autocompletion=completion.several_of(DTYPES))]
Device = Annotated[
    list[str],
    _option(
        SAMPLING, "cpu, cuda, cuda:1, mps, auto, or several.", "DEVICES", autocompletion=completion.several_of(DEVICES)
    ),
]
Engine = Annotated[
    list[str],
    _option(
        ENGINES,
        "How torch differentiates; several are compared side by side: reverse,jet, or all.",
        "ENGINES",
        autocompletion=completion.engines,
    ),
]
Threads = Annotated[
    int | None,
    _option(
        ENGINES,
        "Number of threads that torch uses. Default: torch's own choice.",
        "N",
        show_default=False,
        parser=whole("--threads", "4", least=1),
    ),
]
ListEngines = Annotated[
    bool, _flag(ENGINES, "List all engines.", "--list-engines", callback=_list_engines, is_eager=True)
]
ListFunctions = Annotated[
    bool,
    _flag(
        ENGINES,
        "List all functions that an expression can use.",
        "--list-functions",
        callback=_list_functions,
        is_eager=True,
    ),
]
Strict = Annotated[bool, _flag(VERDICT, "Imprecise rows, which only warn otherwise, fail.", "--strict")]
Control = Annotated[bool, _flag(VERDICT, "Plant an error in every row that agrees: it must be found.", "--control")]
MaxLostBits = Annotated[
    float | None,
    _option(
        VERDICT,
        "Fail if a row loses more bits than this.",
        "BITS",
        show_default=False,
        parser=real("--max-lost-bits", "10"),
    ),
]
Rtol = Annotated[
    float | None,
    _option(
        VERDICT,
        "With --atol: fixed tolerances in place of the noise rule.",
        "R",
        show_default=False,
        parser=real("--rtol", "1e-6"),
    ),
]
Atol = Annotated[
    float | None, _option(VERDICT, "Goes with --rtol.", "A", show_default=False, parser=real("--atol", "1e-9"))
]
Timeout = Annotated[
    float | None, _option(VERDICT, _TIMEOUT, "SECONDS", show_default=False, parser=real("--timeout", "60"))
]
Suite = Annotated[list[str] | None, _option(SUITE, _SUITE, "FILE", autocompletion=completion.suites)]
Select = Annotated[
    list[str] | None,
    _option(
        SUITE,
        "Only checks whose name matches, such as 'soft*'. Repeatable.",
        "PATTERN",
        autocompletion=completion.checks,
    ),
]
Tag = Annotated[
    list[str] | None,
    _option(
        SUITE,
        "Only checks with this tag; '!slow' for those without. Repeatable.",
        "TAG",
        autocompletion=completion.tags,
    ),
]
List = Annotated[bool, _flag(SUITE, "List the checks without running them.", "--list")]
Shard = Annotated[str, _option(SUITE, "Run one share of the checks, such as 2/5.", "K/N", show_default=False)]
FailFast = Annotated[bool, _flag(SUITE, "Stop at the first failure.", "--fail-fast")]
LastFailed = Annotated[bool, _flag(SUITE, "Run only what failed last time; all if nothing did.", "--last-failed")]
NoFunctions = Annotated[bool, _flag(SUITE, _NO_FUNCTIONS, "--no-functions")]
KnownOk = Annotated[bool, _flag(SUITE, "Known defects pass; only new ones fail.", "--known-ok")]
Jobs = Annotated[
    int, _option(SUITE, "Number of worker processes.", "N", "-j", "--jobs", parser=whole("--jobs", "4", least=1))
]
Cluster = Annotated[str, _option(SUITE, "A dask scheduler, such as tcp://host:8786, instead of --jobs.", "ADDRESS")]
Resume = Annotated[bool, _flag(SUITE, "Continue a run that was interrupted.", "--resume")]
Reports = Annotated[
    list[str] | None, _option(OUTPUT, _REPORTS, "FORMAT", "--report", autocompletion=completion.formats)
]
Show = Annotated[
    str,
    _option(
        OUTPUT,
        "Rows of the table: all or failures. Default: all, up to 60; for a suite, failures.",
        "ROWS",
        show_default=False,
        autocompletion=completion.one_of(SHOWN),
    ),
]
Formulas = Annotated[bool, _flag(OUTPUT, "Print the formula of every partial.", "--formulas")]
Timing = Annotated[bool, _flag(OUTPUT, _TIMING, "--timing/--no-timing")]
Quiet = Annotated[bool, _flag(OUTPUT, "Print nothing; the exit status is the result.", "--quiet", "-q")]
Debug = Annotated[bool, _flag(OUTPUT, "Show the traceback of a bug in derivcheck.", "--debug")]
Version = Annotated[bool, _flag(OUTPUT, "Show the version.", "--version", "-V", callback=_version, is_eager=True)]

WITH_COMMAS = ("wrt", "variables", "dtype", "device", "engine")  # x,y means the same as giving the option twice
