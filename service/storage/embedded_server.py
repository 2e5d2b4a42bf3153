"""The embedded PostgreSQL: made and started where needed, shared by all who use the same folder, and
started again where it was killed alone, but not without end.
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL

from service.domain.causes import Cause
from service.domain.errors import DatabaseUnavailable
from service.storage import embedded_folder as server_folder
from service.storage.embedded_folder import SUPERUSER, Address
from service.storage.embedded_programs import (
    hand_over,
    open_programs,
    refused,
    run,
    server_owner,
    told_by_server,
)
from service.storage.embedded_use import (
    SharedUse,
    forget_dead_server,
    is_served,
    one_at_a_time,
    read_record,
)
from service.storage.engine import CONNECT_SECONDS
from service.storage.failures import diagnosis_of

DATABASE = "face"

START_SECONDS, STOP_SECONDS = 120, 60
"""How long starting (with recovery after a crash) and stopping may take."""

_START_ATTEMPTS = 5
"""For a killed server's children, which notice its death within a second or so."""

_NOT_STOPPED = "the embedded database was not stopped: %s"

_PAUSE_SECONDS = 1.0
_POLL_SECONDS = 0.1
_GRACE_SECONDS = 10
"""What pg_ctl gets on top of the time that it grants the server."""

_LOG = "log"

_logger = logging.getLogger(__name__)


class EmbeddedServer:
    """A server in `<data_dir>/postgres`, running from `start` to the last user's `stop`.

    `url`: SQLAlchemy URL of its database `face`.
    """

    def __init__(self, data_dir: Path) -> None:
        data_dir = data_dir.expanduser().resolve()
        self.folder = data_dir / "postgres"
        self.url = ""
        self._lock = data_dir / "postgres.lock"
        self._use = SharedUse(data_dir / "postgres.users")
        self._owner = server_owner()
        self._process = os.getpid()

    def start(self) -> None:
        """Joins the server that another process has started. Raises `DatabaseUnavailable`."""
        with self._explained():
            self._lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with one_at_a_time(self._lock):
                address = self._running()
                try:
                    create_database(address, DATABASE)
                    self._use.join()
                except (DatabaseUnavailable, OSError):  # as on a full disk
                    self._leave()
                    raise
        self.url = url_of(address, DATABASE)
        atexit.register(self.stop)

    @property
    def runs(self) -> bool:
        """Also where it was left by `stop`: then it is nobody's business here."""
        return not self.url or is_served(self.folder)

    def restart(self) -> bool:
        """Starts the server again where it was killed. False: it was left by `stop` meanwhile.

        Raises `DatabaseUnavailable`.
        """
        with self._explained(), one_at_a_time(self._lock):
            if not self.url:  # stopped while this waited
                return False
            moved = url_of(self._running(), DATABASE) != self.url
        if moved:
            raise DatabaseUnavailable().because(Cause.SERVER_MOVED)
        return True

    def stop(self) -> None:
        """Leaves the server, and stops it where nobody else uses it. Again: does nothing.

        Nor does it in a forked child, which did not start it.
        """
        atexit.unregister(self.stop)
        if not self.url or self._process != os.getpid():
            return
        self.url = ""
        try:
            with one_at_a_time(self._lock):
                self._leave()
        except (DatabaseUnavailable, OSError) as error:
            _logger.warning(_NOT_STOPPED, type(error).__name__)

    def _leave(self) -> None:
        """Stops the server where nobody else uses it. To be called under the lock."""
        try:
            if self._use.leave():
                self._stop()
        except (DatabaseUnavailable, OSError) as error:  # nothing is lost by a server that runs on
            _logger.warning(_NOT_STOPPED, type(error).__name__)

    def _running(self) -> Address:
        if not server_folder.is_made(self.folder, self._owner):
            open_programs(self._owner)
            server_folder.make(self.folder, self._owner)
        return self._found() or self._started()

    def _found(self) -> Address | None:
        """A server that is there already, waited for while it recovers or is about to die.

        Raises `DatabaseUnavailable` where it does neither: its records must not be removed then.
        """
        deadline = time.monotonic() + START_SECONDS
        while is_served(self.folder):
            address = read_record(self.folder).address
            if address is not None and accepts(address):
                return address
            if time.monotonic() > deadline:
                silent = DatabaseUnavailable()
                raise silent.because(Cause.SERVER_SILENT, path=self.folder, seconds=START_SECONDS)
            time.sleep(_POLL_SECONDS)
        return None

    def _started(self) -> Address:
        open_programs(self._owner)
        hand_over(self.folder, self._owner)
        sockets = server_folder.configure(self.folder, self._owner)
        forget_dead_server(self.folder, sockets)
        self._pg_ctl_start()
        address = read_record(self.folder).address
        if address is None:
            raise DatabaseUnavailable
        return address

    def _pg_ctl_start(self) -> None:
        log = self.folder / _LOG
        before = log.stat().st_size if log.exists() else 0
        for attempt in range(1, _START_ATTEMPTS + 1):
            try:
                return self._pg_ctl("start", START_SECONDS, "-l", _LOG)
            except DatabaseUnavailable as error:
                if attempt == _START_ATTEMPTS:
                    raise told_by_server(log, before) or error from None
            time.sleep(_PAUSE_SECONDS)
        return None

    def _stop(self) -> None:
        address = read_record(self.folder).address
        if address is None or not is_served(self.folder):
            return
        self._pg_ctl("stop", STOP_SECONDS, "-m", "fast")
        if Path(address.host).is_dir() and Path(address.host) != self.folder:
            shutil.rmtree(address.host, ignore_errors=True)

    def _pg_ctl(self, action: str, seconds: int, *arguments: str) -> None:
        common = ("-w", "-t", str(seconds), "-D", ".")
        run(
            "pg_ctl",
            *(action, *common, *arguments),
            inside=self.folder,
            timeout=seconds + _GRACE_SECONDS,
            owner=self._owner,
        )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """What the operating system refuses becomes a cause. Raises `DatabaseUnavailable`."""
        try:
            yield
        except OSError as error:
            raise refused(error, self.folder.parent) from None


def start_embedded(data_dir: Path) -> EmbeddedServer:
    """Raises `DatabaseUnavailable`."""
    server = EmbeddedServer(data_dir)
    server.start()
    return server


def create_database(address: Address, name: str) -> None:
    """Where it is not there yet. Raises `DatabaseUnavailable`."""
    try:
        with _connection(address) as connection:
            exists = connection.execute("SELECT FROM pg_database WHERE datname = %s", [name])
            if not exists.rowcount:
                connection.execute(
                    psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name))
                )
    except psycopg.OperationalError as error:
        unavailable = DatabaseUnavailable()
        unavailable.diagnosis = diagnosis_of(error)
        raise unavailable from None


def accepts(address: Address) -> bool:
    try:
        _connection(address).close()
    except psycopg.OperationalError:
        return False
    return True


def url_of(address: Address, database: str) -> str:
    """For SQLAlchemy."""
    url = URL.create(
        "postgresql+psycopg",
        username=SUPERUSER,
        database=database,
        query={"host": address.host, "port": str(address.port)},
    )
    return url.render_as_string(hide_password=False)


def _connection(address: Address) -> psycopg.Connection:
    return psycopg.connect(
        host=address.host,
        port=address.port,
        user=SUPERUSER,
        dbname=SUPERUSER,
        autocommit=True,
        connect_timeout=CONNECT_SECONDS,
    )


RESTARTS, WITHIN_SECONDS = 5, 600.0
"""A server that dies more often dies of something that another start does not mend: a full disk, too
little memory. Then it is left alone until the oldest of these starts is so long ago.
"""


class ServerRestart:
    """Looks after one server, called every second or so by one thread of a process that serves."""

    def __init__(self, server: EmbeddedServer, timer: Callable[[], float] = time.monotonic) -> None:
        self._server = server
        self._timer = timer
        self._begun: deque[float] = deque(maxlen=RESTARTS)
        self._given_up = False

    def __call__(self) -> None:
        """Raises `DatabaseUnavailable` where it does not start; the next call tries again."""
        if self._server.runs:
            return
        if self._may_not_yet():
            self._give_up()
            return
        self._begun.append(self._timer())
        self._given_up = False
        _logger.warning(
            "the embedded database is gone, and started again (%s of %s in %.0f minutes)",
            *(len(self._begun), RESTARTS, WITHIN_SECONDS / 60),
        )
        if self._server.restart():
            _logger.warning("the embedded database runs again")

    def _may_not_yet(self) -> bool:
        full = len(self._begun) == RESTARTS
        return full and self._timer() - self._begun[0] < WITHIN_SECONDS

    def _give_up(self) -> None:
        if not self._given_up:
            self._given_up = True
            _logger.error(
                "the embedded database went %s times in %.0f minutes, and is left alone for a while:"
                " see the log in its folder",
                *(RESTARTS, WITHIN_SECONDS / 60),
            )
