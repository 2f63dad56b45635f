"""What is asked about the residual of an equation, besides what every check has."""

from __future__ import annotations

from dataclasses import dataclass

WEIGHT = "weight"  # the variable that a residual is trained by: one weight of the network


@dataclass(frozen=True)
class Residual:
    """One output of code that computes residuals, or derivatives of a formula."""

    text: str
    """All equations, as given; empty where the equation that the code computes is the truth."""
    fields: tuple[str, ...]
    """Names of the outputs of the network, in order; empty without a network."""
    coordinates: tuple[str, ...]
    """Names of the inputs of the network, in order."""
    closed: tuple[str, ...] = ()
    """A formula per field; those that are drawn at random are here too."""
    is_random: bool = True
    """Whether the formulas were drawn at random."""
    net: str = ""
    """The parameter or attribute that is the network."""
    call: str = ""
    """How the function is called, as text; empty for the usual way."""
    operator: str = ""
    """What the function computes of a formula, such as gradient; empty for a residual."""
    output: int = 0
    """Which output, from 0."""
    outputs: int = 1
    reading: object = None
    """What the code was found to compute (`pde.reading.Reading`), if it was read."""

    def options(self) -> list[str]:
        """As the command line has them, but the equations and the variables."""
        fields = [
            part for name, text in zip(self.fields, self.closed, strict=True) for part in ("--field", f"{name}={text}")
        ]
        named = (("--net", self.net), ("--call", self.call), ("--operator", self.operator))
        return fields + [part for option, value in named if value for part in (option, value)]
