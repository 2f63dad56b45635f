"""A module whose import takes longer than its task may."""

import time

time.sleep(1.5)


def double(x):
    return 2 * x
