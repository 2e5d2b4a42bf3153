"""The command line `face`: parse, call, print.

Exit status: 0 yes, 1 a clear "no", 2 wrong use, 3 the job could not be done.
"""

from __future__ import annotations

import os

# Before NumPy is loaded. What can be divided has threads of its own here; those of OpenBLAS, one a
# core, wait for each other by spinning, and gain nothing from products of this size: they took 7.6
# of the 20 seconds of processor time in which `face bulk-enroll` enrolled 40,000 people.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from service.cli.main import main

__all__ = ["main"]
