"""Who uses the embedded server: several processes at once, the last of which stops it.

Locks on files, not a list of process ids: when a process dies, however it dies, the operating system
takes its locks away, and nobody has to find out whether a number still means the same process.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.domain.causes import Cause
from service.domain.errors import DatabaseUnavailable

LOCK_SECONDS = 300.0
"""Longer than making or starting a database takes: whoever holds it after that hangs."""

_POLL_SECONDS = 0.05
_PLACES = 2**20
"""Windows has exclusive locks only: each user there locks one random byte out of these."""


class SharedUse:
    """This process's part in the use of what `path` stands for; `path` is made where missing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def join(self) -> None:
        self._handle = _open(self._path)
        if not _lock_shared(self._handle):
            raise BlockingIOError(f"somebody holds {self._path} alone")

    def leave(self) -> bool:
        """True where nobody else is left. Call it under a lock that `join` is called under."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        handle = _open(self._path)
        try:
            return _lock_alone(handle)
        finally:
            os.close(handle)


@contextmanager
def one_at_a_time(path: Path, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Waits until no other thread or process is in a block of the same `path`.

    Raises `DatabaseUnavailable` where that takes longer than `seconds`.
    """
    handle, deadline = _open(path), time.monotonic() + seconds
    try:
        while not _lock_alone(handle):
            if time.monotonic() > deadline:
                in_use = DatabaseUnavailable()
                raise in_use.because(Cause.FOLDER_IN_USE, path=path, seconds=round(seconds))
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(handle)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


if sys.platform == "win32":
    import msvcrt

    def _lock_shared(handle: int) -> bool:
        os.lseek(handle, secrets.randbelow(_PLACES), os.SEEK_SET)
        return _try_windows(handle, 1)

    def _lock_alone(handle: int) -> bool:
        os.lseek(handle, 0, os.SEEK_SET)
        return _try_windows(handle, _PLACES)

    def _try_windows(handle: int, size: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, size)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock_shared(handle: int) -> bool:
        return _try_posix(handle, fcntl.LOCK_SH)

    def _lock_alone(handle: int) -> bool:
        return _try_posix(handle, fcntl.LOCK_EX)

    def _try_posix(handle: int, kind: int) -> bool:
        """flock, not lockf: the latter cannot tell two users inside one process apart."""
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
