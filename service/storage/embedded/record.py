"""What a server of a data folder says about itself in `postmaster.pid`, and whether it lives.

The file may be torn, empty, somebody else's or gone: whoever lost power while it was written, or
removed it by hand, must find a database that starts, not a traceback.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psutil

from service.storage.embedded.address import SOCKET_NAME, Address

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
