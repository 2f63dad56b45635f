"""The size of a chunk grows as long as that pays, and no further."""

import pytest

from derivcheck.sampling.chunks import GROWTH, LARGEST, SMALLEST, TRIALS, ChunkSize, most_points


def settled(cost, most=LARGEST):
    """The size that is chosen if a chunk of n points takes cost(n) seconds."""
    chunk = ChunkSize(most)
    for _ in range(10 * TRIALS):
        chunk.note(chunk.size, cost(chunk.size))
    return chunk.size


@pytest.mark.parametrize(
    ("cost", "size"),
    [
        (lambda n: 1.0, LARGEST),
        (lambda n: n * 1e-6, SMALLEST),
        (lambda n: 1 + n * (1e-6 if n <= 4 * SMALLEST else 1e-3), 4 * SMALLEST),
    ],
    ids=["overhead alone", "no overhead", "the cache ends"],
)
def test_the_cheapest_size_is_chosen(cost, size):
    assert settled(cost) == size


def test_the_size_never_exceeds_what_the_device_allows():
    assert settled(lambda n: 1.0, most=GROWTH * SMALLEST) == GROWTH * SMALLEST
    assert settled(lambda n: 1.0, most=100) == 100


def test_one_slow_chunk_does_not_decide():
    chunk = ChunkSize()
    for seconds in (5.0, 0.01, 0.01):
        chunk.note(SMALLEST, seconds)
    for seconds in (0.01, 3.0, 0.01):
        chunk.note(GROWTH * SMALLEST, seconds)
    assert chunk.size == GROWTH**2 * SMALLEST


def test_a_last_chunk_that_is_smaller_says_nothing():
    chunk = ChunkSize()
    for _ in range(10):
        chunk.note(10, 1.0)
    assert chunk.size == SMALLEST


def test_the_first_chunk_of_a_high_order_is_small_and_grows_like_any_other():
    assert ChunkSize(order=30).size < ChunkSize(order=2).size == SMALLEST
    chunk = ChunkSize(order=30)
    for _ in range(100):
        chunk.note(chunk.size, 1.0)
    assert chunk.size > LARGEST // GROWTH


def test_a_chunk_of_many_columns_fits_memory():
    assert most_points("cpu", 8, 7) == LARGEST
    assert most_points("cpu", 8, 3401) * 3401 * 8 < 2**25
