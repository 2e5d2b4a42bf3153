"""HTTPS by settings: what is spoken, what is refused, and whose certificates count."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.cli.uvicorn_server import hardened
from tests.contract.certificates import Authority
from tests.contract.collection_client import ok
from tests.contract.installation import CHECKOUT, LOOPBACK, Installation, Server

WITHDRAWN = [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1]
TLS_1_2_WITHOUT_FORWARD_SECRECY = "AES256-GCM-SHA384"


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    with tempfile.TemporaryDirectory(prefix="face-tls-") as folder:
        yield Authority(Path(folder))


def trusting(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority.certificate)


@pytest.fixture(scope="module")
def server(installation: Installation, authority: Authority) -> Iterator[Server]:
    pair = authority.pair("server", password="open sesame")
    with installation.serving(
        *("--ssl-certfile", str(pair.certificate), "--ssl-keyfile", str(pair.key)),
        tls=trusting(authority),
        ssl_keyfile_password="open sesame",
    ) as server:
        yield server


def handshake(server: Server, context: ssl.SSLContext) -> str | None:
    """The version agreed upon. Raises `ssl.SSLError`."""
    with (
        socket.create_connection((LOOPBACK, server.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=LOOPBACK) as secured,
    ):
        return secured.version()


def only(authority: Authority, version: ssl.TLSVersion) -> ssl.SSLContext:
    """A client that would speak even what is withdrawn."""
    context = trusting(authority)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    return context


def test_calls_are_answered(server: Server, key: str) -> None:
    with server.client(key) as http:
        assert http.base_url.scheme == "https"
        ok(http.get("/admin/subjects"))


def test_browsers_are_told_to_stay_with_tls(server: Server) -> None:
    with server.client() as http:
        assert http.get("/healthz").headers["Strict-Transport-Security"] == "max-age=31536000"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_current_versions_are_spoken(
    server: Server, authority: Authority, version: ssl.TLSVersion
) -> None:
    assert handshake(server, only(authority, version)) == version.name.replace("_", ".")


def agreed_in_memory(client: ssl.SSLContext, server: ssl.SSLContext) -> str | None:
    """The version that the two agree upon. Raises `ssl.SSLError`."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = client.wrap_bio(down, up, server_hostname=LOOPBACK)
    there = server.wrap_bio(up, down, server_side=True)
    for end in (here, there, here, there, here):
        with contextlib.suppress(ssl.SSLWantReadError):
            end.do_handshake()
    return here.version()


def lenient(authority: Authority) -> ssl.SSLContext:
    """A server that speaks whatever the client does."""
    pair = authority.pair("lenient")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    return context


@pytest.mark.parametrize("version", WITHDRAWN)
def test_withdrawn_versions_are_refused(
    server: Server, authority: Authority, version: ssl.TLSVersion
) -> None:
    with pytest.raises(ssl.SSLError):
        handshake(server, only(authority, version))


@pytest.mark.parametrize("version", WITHDRAWN)
def test_withdrawn_versions_are_refused_by_the_minimum_alone(
    authority: Authority, version: ssl.TLSVersion
) -> None:
    client, context = only(authority, version), lenient(authority)
    try:
        spoken = agreed_in_memory(client, context)
    except ssl.SSLError:
        pytest.skip(f"this OpenSSL cannot speak {version.name} at all")
    assert spoken == version.name.replace("_", ".")
    with pytest.raises(ssl.SSLError, match=r"(?i)version|protocol"):
        agreed_in_memory(client, hardened(None, lambda: context))


def test_ciphers_without_forward_secrecy_are_refused(server: Server, authority: Authority) -> None:
    context = only(authority, ssl.TLSVersion.TLSv1_2)
    context.set_ciphers(TLS_1_2_WITHOUT_FORWARD_SECRECY)
    with pytest.raises(ssl.SSLError):
        handshake(server, context)


def test_plain_http_is_not_answered(server: Server) -> None:
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://{LOOPBACK}:{server.port}/healthz")


def health_check(port: int, **settings: Path) -> int:
    """The status of the container's own."""
    named = {f"FACE_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, str(CHECKOUT / "docker" / "healthy.py")]
    environment = {**os.environ, "FACE_SERVER_PORT": str(port), **named}
    return subprocess.run(command, env=environment, capture_output=True).returncode


def test_containers_health_check_speaks_tls(server: Server, tmp_path: Path) -> None:
    assert health_check(server.port, ssl_certfile=tmp_path) == 0
    assert health_check(server.port, ssl_certfile=tmp_path, ssl_ca_certs=tmp_path) == 0
    assert health_check(server.port) != 0


def test_callers_must_show_a_certificate_where_an_authority_is_set(
    installation: Installation, authority: Authority
) -> None:
    pair, client = authority.pair("mutual"), authority.pair("client")
    known = trusting(authority)
    known.load_cert_chain(client.certificate, client.key)
    with installation.serving(
        *("--workers", "2"),
        tls=known,
        ssl_certfile=pair.certificate,
        ssl_keyfile=pair.key,
        ssl_ca_certs=authority.certificate,
    ) as server:
        with server.client() as http:
            ok(http.get("/healthz"))
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{server.url}/healthz", verify=trusting(authority))
