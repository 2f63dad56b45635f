"""Random streams: one for every purpose, so that no two draws of a run share their numbers.

The seed of a stream is a hash of its name, the seed of the run and, if there are several draws of a kind, their
numbers: the streams of one run are independent, and so are those of neighbouring seeds. (JAX's `fold_in` and NumPy's
`SeedSequence` derive seeds from seeds in the same way.) Only the random points do not come from here; see
`sampling.points`.
"""

from enum import Enum
from hashlib import blake2b

import torch


class Stream(Enum):
    """What is drawn. The value is part of the hash, so a new one means new numbers."""

    COTANGENT_SIGNS = "signs of cotangents"
    COTANGENT_EXPONENTS = "exponents of cotangents"
    TRACING = "points at which torch code is traced"
    FIELDS = "slopes of the fields that stand for a network"
    CORNERS = "the other coordinates of corners"
    KINKS = "lines along which kinks are looked for"
    SEARCH = "steps of the search for worse points"
    SHARE = "random points for the referee"
    THINNED_SHARE = "the part of the share that the budget allows"
    FIRST_NOISE = "perturbations of every judged point"
    MORE_NOISE = "perturbations of the points that exceed their first bound"
    FORMULA_NOISE = "perturbations of the lowered formulas"
    COPIES = "copies of a point, for the scatter of their errors"
    PROTOCOL = "points at which other ways of calling are tried"
    PROTOCOL_NOISE = "perturbations of another way of calling"
    SENSITIVITY = "judged points at which the sensitivity is estimated"
    NEIGHBOURS = "neighbours of a point that fails alone"


def seed_of(stream: Stream, seed: int, *numbers: int) -> int:
    """The seed of a stream, in [0, 2**63): eight bytes of BLAKE2b over its name, the run's seed and the numbers."""
    text = "/".join(map(str, (stream.value, seed, *numbers)))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) % 2**63


def generator(stream: Stream, seed: int, *numbers: int) -> torch.Generator:
    """A generator on the CPU, so that one seed means the same numbers on every device."""
    return torch.Generator().manual_seed(seed_of(stream, seed, *numbers))
