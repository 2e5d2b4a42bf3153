"""A real PostgreSQL over TCP with rules of its own for who is let in, for what the shared one cannot be."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Thread

import psycopg
import pytest

from service.storage.embedded_programs import hand_over, open_programs, programs, server_owner
from tests.contract.certificates import Pair
from tests.ports import free_port

SUPERUSER = "postgres"
SETTINGS = ("listen_addresses = '127.0.0.1'", "unix_socket_directories = ''", "fsync = off")


class OwnServer:
    """`port`: on 127.0.0.1, where the superuser needs no password."""

    def __init__(self, folder: Path, rules: Sequence[str], settings: Sequence[str] = ()) -> None:
        self._data = folder / "data"
        self._owner = server_owner()
        self.port = free_port()
        self._make(
            rules=("host all postgres 127.0.0.1/32 trust", *rules),
            settings=(f"port = {self.port}", *SETTINGS, *settings),
        )

    def _make(self, rules: Sequence[str], settings: Sequence[str]) -> None:
        open_programs(self._owner)
        self._data.mkdir(mode=0o700)
        hand_over(self._data, self._owner)
        self._run(
            "initdb", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync", "-U", SUPERUSER
        )
        (self._data / "pg_hba.conf").write_text("\n".join(rules) + "\n")
        with (self._data / "postgresql.conf").open("a") as file:
            file.write("\n".join(settings) + "\n")

    def start(self) -> None:
        self._run("pg_ctl", "start", "-w", "-l", "log")

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "-w", "-m", "immediate")

    def run(self, *statements: str, database: str = SUPERUSER) -> None:
        connection = psycopg.connect(
            host="127.0.0.1", port=self.port, user=SUPERUSER, dbname=database, autocommit=True
        )
        with closing(connection):
            for statement in statements:
                connection.execute(statement.encode())

    def url(self, role: str = SUPERUSER, database: str = SUPERUSER, options: str = "") -> str:
        """`role` may be `name:password`."""
        return f"postgresql://{role}@127.0.0.1:{self.port}/{database}{options}"

    def _run(self, program: str, *arguments: str) -> None:
        with (self._data.parent / "said").open("w") as said:
            subprocess.run(
                [programs() / program, *arguments, "-D", "."],
                check=True,
                cwd=self._data,
                stdout=said,
                stderr=said,
                **self._owner,
            )


@contextmanager
def own_server(rules: Sequence[str] = (), settings: Sequence[str] = ()) -> Iterator[OwnServer]:
    """Running, in a folder outside pytest's, which are not open to the server's user."""
    folder = Path(tempfile.mkdtemp(prefix="face-own-"))
    try:
        server = OwnServer(folder, rules, settings)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def tls_in_front(port: int, pair: Pair) -> Iterator[int]:
    """The port of a door to PostgreSQL's `port` that speaks TLS: the embedded server is built without."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    with socket.create_server(("127.0.0.1", 0)) as door:
        Thread(target=_serve, args=(door, context, port), daemon=True).start()
        yield door.getsockname()[1]


def _serve(door: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with suppress(OSError):
        while True:
            client, _ = door.accept()
            Thread(target=_encrypt, args=(client, context, port), daemon=True).start()


def _encrypt(client: socket.socket, context: ssl.SSLContext, port: int) -> None:
    """Answers libpq's request for TLS by yes, then passes on both ways."""
    with suppress(OSError), client:
        client.recv(8)
        client.sendall(b"S")
        with (
            context.wrap_socket(client, server_side=True) as encrypted,
            socket.create_connection(("127.0.0.1", port)) as server,
        ):
            Thread(target=_copy, args=(server, encrypted), daemon=True).start()
            _copy(encrypted, server)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(65536):
            target.sendall(part)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def small_disk(mebibytes: int) -> Iterator[Path]:
    """A folder on a disk of its own; skips the test where none can be mounted."""
    folder = Path(tempfile.mkdtemp(prefix="face-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(folder)]
    try:
        if sys.platform == "win32" or subprocess.run(mount, check=False).returncode != 0:
            pytest.skip("this user may mount no disk")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "-l", folder], check=True)
    finally:
        folder.rmdir()
