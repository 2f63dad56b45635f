"""derivcheck: is this derivative right? autograd and sympy, refereed by the exact value.

report = derivcheck.check("x1**2*sin(x2)", order=2, wrt=["x1", "x2"])
report.ok; report.verdict; report.to_dict(); print(report)
"""

import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from derivcheck.api import assert_derivatives, assert_residual, check, check_all
    from derivcheck.errors import DerivcheckError, ExpressionError, RequestError
    from derivcheck.outcomes import Cause, Verdict
    from derivcheck.problem import Check
    from derivcheck.results import Report
    from derivcheck.run.gradcheck import gradcheck, gradgradcheck

__version__ = "0.1.0"

__all__ = [
    "Cause",
    "Check",
    "DerivcheckError",
    "ExpressionError",
    "Report",
    "RequestError",
    "Verdict",
    "__version__",
    "assert_derivatives",
    "assert_residual",
    "check",
    "check_all",
    "gradcheck",
    "gradgradcheck",
]

# torch says so at its first tensor where numpy is not installed. Nothing here needs numpy.
warnings.filterwarnings("ignore", message="Failed to initialize NumPy", category=UserWarning)

_HOME = {
    "assert_derivatives": "api",
    "assert_residual": "api",
    "check": "api",
    "check_all": "api",
    "Check": "problem",
    "DerivcheckError": "errors",
    "ExpressionError": "errors",
    "RequestError": "errors",
    "Cause": "outcomes",
    "Report": "results",
    "Verdict": "outcomes",
    "gradcheck": "run.gradcheck",
    "gradgradcheck": "run.gradcheck",
}


def __getattr__(name: str) -> Any:
    """Import on first use: `derivcheck --help` must not wait for torch."""
    if name not in _HOME:
        raise AttributeError(f"module 'derivcheck' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 paid only by those who use it

    value = getattr(import_module(f"derivcheck.{_HOME[name]}"), name)
    globals()[name] = value
    return value
