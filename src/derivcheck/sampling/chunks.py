"""How many points at once: few enough that the intermediate results stay in the cache, enough to hide Python.

One operation at a time over all points moves every intermediate result through memory; over a chunk that fits the cache
it does not (measured on 2 cores, order 2: 10 million points per second at once, 82 million in chunks). The best size
depends on the function, the order and the machine, so it is found during the run: chunks grow fourfold as long as that
makes a point cheaper.
"""

import torch

SMALLEST = 2**14  # points; fewer cost more time in Python than in the arithmetic
FEWEST = 2**8  # points, however large each is: fewer take no less time
LARGEST = 2**18  # points; more fit no cache, and memory must stay bounded: 2 MB per float64 column
LARGEST_ON_CUDA = 2**26  # points; a GPU needs more to be busy, and half a gigabyte per float64 column is enough
MOST_SHALLOW = (
    6  # order: beyond it the graphs of nested autograd may take 0.1 MB per point, so the first chunk is small
)
GROWTH = 4  # from one size to the next: fewer sizes to try than with 2, and the best is at most twice off
TRIALS = 3  # chunks of each size: the first meets cold caches, the others the noise of the machine
GAIN = 0.95  # a larger size must make a point cheaper by this factor, more than the noise of the clock, to be worth it
MOST_ON_CPU = 2**28  # bytes of one chunk: up to 8 variables and partials have the largest
COPIES = 16  # tensors alive at once per variable or partial: the graph of a formula of about that many operations


class ChunkSize:
    """The size of the next chunk, chosen by what the chunks so far have cost."""

    def __init__(self, most: int = LARGEST, order: int = 0) -> None:
        self.size = min(SMALLEST if order <= MOST_SHALLOW else FEWEST, most)
        self._most, self._settled = most, False
        self._costs: list[float] = []
        self._best = (float("inf"), self.size)

    def note(self, points: int, seconds: float) -> None:
        """Record how long a chunk of this many points took."""
        if self._settled or points < self.size:
            return
        self._costs.append(seconds / points)
        if len(self._costs) == TRIALS:
            self._next(min(self._costs))

    def _next(self, cost: float) -> None:
        """Grow while larger is cheaper, else settle for the best."""
        self._costs = []
        worth = cost < GAIN * self._best[0]
        if worth:
            self._best = (cost, self.size)
        self._settled = not worth or self.size * GROWTH > self._most
        self.size = self._best[1] if self._settled else self.size * GROWTH


def most_points(device: str, itemsize: int, columns: int) -> int:
    """The largest chunk that the memory of a device allows, for a number of variables and partials together."""
    point = itemsize * COPIES * columns
    if not device.startswith("cuda"):
        return max(FEWEST, min(LARGEST, MOST_ON_CPU // point))
    free, _ = torch.cuda.mem_get_info(device)
    return max(SMALLEST, min(LARGEST_ON_CUDA, free // point))
