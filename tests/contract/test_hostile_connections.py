"""Those who come, silent, slow or deaf, and those who are answered meanwhile."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from scripts.soak.strangers import ASSET, Stranger, pour, strangers
from service.api.concurrency import CALLS_OF_KEY
from service.domain.callers import Scope
from tests.contract.certificates import Authority
from tests.contract.collection_client import CollectionClient, ok
from tests.contract.installation import LOOPBACK, Installation, Server
from tests.contract.scrape import scrape
from tests.domain.vectors import face_of

MEBIBYTE = 1024 * 1024
PATIENCE = 2
"""Seconds for each step of a connection: `connection_timeout`."""

HONEST_SECONDS = 20.0
"""Within which an honest call is answered, on a machine that does other things as well."""

GIVEN = 60.0
"""Seconds within which something must have happened on a busy machine."""

SLOW_HEAD = b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: "
PIPELINED = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 2000


@pytest.fixture(scope="module")
def server(installation: Installation) -> Iterator[Server]:
    with installation.serving(connection_timeout=PATIENCE, max_connections=1000) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Server, key: str) -> Iterator[CollectionClient]:
    """Somebody honest, who comes on a new connection for each call."""
    with server.client(key) as http:
        http.headers["Connection"] = "close"
        http.timeout = httpx.Timeout(HONEST_SECONDS)
        client = CollectionClient(http, "honest")
        ok(client.put())
        ok(client.given("/enroll", face_of("kim"), subjectId="kim"), 201)
        yield client


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + GIVEN
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def serves(client: CollectionClient) -> None:
    """An honest caller is alive, ready, and verified."""
    ok(client.http.get("/healthz"))
    ok(client.http.get("/readyz"))
    assert ok(client.given("/verify", face_of("kim"), subjectId="kim"))["match"]


def ended(client: CollectionClient, why: str) -> float:
    return scrape(client.http).sum_of("face_http_connections_ended_total", why=why)


def memory(server: Server) -> int:
    return int(server.process.memory_info().rss)


def slow_body(key: str) -> bytes:
    head = f"POST /token/images HTTP/1.1\r\nHost: a\r\nX-API-Key: {key}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n{{".encode()


def test_readers_who_never_read_shut_out_nobody(server: Server, client: CollectionClient) -> None:
    with strangers(lambda: Stranger(server.port, window=4096), 270) as deaf:
        for one in deaf:
            one.send(ASSET * 3)
        serves(client)
        wait_until(lambda: ended(client, "answer") >= 20)
        serves(client)
    assert memory(server) < 2048 * MEBIBYTE


def test_pipelined_requests_are_read_one_at_a_time(
    server: Server, client: CollectionClient
) -> None:
    before = memory(server)
    with strangers(lambda: Stranger(server.port), 20) as hurried:
        for _ in range(3):
            pour(hurried, PIPELINED, seconds=1, most=20 * MEBIBYTE)
            serves(client)
    assert memory(server) - before < 100 * MEBIBYTE


def test_what_is_sent_behind_bodies_is_not_heaped_up(
    server: Server, client: CollectionClient, installation: Installation
) -> None:
    """Each look at a body would let more of the next ones in."""
    key = installation.key(Scope.TOKEN)
    one = f"POST /token/images HTTP/1.1\r\nHost: a\r\nX-API-Key: {key}\r\nContent-Length: 2\r\n"
    calls = f"{one}Content-Type: application/json\r\n\r\n{{}}".encode() * 2000
    before = memory(server)
    with strangers(lambda: Stranger(server.port), 20) as hurried:
        pour(hurried, calls, seconds=3, most=200 * MEBIBYTE)
        serves(client)
        assert memory(server) - before < 100 * MEBIBYTE


def test_bytes_that_take_long_to_read_keep_nobody_waiting(
    server: Server, client: CollectionClient
) -> None:
    """256 KiB of chunks of a byte each take half a second of the event loop."""
    head = "POST /verify HTTP/1.1\r\nHost: a\r\nX-API-Key: face_wrong\r\nTransfer-Encoding: chunked\r\n"
    with strangers(lambda: Stranger(server.port), 20) as crowd:
        for one in crowd:
            one.send(f"{head}\r\n".encode())
        pour(crowd, b"1\r\nx\r\n" * 20_000, seconds=1, most=20 * MEBIBYTE)
        serves(client)


def test_slow_bodies_of_one_key_shut_out_nobody(
    server: Server, client: CollectionClient, installation: Installation
) -> None:
    slow = slow_body(installation.key(Scope.TOKEN))
    with strangers(lambda: Stranger(server.port), 260) as crowd:
        for one in crowd:
            one.send(slow)
        serves(client)
        wait_until(lambda: ended(client, "body") >= CALLS_OF_KEY)
        serves(client)
        wait_until(lambda: all(one.is_cut_off for one in crowd))


def test_body_that_comes_byte_by_byte_has_an_end(
    server: Server, client: CollectionClient, installation: Installation
) -> None:
    """Each byte is in time, and all of them are not."""
    before = ended(client, "body")
    with strangers(lambda: Stranger(server.port), 1) as (slow,):
        slow.send(slow_body(installation.key(Scope.TOKEN)))

        def one_more() -> bool:
            slow.send(b" ")
            return slow.is_cut_off

        wait_until(one_more)
    assert ended(client, "body") == before + 1


def test_refused_call_cannot_go_on_sending_its_body(
    server: Server, client: CollectionClient
) -> None:
    with strangers(lambda: Stranger(server.port), 1) as (refused,):
        refused.send(slow_body("face_wrong"))

        def one_more() -> bool:
            refused.send(b" ")
            return refused.is_cut_off

        wait_until(one_more)


def test_head_that_comes_byte_by_byte_has_an_end(server: Server, client: CollectionClient) -> None:
    before = ended(client, "head")
    with strangers(lambda: Stranger(server.port), 1) as (slow,):
        slow.send(SLOW_HEAD)

        def one_more() -> bool:
            slow.send(b"y")
            return slow.is_cut_off

        wait_until(one_more)
    assert ended(client, "head") == before + 1


def test_honest_calls_are_not_hurried(server: Server, client: CollectionClient) -> None:
    """Slower than `PATIENCE` in all, and never idle so long."""
    body = b'{"collection": "honest", "subjectId": "kim"}'
    head = (
        f"POST /verify HTTP/1.1\r\nHost: a\r\nX-API-Key: {client.http.headers['Authorization'][7:]}"
    )
    with socket.create_connection((LOOPBACK, server.port)) as line:
        line.sendall(f"{head}\r\nContent-Type: application/json\r\n".encode())
        time.sleep(PATIENCE / 2)
        line.sendall(f"Content-Length: {len(body)}\r\n\r\n".encode())
        line.sendall(body[:20])
        time.sleep(PATIENCE / 2)
        line.sendall(body[20:])
        assert line.recv(100).startswith(b"HTTP/1.1 400")  # no face source


def test_silent_connections_beyond_the_descriptors_shut_out_nobody(
    installation: Installation, key: str
) -> None:
    with installation.serving(descriptors=1024) as server, server.client(key) as http:
        assert '"code": "too_few_descriptors"' in server.log
        http.headers["Connection"] = "close"
        with strangers(lambda: Stranger(server.port), 1100) as silent:
            for _ in range(5):
                ok(http.get("/healthz"))
                ok(http.get("/admin/subjects"))
            assert sum(one.is_cut_off for one in silent) > 500
        told = scrape(http)
        wait_until(lambda: "connections ended early" in server.log)
        assert server.log.count("connections ended early") == 1
        assert "out of system resource" not in server.log
    assert told.sum_of("face_http_connections_ended_total", why="crowded") > 500
    assert told.sum_of("face_http_connections") < told.sum_of("face_http_connections_limit") < 512


def test_start_with_too_few_descriptors_is_refused(installation: Installation) -> None:
    command = f"ulimit -n 256; exec {sys.executable} -m service server"
    run = subprocess.run(
        ["sh", "-c", command], env=installation.environment(), capture_output=True, text=True
    )
    assert run.returncode == 3
    assert "ulimit -n" in run.stderr
    assert "664" in run.stderr
    assert "Traceback" not in run.stderr


def test_address_with_all_its_connections_leaves_some_to_others(
    installation: Installation, key: str
) -> None:
    """None of its connections is idle, so that none can be taken from it."""
    with (
        installation.serving(max_connections=64) as server,
        strangers(lambda: Stranger(server.port, "127.0.0.2"), 64) as crowd,
    ):
        for one in crowd:
            one.send(slow_body(key))
        transport = httpx.HTTPTransport(local_address="127.0.0.3")
        with httpx.Client(base_url=server.url, transport=transport, timeout=60) as http:
            ok(http.get("/healthz"))
            ok(http.get("/admin/subjects", headers={"X-API-Key": key}))


def test_handshake_of_tls_has_an_end(installation: Installation) -> None:
    with tempfile.TemporaryDirectory(prefix="face-tls-") as folder:
        authority = Authority(Path(folder))
        pair = authority.pair("server")
        with (
            installation.serving(
                *("--ssl-certfile", str(pair.certificate), "--ssl-keyfile", str(pair.key)),
                tls=ssl.create_default_context(cafile=authority.certificate),
                connection_timeout=PATIENCE,
                max_connections=100,
            ) as server,
            strangers(lambda: Stranger(server.port), 150) as silent,
            server.client() as http,
        ):
            ok(http.get("/readyz"))
            wait_until(lambda: all(one.is_cut_off for one in silent))
            ok(http.get("/readyz"))
