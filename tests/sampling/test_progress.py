"""Whoever listens hears of every chunk, and only while listening."""

from derivcheck import check
from derivcheck.sampling.progress import announce, listening


def test_a_check_announces_its_chunks_up_to_all_points():
    heard = []
    with listening(lambda done, total: heard.append((done, total))):
        check("x", points=40_000, timing=False)
    assert heard[-1] == (40_000, 40_000)
    assert heard == sorted(set(heard))
    assert len(heard) > 1


def test_nobody_hears_what_is_announced_after_the_block():
    heard = []
    with listening(lambda done, total: heard.append(done)):
        announce(1, 2)
    announce(2, 2)
    assert heard == [1]
