"""The command line `face`: parse, call, print.

Exit status: 0 yes, 1 a clear "no", 2 wrong use, 3 the job could not be done; 130 and 143 where
Ctrl-C or SIGTERM ended it.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Before NumPy is loaded. What can be divided has threads of its own here; those of OpenBLAS, one a
# core, wait for each other by spinning, and gain nothing from products of this size: they took 7.6
# of the 20 seconds of processor time in which `face bulk-enroll` enrolled 40,000 people.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

_NOT_DONE, _INTERRUPTED = 3, 130


@contextmanager
def lasting_objects() -> Iterator[None]:
    """What is made inside lasts as long as the process, as nearly all of a start does: Python looks through it for
    cycles that nobody refers to neither meanwhile nor later. That took a tenth of a server's start.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def main() -> None:
    """Runs the command that the process was started with, and leaves with its status.

    Everything else is imported here, so that Ctrl-C at this moment and a library that is missing
    end in a status and a sentence, too.
    """
    try:
        with lasting_objects():
            from service.cli.app import run
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except Exception as error:
        sys.stderr.write(f"face: {type(error).__name__}: {error}\n")
        sys.exit(_NOT_DONE)
    sys.exit(run(sys.argv[1:]))


__all__ = ["lasting_objects", "main"]
