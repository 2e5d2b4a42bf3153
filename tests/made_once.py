"""What many tests need and takes long to make, kept in the checkout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fasteners import InterProcessLock


def made_once(mark: Path, state: bytes, lock: Path, make: Callable[[], object]) -> None:
    """Calls `make`, unless `mark` says that it was made of this `state`. `lock`: a file that `make` leaves
    where it is; tests run in two processes.
    """
    with InterProcessLock(str(lock)):
        if not mark.is_file() or mark.read_bytes() != state:
            make()
            mark.write_bytes(state)
