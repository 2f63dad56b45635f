"""Reports made by hand: every outcome, texts that break formats, and random ones in which anything may happen."""

import math
import random
from dataclasses import replace

from derivcheck.outcomes import Cause, Outcome, Verdict
from derivcheck.results import CheckResult, Limits, PartialResult, PointCounts, Report, Seconds, Side, Worst

WORST = Worst({"x": -0.75}, -1.6875, 1.5, 1.6875, 1e-15)
ROW = PartialResult(
    {"x": 1}, 1, "∂f/∂x", "3*x**2", "reverse", Verdict.AGREES, points=PointCounts(100, 90), autograd=Side(lost_bits=1.5)
)
VALUE = replace(ROW, partial={}, order=0, label="f", symbolic="x**3")
WRONG = replace(
    ROW,
    verdict=Verdict.DISAGREES,
    cause=Cause.NON_FINITE,
    worst=WORST,
    reproduce="derivcheck 'x**3' --domain x=-0x1.8p-1:-0x1.8p-1 -n 1",
    autograd=Side(lost_bits=53.0),
)
IMPRECISE = replace(ROW, verdict=Verdict.IMPRECISE, cause=Cause.CONDITIONING, worst=WORST)
UNDECIDED = replace(ROW, verdict=Verdict.UNDECIDED, cause=Cause.KINK, message="choose a domain beside it")
UNSUPPORTED = replace(ROW, verdict=Verdict.UNSUPPORTED, cause=Cause.OPERATION, message="torch has no besselj(2, x)")
ISOLATED = replace(ROW, verdict=Verdict.IMPRECISE, cause=Cause.ISOLATED, worst=WORST)
REMARKED = replace(ROW, remarks=("at x = 2.2e-308, far below the scale of the domain, autograd gives inf, exact is 1",))
ROWS = (ROW, WRONG, IMPRECISE, UNDECIDED, UNSUPPORTED, ISOLATED, REMARKED)

CHECK = CheckResult(
    name="cube",
    expression="x**3",
    function="mykernels.py:cube",
    variables=("x",),
    domain={"x": (-1.0, 1.0)},
    points=100,
    seed=0,
    dtype="float64",
    device="cpu",
    seconds=Seconds(total=0.5),
    partials=(VALUE, ROW),
)
IN_SUITE = replace(CHECK, source="suites/kernels.toml", line=12, tags=("fast", "nightly"))
FAILED = replace(IN_SUITE, partials=(VALUE, WRONG))

OUTCOMES = {
    Outcome.PASSED: IN_SUITE,
    Outcome.SKIPPED: replace(IN_SUITE, partials=(), skip="needs a GPU"),
    Outcome.XFAILED: replace(FAILED, xfail="the sign is wrong on purpose"),
    Outcome.KNOWN: replace(FAILED, known="https://example.org/issues/7"),
    Outcome.UNSUPPORTED: replace(IN_SUITE, partials=(VALUE, UNSUPPORTED)),
    Outcome.UNDECIDED: replace(IN_SUITE, partials=(VALUE, UNDECIDED)),
    Outcome.ERROR: replace(IN_SUITE, partials=(), error="f.py:cube raises:\n  ValueError: no"),
    Outcome.XPASSED: replace(IN_SUITE, xfail="the sign is wrong on purpose"),
    Outcome.FAILED: FAILED,
}
NOTHING = replace(IN_SUITE, partials=())

NASTY = (
    "",
    " ",
    "|",
    "a|b",
    "`",
    "```\nrm -rf /\n```",
    "a\\|b\\",
    "\\`x`",
    "<b>bold</b>",
    "</details><script>alert(1)</script>",
    "&amp; & &lt;",
    "]]>",
    "<![CDATA[x]]>",
    "--><!--",
    "'single' \"double\"",
    "\x00\x07\x1b[31mred\x7f\x9b",
    "\ud800 alone \udcff",
    "\ufffe\uffff",
    "😀 ∂²f/∂x² ünïcode",
    "two\nlines",
    "carriage\r\nreturn\r",
    "tab\there",
    "::error::injected",
    "%0A%25,:%3A",
    "C:\\suites\\a, b.toml",
    "[link](javascript:alert(1))",
    "![image](x)",
    "**bold** _under_ ~~gone~~ $x$",
    "# heading",
    "| --- |",
    "x" * 1000,
)


def report(*checks, **more):
    environment = {"python": "3.11.7", "torch": "2.13.0+cpu", "sympy": "1.14.0", "device_name": "a processor"}
    return Report(checks, environment, "0.1.0", **more)


def renamed(check, text):
    """The check with the text in all places that users fill."""
    row = replace(WRONG, message=text, reproduce=text, label=text or "f")
    fields = dict.fromkeys(("name", "expression", "function", "source", "known"), text)
    return replace(check, **fields, line=3, tags=(text,), partials=(VALUE, row, replace(UNDECIDED, message=text)))


def nasty_text(draw):
    """A few nasty pieces in a row."""
    return "".join(draw.choice(NASTY)[:40] for _ in range(draw.randint(1, 4)))


def random_report(seed):
    draw = random.Random(seed)
    checks = [_random_check(draw) for _ in range(draw.choice((0, 1, 1, 2, 5)))]
    return report(*checks, interrupted=draw.random() < 0.1, known_ok=draw.random() < 0.5)


def _random_check(draw):
    few = ROWS if draw.random() < 0.5 else (ROW, draw.choice(ROWS))
    rows = tuple(_random_row(draw, draw.choice(few)) for _ in range(draw.choice((0, 1, 2, 6))))
    marks = {key: nasty_text(draw) for key in ("skip", "xfail", "known") if draw.random() < 0.15}
    return replace(
        draw.choice((CHECK, IN_SUITE)),
        name=nasty_text(draw) if draw.random() < 0.3 else "cube",
        dtype=draw.choice(("float64", "float32")),
        partials=() if marks.get("skip") else rows,
        limits=Limits(draw.random() < 0.2, draw.choice((None, None, 10.0))),
        seconds=Seconds(total=draw.choice((math.nan, math.inf, 0.0, 1e-7, 12.5, 1e6))),
        **marks,
    )


def _random_row(draw, row):
    odd = (math.nan, math.inf, -math.inf, 0.0, 1e-320, 1e308, 12.0)
    values = [draw.choice(odd) for _ in range(6)]
    return replace(
        row,
        order=draw.randint(0, 3),
        engine=draw.choice(("reverse", "reverse", "symbolic")),
        message=nasty_text(draw) if draw.random() < 0.3 else row.message,
        worst=row.worst and Worst({"x": values[0], "y": 0.1}, *values[1:5]),
        autograd=Side(lost_bits=values[5], seconds=draw.choice(odd)),
    )
