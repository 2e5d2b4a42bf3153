"""Where the embedded server listens: a socket in a folder that its path has room for."""

from __future__ import annotations

import os
import re
import socket
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.storage.embedded.programs import hand_over

PORT = 5432
SOCKET_NAME = f".s.PGSQL.{PORT}"

_LONGEST_SOCKET_PATH = 103
"""Bytes: macOS gives a socket's path 104 with the closing zero, Linux 108."""

_MEANT_FOR_LIBPQ = ",:"
"""In a host's name these separate several hosts, or host and port."""

_PREFIX = "face-"
_KEPT_FOLDER = re.compile(r"""^unix_socket_directories = '"(.+)"'$""", re.MULTILINE)
_KEPT_PORT = re.compile(r"^port = (\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Address:
    """`host`: the folder of the socket, or an IP address."""

    host: str
    port: int


def socket_folder(folder: Path, owner: dict[str, Any], settings: str) -> Path:
    """The data folder, or where its path will not do one in the temporary folder: of a random name,
    which nobody can have taken before, and for the server's user only.

    `settings`: those of the last start. A server that is started again stays where its users know
    it to be.
    """
    path = str(folder / SOCKET_NAME)
    unfit = any(sign in path for sign in _MEANT_FOR_LIBPQ) or '"' in path
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH and not unfit:
        return folder
    kept = _KEPT_FOLDER.search(settings)
    if kept and _is_private(Path(kept[1]), owner):
        return Path(kept[1])
    short = Path(tempfile.mkdtemp(prefix=_PREFIX))
    hand_over(short, owner)
    return short


def loopback_port(settings: str) -> int:
    """On Windows: that of the last start where it is free, else another free one."""
    kept = _KEPT_PORT.search(settings)
    if kept and _is_free(int(kept[1])):
        return int(kept[1])
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


def _is_private(folder: Path, owner: dict[str, Any]) -> bool:
    """Still the folder that was made, not one that somebody put in its place."""
    if sys.platform == "win32":
        return False
    try:
        found = folder.lstat()
    except OSError:
        return False
    user = owner.get("user", os.geteuid())
    mine = found.st_uid == user and stat.S_IMODE(found.st_mode) == stat.S_IRWXU
    return stat.S_ISDIR(found.st_mode) and mine


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
