"""The embedded server's data folder: how it is made, configured, and whether it can be used; and where
the server listens: a socket in a folder that its path has room for.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.domain.causes import Cause
from service.domain.errors import DatabaseUnavailable
from service.storage.embedded_programs import VERSION, hand_over, run, user_name

SUPERUSER = "postgres"
INITDB_SECONDS = 300
"""How long making a data folder may take: 2 seconds on a laptop, far more on a slow disk."""

ROOM_BYTES = 100 * 2**20
"""Free on the disk before a database is made. A new one takes 60 MiB, and its log grows at once."""

_SETTINGS = "face.conf"
_VERSION_FILE = "PG_VERSION"

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


def is_made(folder: Path, owner: dict[str, Any]) -> bool:
    """Whether there is a database in `folder`, which then can be used.

    Raises `DatabaseUnavailable` where there is something else, or somebody else's.
    """
    if not folder.is_dir() or not any(_entries(folder, owner)):
        return False
    _require_own(folder, owner)
    _require_version(folder)
    return True


def make(folder: Path, owner: dict[str, Any]) -> None:
    """A new, empty database cluster: made elsewhere, then renamed, so that it is never half done."""
    draft = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    if shutil.disk_usage(folder.parent).free < ROOM_BYTES:
        raise DatabaseUnavailable().because(Cause.DISK_FULL)
    draft.mkdir(mode=0o700)
    try:
        _initialize(draft, owner)
        draft.rename(folder)
    except BaseException:  # what is left of it would keep the disk full
        shutil.rmtree(draft, ignore_errors=True)
        raise


def configure(folder: Path, owner: dict[str, Any]) -> Path:
    """Returns the folder of the socket.

    Windows has no sockets that PostgreSQL could guard by permissions: there the server listens on
    the loopback address, on a free port, and trusts every user of the machine.
    """
    settings, windows = folder / _SETTINGS, sys.platform == "win32"
    before = settings.read_text("utf-8", errors="replace") if settings.exists() else ""
    sockets = folder if windows else socket_folder(folder, owner, before)
    content = _TEMPLATE.format(
        addresses=_quoted("127.0.0.1" if windows else ""),
        port=loopback_port(before) if windows else PORT,
        sockets=_quoted("" if windows else f'"{sockets}"'),
    )
    draft = settings.with_suffix(".new")
    draft.write_text(content, "utf-8")
    draft.chmod(0o644)  # in a folder of mode 0700; root writes it, the server's user reads it
    draft.replace(settings)  # never half: without its settings a server would listen on TCP
    return sockets


def _initialize(draft: Path, owner: dict[str, Any]) -> None:
    hand_over(draft, owner)
    arguments = ("--auth=trust", "--encoding=UTF8", "--no-locale", "-U", SUPERUSER, "-D", ".")
    run("initdb", *arguments, inside=draft, timeout=INITDB_SECONDS, owner=owner)
    with (draft / "postgresql.conf").open("a", encoding="utf-8") as settings:
        settings.write(f"include_if_exists = '{_SETTINGS}'\n")


def _entries(folder: Path, owner: dict[str, Any]) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names only
    except PermissionError:
        _require_owner(folder, folder, owner)
        raise


def _require_own(folder: Path, owner: dict[str, Any]) -> None:
    """Raises `DatabaseUnavailable`. A folder taken over from its owner would not start for them."""
    made_by = folder / _VERSION_FILE
    if not made_by.is_file():
        raise DatabaseUnavailable().because(Cause.FOLDER_IS_NO_DATABASE, path=folder)
    _require_owner(folder, made_by, owner)


def _require_owner(folder: Path, path: Path, owner: dict[str, Any]) -> None:
    if sys.platform == "win32":
        return
    user, found = owner.get("user", os.geteuid()), path.stat().st_uid
    if found != user:
        another = DatabaseUnavailable()
        raise another.because(
            Cause.FOLDER_OF_ANOTHER_USER,
            path=folder,
            owner=user_name(found),
            user=user_name(user),
        )


def _require_version(folder: Path) -> None:
    found = (folder / _VERSION_FILE).read_text("utf-8", errors="replace").strip()
    if not (found.isascii() and found.isdigit()):
        raise DatabaseUnavailable().because(Cause.FOLDER_IS_NO_DATABASE, path=folder)
    if int(found) != VERSION:
        another = DatabaseUnavailable()
        raise another.because(
            Cause.FOLDER_OF_ANOTHER_VERSION, path=folder, found=found, version=VERSION
        )


def _quoted(value: str) -> str:
    """A value of a configuration file, where backslashes escape and quotes are doubled."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


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
