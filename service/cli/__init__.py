"""The command line `face`: parse, call, print.

Exit status: 0 yes, 1 a clear "no", 2 wrong use, 3 the job could not be done.
"""

from __future__ import annotations

from service.cli.main import main

__all__ = ["main"]
