"""The embedded PostgreSQL: made and started where needed, shared by all who use the same folder."""

from __future__ import annotations

import atexit
import os
import shutil
import time
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL

from service.domain.errors import DatabaseUnavailable
from service.gallery import server_folder
from service.gallery.connecting import CONNECT_SECONDS
from service.gallery.server_folder import SUPERUSER, Address
from service.gallery.server_owner import hand_over, open_programs, server_owner
from service.gallery.server_programs import run
from service.gallery.shared_use import SharedUse, one_at_a_time

DATABASE = "face"

START_SECONDS, STOP_SECONDS = 120, 60
"""How long starting (with recovery after a crash) and stopping may take."""

_START_ATTEMPTS = 5
"""For a killed server's children, which notice its death within a second or so."""

_PAUSE_SECONDS = 1.0
_POLL_SECONDS = 0.1
_GRACE_SECONDS = 10
"""What pg_ctl gets on top of the time that it grants the server."""


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
        self._lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with one_at_a_time(self._lock):
            address = self._running()
            _create_database(address)
            self._use.join()
        self.url = _url(address)
        atexit.register(self.stop)

    def stop(self) -> None:
        """Leaves the server, and stops it where nobody else uses it. Again: does nothing.

        Nor does it in a forked child, which did not start it.
        """
        atexit.unregister(self.stop)
        if not self.url or self._process != os.getpid():
            return
        self.url = ""
        with one_at_a_time(self._lock):
            if self._use.leave():
                self._stop()

    def _running(self) -> Address:
        if not (self.folder / "PG_VERSION").exists():
            open_programs(self._owner)
            server_folder.make(self.folder, self._owner)
        return self._found() or self._started()

    def _found(self) -> Address | None:
        """A server that is there already, waited for while it recovers or is about to die."""
        deadline = time.monotonic() + START_SECONDS
        while server_folder.is_served(self.folder) and time.monotonic() < deadline:
            address = server_folder.address_of(self.folder)
            if address is not None and _accepts(address):
                return address
            time.sleep(_POLL_SECONDS)
        return None

    def _started(self) -> Address:
        open_programs(self._owner)
        hand_over(self.folder, self._owner)
        server_folder.forget_dead_server(self.folder)
        server_folder.configure(self.folder, self._owner)
        self._pg_ctl_start()
        address = server_folder.address_of(self.folder)
        if address is None:
            raise DatabaseUnavailable
        return address

    def _pg_ctl_start(self) -> None:
        for attempt in range(1, _START_ATTEMPTS + 1):
            try:
                return self._pg_ctl("start", START_SECONDS, "-l", "log")
            except DatabaseUnavailable:
                if attempt == _START_ATTEMPTS:
                    raise
            time.sleep(_PAUSE_SECONDS)
        return None

    def _stop(self) -> None:
        address = server_folder.address_of(self.folder)
        if address is None or not server_folder.is_served(self.folder):
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


def start_embedded(data_dir: Path) -> EmbeddedServer:
    """Raises `DatabaseUnavailable`."""
    server = EmbeddedServer(data_dir)
    server.start()
    return server


def _create_database(address: Address) -> None:
    try:
        with _connection(address) as connection:
            exists = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
            if not exists.rowcount:
                connection.execute(f"CREATE DATABASE {DATABASE}")
    except psycopg.OperationalError:
        raise DatabaseUnavailable from None


def _accepts(address: Address) -> bool:
    try:
        _connection(address).close()
    except psycopg.OperationalError:
        return False
    return True


def _connection(address: Address) -> psycopg.Connection:
    return psycopg.connect(
        host=address.host,
        port=address.port,
        user=SUPERUSER,
        dbname=SUPERUSER,
        autocommit=True,
        connect_timeout=CONNECT_SECONDS,
    )


def _url(address: Address) -> str:
    url = URL.create(
        "postgresql+psycopg",
        username=SUPERUSER,
        database=DATABASE,
        query={"host": address.host, "port": str(address.port)},
    )
    return url.render_as_string(hide_password=False)
