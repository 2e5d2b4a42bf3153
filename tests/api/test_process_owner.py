"""Whose program is at the other end of a connection: of real ones, and as the kernel writes them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.api.open_door import End, name_of, owner_by_processes, owner_of, this_user

OTHER_USER = 54321
PEER = """
import os, socket, sys
connection = socket.socket(socket.AF_INET6 if sys.argv[2] == "6" else socket.AF_INET)
os.setuid(int(sys.argv[1]))
connection = socket.socket(connection.family)
connection.connect((sys.argv[3], int(sys.argv[4])))
sys.stdin.read()
"""
"""Becomes another user, connects, and stays until its input ends."""

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's tables")
as_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")


def ends(connection: socket.socket) -> tuple[End, End]:
    """Of an accepted connection: the client's and the server's."""
    client, server = connection.getpeername(), connection.getsockname()
    return client[:2], server[:2]


@contextmanager
def called_by(user: int, family: str = "4", to: str = "127.0.0.1") -> Iterator[tuple[End, End]]:
    """A connection that a process of this user has opened to this one."""
    with socket.create_server(
        (("", 0) if ":" in to else (to, 0)),
        dualstack_ipv6=":" in to,
        family=socket.AF_INET6 if ":" in to else socket.AF_INET,
    ) as server:
        arguments = [str(user), family, to, str(server.getsockname()[1])]
        peer = subprocess.Popen([sys.executable, "-c", PEER, *arguments], stdin=subprocess.PIPE)
        try:
            server.settimeout(30)
            connection, _ = server.accept()
            with connection:
                yield ends(connection)
        finally:
            peer.communicate(timeout=30)


@contextmanager
def own_connection() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both of its sockets: the client's, and the one that was accepted."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname()[:2])
        accepted, _ = server.accept()
        with client, accepted:
            yield client, accepted


def test_own_connection_is_ones_own() -> None:
    with own_connection() as (_, accepted):
        assert owner_of(*ends(accepted)) == this_user()
        assert owner_by_processes(*ends(accepted)) == this_user()


@on_linux
@as_root
@pytest.mark.parametrize(
    ("family", "to"), [("4", "127.0.0.1"), ("6", "::ffff:127.0.0.1"), ("6", "::1")]
)
def test_process_of_another_user_is_told_apart(family: str, to: str) -> None:
    with called_by(OTHER_USER, family, to) as (client, server):
        assert owner_of(client, server) == str(OTHER_USER)
        if to == "127.0.0.1":
            assert owner_by_processes(client, server) == str(OTHER_USER)


@on_linux
@as_root
def test_end_is_not_taken_for_the_other_end() -> None:
    with called_by(OTHER_USER) as (client, server):
        assert owner_of(server, client) == this_user()  # the accepted socket is this process's


def test_connection_that_is_not_there_is_nobodys() -> None:
    assert owner_of(("127.0.0.1", 1), ("127.0.0.1", 2)) is None


@on_linux
def test_closed_connection_is_nobodys() -> None:
    """What is left of it is listed as user 0's, which may be the service's own."""
    with own_connection() as (client, accepted):
        both = ends(accepted)
        client.close()
        assert owner_of(*both) is None


LINE = "   0: 0100007F:{port} 0100007F:5BEF {state} 00000000:00000000 00:00000000 00000000 {uid} 0 {inode} 1\n"
HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """As Linux's, with two accounts for one connection nowhere, and no IPv6."""
    (tmp_path / "net").mkdir()
    (tmp_path / "sys/kernel").mkdir(parents=True)
    (tmp_path / "sys/kernel/overflowuid").write_text("65534\n")
    return tmp_path


def written(proc: Path, *lines: str) -> str | None:
    (proc / "net/tcp").write_text(HEAD + "".join(lines))
    return owner_of(("127.0.0.1", 50000), ("127.0.0.1", 23535), proc)


def line(uid: int = 1000, port: str = "C350", state: str = "01", inode: int = 7) -> str:
    return LINE.format(uid=uid, port=port, state=state, inode=inode)


@on_linux
def test_table_of_the_kernel_is_read(proc: Path) -> None:
    assert written(proc, line(1), line(2, port="C351"), line(1000)) is None  # two owners: neither
    assert written(proc, line(2, port="C351"), line(1000)) == "1000"
    assert written(proc, line(1000)[:40] + "\n") is None


@on_linux
@pytest.mark.parametrize("state", ["02", "04", "05", "06", "08"])
def test_connection_that_is_opening_or_closing_is_nobodys(proc: Path, state: str) -> None:
    assert written(proc, line(0, state=state)) is None


@on_linux
def test_socket_that_no_program_holds_is_nobodys(proc: Path) -> None:
    assert written(proc, line(0, inode=0)) is None


@on_linux
def test_account_that_this_container_does_not_know_is_nobodys(proc: Path) -> None:
    assert written(proc, line(65534)) is None


@on_linux
def test_machine_without_tables_knows_nobody(tmp_path: Path) -> None:
    assert owner_of(("127.0.0.1", 50000), ("127.0.0.1", 23535), tmp_path) is None


def test_user_is_called_by_name_where_there_is_one() -> None:
    assert name_of("0") == "root"
    assert name_of(str(OTHER_USER)) == str(OTHER_USER)
