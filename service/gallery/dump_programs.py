"""pg_dump and pg_restore: which ones, and how they are run.

Passwords reach them by their environment: a command line can be read by every user of the machine.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from psycopg.conninfo import make_conninfo
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from service.domain.causes import Cause
from service.domain.errors import CopyFailed, DatabaseUnsuitable
from service.gallery.connecting import CONNECT_SECONDS, driver_url
from service.gallery.server_programs import programs

_logger = logging.getLogger(__name__)

_READ_BYTES = 1024 * 1024
_SECRETS = ("password", "sslpassword")
_WITHOUT_DEMAND = (None, "disable", "allow", "prefer")
"""Values of sslmode, the default first, with which TLS may be left out."""

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


class DumpProgram:
    """One of the two, fit for a server of the major version `server` and the database at `url`.

    Raises `DatabaseUnsuitable` where none is new enough: pg_dump refuses a server newer than
    itself. Of those that are, the oldest is taken: a newer pg_restore sets what an older server
    does not know. `encrypted`: the service's own connection is, and then so is this one.
    """

    def __init__(self, name: str, url: str, server: int, *, encrypted: bool = False) -> None:
        self.name = name
        self._path = _program(name, server, encrypted=encrypted)
        self._url = url
        self._encrypted = encrypted

    def output(self, *arguments: str) -> Iterator[bytes]:
        """What it writes. Raises `CopyFailed`; an unfinished one is killed."""
        with self._running(*arguments, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None  # noqa: S101 - asked for above
            while part := process.stdout.read(_READ_BYTES):
                yield part

    def feed(self, parts: Iterable[bytes], *arguments: str) -> None:
        """Hand it `parts`. Raises `CopyFailed`; where `parts` raises, it is killed."""
        with self._running(*arguments, stdin=subprocess.PIPE) as process:
            assert process.stdin is not None  # noqa: S101 - asked for above
            with suppress(BrokenPipeError):  # it ended early: its status says why
                for part in parts:
                    process.stdin.write(part)
                process.stdin.close()

    @contextmanager
    def _running(
        self, *arguments: str, stdin: int = subprocess.DEVNULL, stdout: int = subprocess.DEVNULL
    ) -> Iterator[subprocess.Popen[bytes]]:
        address, secrets = _address(self._url, encrypted=self._encrypted)
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(  # noqa: S603 - PostgreSQL's own program, no shell
                [self._path, "--no-password", f"--dbname={address}", *arguments],
                stdin=stdin,
                stdout=stdout,
                stderr=said,
                env={**os.environ, **secrets},
            )
            try:
                yield process
                process.wait()
            finally:
                _end(process)
            if process.returncode != 0:
                self._fail(said)

    def _fail(self, said: IO[bytes]) -> None:
        """Only the lines of errors are told: details and context quote rows, and with them ids."""
        said.seek(0)
        lines = said.read().decode(errors="replace").splitlines()
        errors = [line for line in lines if line.startswith(f"{self.name}: error:")]
        for line in errors:
            _logger.error("%s", line)
        cause = errors[0].partition("error: ")[2] if errors else "see its log"
        raise CopyFailed(program=self.name, cause=cause)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.close()
    process.wait()


def _address(url: str, *, encrypted: bool) -> tuple[str, dict[str, str]]:
    """What may stand on a command line, and the environment that holds the rest.

    Left to itself libpq would go on in plain text where TLS fails.
    SQLAlchemy adds objects that are psycopg's business, and nothing to libpq.
    """
    engine = create_engine(driver_url(url), poolclass=NullPool)
    _, parameters = engine.dialect.create_connect_args(engine.url)
    password = parameters.get("password")
    shown: dict[str, Any] = {
        name: value
        for name, value in parameters.items()
        if name not in _SECRETS and isinstance(value, str | int)
    }
    if encrypted and shown.get("sslmode") in _WITHOUT_DEMAND:
        shown["sslmode"] = "require"
    address = make_conninfo(**{"connect_timeout": CONNECT_SECONDS, **shown})
    return address, {} if password is None else {"PGPASSWORD": str(password)}


def _program(name: str, server: int, *, encrypted: bool) -> str:
    """Not the embedded one where TLS is needed: it is built without."""
    folders = (None,) if encrypted else (str(programs()), None)
    found = {path for folder in folders if (path := shutil.which(name, path=folder))}
    fit = sorted((major, path) for path in found if (major := _major(path)) >= server)
    if not fit:
        cause = Cause.DUMP_PROGRAM_WITHOUT_TLS if encrypted else Cause.DUMP_PROGRAM_MISSING
        raise DatabaseUnsuitable().because(cause, program=name, server=server)
    return fit[0][1]


def _major(path: str) -> int:
    """0 where it does not say."""
    answer = subprocess.run([path, "--version"], capture_output=True, text=True)  # noqa: S603
    version = _VERSION.search(answer.stdout)
    return int(version[1]) if version else 0
