"""The embedded server's data folder: how it is made, configured, and what it tells."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from service.gallery.server_owner import hand_over
from service.gallery.server_programs import run

SUPERUSER = "postgres"
PORT = 5432
INITDB_SECONDS = 300
"""How long making a data folder may take: 2 seconds on a laptop, far more on a slow disk."""

_LONGEST_SOCKET_PATH = 103
"""Bytes: macOS gives a socket's path 104 with the closing zero, Linux 108."""

_SOCKET_NAME = f".s.PGSQL.{PORT}"
_PID_FILE_LINES = 8
_SETTINGS = "face.conf"
_MEANT_FOR_LIBPQ = ",:"
"""In a host's name these separate several hosts, or host and port."""

_TEMPLATE = """\
# Written at each start. Own settings: ALTER SYSTEM.
listen_addresses = {addresses}
port = {port}
unix_socket_directories = {sockets}
# Everybody who reaches the socket is trusted, so nobody but the server's user (and root) may.
unix_socket_permissions = 0700
max_connections = 200
# The details of an error quote the row, with the subject's id.
log_error_verbosity = terse
# Old log is unlinked, not kept under a new name: deleted people would stay readable in it.
wal_recycle = off
jit = off
"""


@dataclass(frozen=True, slots=True)
class Address:
    """`host`: the folder of the socket, or an IP address."""

    host: str
    port: int


def make(folder: Path, owner: dict[str, Any]) -> None:
    """A new, empty database cluster: made elsewhere, then renamed, so that it is never half done."""
    draft = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    hand_over(draft, owner)
    arguments = ("--auth=trust", "--encoding=UTF8", "--no-locale", "-U", SUPERUSER, "-D", ".")
    run("initdb", *arguments, inside=draft, timeout=INITDB_SECONDS, owner=owner)
    with (draft / "postgresql.conf").open("a", encoding="utf-8") as settings:
        settings.write(f"include_if_exists = '{_SETTINGS}'\n")
    draft.rename(folder)


def configure(folder: Path, owner: dict[str, Any]) -> None:
    """Windows has no sockets that PostgreSQL could guard by permissions: there the server listens
    on the loopback address, on a free port, and trusts every user of the machine.
    """
    windows = sys.platform == "win32"
    content = _TEMPLATE.format(
        addresses=_quoted("127.0.0.1" if windows else ""),
        port=_free_port() if windows else PORT,
        sockets=_quoted("" if windows else f'"{_socket_folder(folder, owner)}"'),
    )
    settings = folder / _SETTINGS
    settings.write_text(content, "utf-8")
    settings.chmod(0o644)  # in a folder of mode 0700; root writes it, the server's user reads it


def is_served(folder: Path) -> bool:
    """Whether a server is at work on `folder`, ready or not."""
    lines = _pid_file_lines(folder)
    return bool(lines) and _works_in(folder, int(lines[0]))


def address_of(folder: Path) -> Address | None:
    """Where the server of `folder` says that it listens; None before it is ready."""
    lines = _pid_file_lines(folder)
    if len(lines) < _PID_FILE_LINES or lines[7].strip() != "ready":
        return None
    return Address(lines[4] or lines[5].strip(), int(lines[3]))


def forget_dead_server(folder: Path) -> None:
    """Remove the pid file that a killed server left: its number may be somebody else's by now, and
    PostgreSQL would wait for them. (Shared memory still tells it of living children.)
    """
    (folder / "postmaster.pid").unlink(missing_ok=True)


def _pid_file_lines(folder: Path) -> list[str]:
    """Pid, data folder, start time, port, socket folder, address, shared memory, status."""
    try:
        return (folder / "postmaster.pid").read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []


def _works_in(folder: Path, pid: int) -> bool:
    """A server's working folder is its data folder, whatever it is called; a dead one has none,
    also where it stays in the list of processes because nobody has asked how it ended.
    """
    try:
        return Path(psutil.Process(pid).cwd()) == folder
    except psutil.Error:
        return False


def _socket_folder(folder: Path, owner: dict[str, Any]) -> Path:
    """The data folder, or where its path will not do a new one in the temporary folder: of a
    random name, which nobody can have taken before, and for the server's user only.
    """
    path = str(folder / _SOCKET_NAME)
    unfit = any(sign in path for sign in _MEANT_FOR_LIBPQ) or '"' in path
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH and not unfit:
        return folder
    short = Path(tempfile.mkdtemp(prefix="face-"))
    hand_over(short, owner)
    return short


def _quoted(value: str) -> str:
    """A value of a configuration file, where backslashes escape and quotes are doubled."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port
