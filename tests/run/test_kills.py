"""A run that is killed at any moment, again and again: `--resume` gives the report of an unbroken run; nothing is left.

With more kills: python -m tests.fuzz --kind kills
"""

from itertools import islice
from pathlib import Path

import pytest

from tests.fuzz.kills import Killing

KILLS = 3


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found by /proc")
def test_kills_at_random_moments_change_no_report_and_leave_nothing(tmp_path):
    killing = Killing(tmp_path, seed=0)
    assert [check["verdict"] for check in killing.unbroken["checks"]].count("disagrees") == 1
    assert list(islice(killing.faults(), KILLS)) == [""] * KILLS
    assert killing.finished("--resume") == killing.unbroken
    assert killing.is_gone()
