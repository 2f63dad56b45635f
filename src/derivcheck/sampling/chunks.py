"""How many points at once: few enough that the intermediate results stay in the cache, enough to hide Python.

One operation at a time over all points moves every intermediate result through memory; over a chunk that fits the cache
it does not (measured on 2 cores, order 2: 10 million points a second at once, 82 in chunks). Which size is best depends
on the function, the order and the machine, so it is found out on the way: chunks grow fourfold as long as that
makes a point cheaper.
"""

import torch

FIRST = 2**14  # points; fewer cost more time in Python than in the arithmetic
MOST = 2**18  # points; more fit no cache, and memory is to stay bounded: 2 MB a float64 column
GROWTH = 4
TRIALS = 3  # chunks of each size: the first meets cold caches, the others the noise of the machine
GAIN = 0.95  # a larger size must make a point cheaper by this factor, otherwise the smaller one keeps its memory
COPIES = 16  # tensors alive at once a variable or partial, on a device whose memory is small


class ChunkSize:
    """The size to take next, from what the chunks so far have cost."""

    def __init__(self, most: int = MOST) -> None:
        self.size = min(FIRST, most)
        self._most, self._settled = most, False
        self._costs: list[float] = []
        self._best = (float("inf"), self.size)

    def note(self, points: int, seconds: float) -> None:
        """A chunk of so many points took so long."""
        if self._settled or points < self.size:
            return
        self._costs.append(seconds / points)
        if len(self._costs) == TRIALS:
            self._next(min(self._costs))

    def _next(self, cost: float) -> None:
        """Go on while larger is cheaper, else settle for the best."""
        self._costs = []
        worth = cost < GAIN * self._best[0]
        if worth:
            self._best = (cost, self.size)
        self._settled = not worth or self.size * GROWTH > self._most
        self.size = self._best[1] if self._settled else self.size * GROWTH


def most_points(device: str, itemsize: int, columns: int) -> int:
    """The largest chunk that the memory of a device allows, for a number of variables and partials together."""
    if not device.startswith("cuda"):
        return MOST
    free, _ = torch.cuda.mem_get_info(device)
    return max(FIRST, min(256 * MOST, free // (itemsize * COPIES * columns)))
