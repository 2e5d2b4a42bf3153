"""Who uses the embedded server, and whether it lives.

Several processes use it at once, the last of which stops it: told by locks on files, not by a list of
process ids. When a process dies, however it dies, the operating system takes its locks away, and
nobody has to find out whether a number still means the same process.

What the server says about itself in `postmaster.pid` may be torn, empty, somebody else's or gone:
whoever lost power while it was written, or removed it by hand, must find a database that starts, not
a traceback.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from service.domain.causes import Cause
from service.domain.errors import DatabaseUnavailable
from service.storage.embedded_folder import SOCKET_NAME, Address

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


_FILE = "postmaster.pid"
_PROGRAM = "postgres"
_PID, _PORT, _SOCKETS, _HOST, _STATUS = 0, 3, 4, 5, 7
"""Lines: pid, data folder, start time, port, socket folder, address, shared memory, status."""


@dataclass(frozen=True, slots=True)
class ServerRecord:
    """`pid`: None where the file does not tell one. `address`: None before the server is ready."""

    pid: int | None
    address: Address | None


def read_record(folder: Path) -> ServerRecord:
    """What can be read; nothing raises but the disk."""
    lines = _lines(folder)
    pid = _number(lines, _PID)
    port = _number(lines, _PORT)
    if port is None or len(lines) <= _STATUS or lines[_STATUS].strip() != "ready":
        return ServerRecord(pid, None)
    host = lines[_SOCKETS].strip() or lines[_HOST].strip()
    return ServerRecord(pid, Address(host, port) if host else None)


def is_served(folder: Path) -> bool:
    """Whether a server is at work on `folder`, ready or not, told by the processes themselves.

    A server whose file is gone or damaged ends within a minute, and must be waited for.
    """
    pid = read_record(folder).pid
    if pid is not None:
        return _works_in(folder, pid)
    return any(_is_server_of(folder, process) for process in psutil.process_iter())


def forget_dead_server(folder: Path, sockets: Path) -> None:
    """Remove what a killed server left in `folder` and in its folder of `sockets`: the numbers in
    it may be somebody else's by now, and PostgreSQL would take them for a server. (Shared memory
    still tells it of living children.)
    """
    for path in (folder / _FILE, sockets / SOCKET_NAME, sockets / f"{SOCKET_NAME}.lock"):
        path.unlink(missing_ok=True)


def _lines(folder: Path) -> list[str]:
    try:
        return (folder / _FILE).read_text("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []


def _number(lines: list[str], at: int) -> int | None:
    """Digits only, as PostgreSQL writes them, and no more of them than a number has."""
    text = lines[at].strip() if at < len(lines) else ""
    plausible = text.isascii() and text.isdigit() and len(text) <= len(str(2**31))
    return int(text) if plausible and int(text) > 0 else None


def _works_in(folder: Path, pid: int) -> bool:
    """A server's working folder is its data folder, whatever it is called; a dead one has none,
    also where it stays in the list of processes because nobody has asked how it ended.
    """
    try:
        return _is_in(folder, psutil.Process(pid))
    except (psutil.Error, OverflowError):
        return False


def _is_server_of(folder: Path, process: psutil.Process) -> bool:
    """By its name as well: a shell may stand in the folder."""
    try:
        return process.name().startswith(_PROGRAM) and _is_in(folder, process)
    except psutil.Error:
        return False


def _is_in(folder: Path, process: psutil.Process) -> bool:
    return Path(process.cwd()) == folder
