"""What the server of workers imports, once for all of them (see `pool`). It computes nothing.

Collecting garbage among the objects of torch and sympy takes 0.1 s each time and finds nothing, so that there is none
while they are imported; a worker turns it on again.
"""

import gc
from contextlib import suppress

gc.disable()
with suppress(Exception):  # a worker fails at the same import, and its failure is reported
    import derivcheck.run.one  # noqa: F401
