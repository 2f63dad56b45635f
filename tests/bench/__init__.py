"""How fast derivcheck is beside what people use instead: `python -m tests.bench`, one file a group of rows.

Ratios, because seconds say more about the machine than about the program. Both sides of a row run in one process (or
each in a new one, where whole commands are compared), in turn, after one call each that is not counted and whose
results must agree: sides that compute different numbers are not compared at all.
"""

import warnings

# torch says so when it is imported where numpy is not installed. Nothing here needs numpy.
warnings.filterwarnings("ignore", message="Failed to initialize NumPy", category=UserWarning)
