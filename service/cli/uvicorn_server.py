"""uvicorn as `face server` runs it: on bounded connections, with workers that end with it, over TLS."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, cast

import uvicorn
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from service.api.settings import ACCEPTED_AT_ONCE
from service.cli.context import NOT_DONE
from service.config import AppConfig
from service.domain.errors import TlsUnusable

logger = logging.getLogger(__name__)

GRACE_SECONDS = 10
"""How long calls under way may take once the server is told to stop."""

SILENCE_SECONDS = 30
"""How long a worker may not answer its parent before it is replaced.

uvicorn's own 5 seconds are over before a busy machine has imported everything.
"""


_END_SECONDS = 5
"""For what comes after those calls, such as the end of the work in the background."""


class ServerConfig(uvicorn.Config):
    """What the workers are told as well. Settings of uvicorn that no operator changes are here."""

    def __init__(self, app: str | Callable[[], Any], **settings: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(
            app,
            factory=True,
            # uvloop does not exist on Windows, and the work here is not the event loop's.
            loop="asyncio",
            http="h11",
            ws="none",  # no route is one
            # The service has its own access log, without paths: a path may hold a subject's id.
            access_log=False,
            # A forwarding header is a reason to refuse an open call, so it must not be swallowed.
            proxy_headers=False,
            server_header=False,
            backlog=ACCEPTED_AT_ONCE,
            timeout_graceful_shutdown=GRACE_SECONDS,
            timeout_worker_healthcheck=SILENCE_SECONDS,
            **settings,
        )

    def load(self) -> None:
        """The application; and its connections between the sockets and uvicorn's protocol.

        They do the handshake of TLS as well, so that it is counted and has an end.
        """
        from service.api.protocol import BoundedProtocol

        super().load()
        connections = self.loaded_app.state.connections
        bounded = partial(BoundedProtocol, connections, self.ssl, self.http_protocol_class)
        self.http_protocol_class = cast("type[Any]", bounded)
        self.ssl = None


def serve(config: ServerConfig) -> None:
    """Until it is told to stop. Exits with uvicorn's own status where it cannot start."""
    if config.workers > 1:
        _Workers(config, [_bound_socket(config)]).run()
        return
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        raise SystemExit(STARTUP_FAILURE)


class _Workers(Multiprocess):
    """uvicorn's parent of several processes, which says that it serves once one of them does."""

    _has_told = False

    def keep_subprocess_alive(self) -> None:
        super().keep_subprocess_alive()
        if not self._has_told and any(process.is_ready() for process in self.processes):
            self._has_told = True
            _tell(self.config, self.sockets[0])


def _tell(config: uvicorn.Config, listening: socket.socket) -> None:
    """In uvicorn's own words for a single process."""
    scheme = "https" if config.is_ssl else "http"
    host = f"[{config.host}]" if ":" in config.host else config.host
    port = listening.getsockname()[1]
    logger.info("Uvicorn running on %s://%s:%d (Press CTRL+C to quit)", scheme, host, port)


def _bound_socket(config: uvicorn.Config) -> socket.socket:
    """Not `config.bind_socket`, which says that uvicorn runs before anything does. Until a worker
    listens on it, callers are refused and not kept waiting.
    """
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    bound = socket.socket(family)
    if os.name == "posix":  # on Windows it would let another program listen there as well
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((config.host, config.port))
    bound.set_inheritable(True)
    return bound


def end_with_parent() -> None:
    """To be called in a worker: it stops when the process that started it is gone, however that
    ended. Else it would hold the port, and nobody would stop it.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), name="parent", daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS + _END_SECONDS)
    os._exit(NOT_DONE)


OLDEST_VERSION = ssl.TLSVersion.TLSv1_2
"""TLS 1.0 and 1.1 are withdrawn (RFC 8996)."""

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2: forward secrecy and authenticated encryption, as RFC 9325 recommends. TLS 1.3 has
no others."""


def tls_options(config: AppConfig) -> dict[str, Any]:
    """What uvicorn is told; empty without TLS. Raises `TlsUnusable`, before anything listens."""
    if config.ssl_certfile is None:
        _require_nothing_else(config)
        return {}
    options = {
        "ssl_certfile": str(config.ssl_certfile),
        "ssl_keyfile": str(config.ssl_keyfile) if config.ssl_keyfile else None,
        "ssl_keyfile_password": _password(config) or None,
        "ssl_ca_certs": str(config.ssl_ca_certs) if config.ssl_ca_certs else None,
        "ssl_cert_reqs": ssl.CERT_REQUIRED if config.ssl_ca_certs else ssl.CERT_NONE,
        "ssl_context_factory": hardened,
    }
    _require_fitting_files(config, config.ssl_certfile)
    return options


def hardened(_: object, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """uvicorn's context, held to the minimum. A function by name: workers are told of it."""
    context = default()
    context.minimum_version = OLDEST_VERSION
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    return context


def _password(config: AppConfig) -> str:
    secret = config.ssl_keyfile_password
    return secret.get_secret_value() if secret else ""


def _require_nothing_else(config: AppConfig) -> None:
    """A key without its certificate would be a server in the clear that was meant to be safe."""
    for name in ("ssl_keyfile", "ssl_keyfile_password", "ssl_ca_certs"):
        if getattr(config, name) is not None:
            raise TlsUnusable(cause=f"{name} is set, and ssl_certfile is not")


def _require_fitting_files(config: AppConfig, certificate: Path) -> None:
    """Looked at one by one, since OpenSSL says "PEM lib" of whatever is wrong. An encrypted key
    without a password must not reach it: it would ask on the terminal, and a service would wait.
    """
    key, password = config.ssl_keyfile or certificate, _password(config)
    _require_certificate(certificate)
    _require_key(key, password)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, lambda: password)
    except ssl.SSLError as error:
        raise TlsUnusable(cause=f"{certificate}, {key}: {_cause(error)}") from None
    if config.ssl_ca_certs is not None:
        _require_certificate(config.ssl_ca_certs)


def _require_certificate(file: Path) -> None:
    try:
        load_pem_x509_certificates(_content(file))
    except ValueError:
        raise TlsUnusable(cause=f"{file}: holds no certificate in PEM") from None


def _require_key(file: Path, password: str) -> None:
    content = _content(file)
    try:
        load_pem_private_key(content, None)
    except TypeError:
        _require_password(file, content, password)
    except (ValueError, UnsupportedAlgorithm):
        raise TlsUnusable(cause=f"{file}: holds no private key in PEM") from None


def _require_password(file: Path, content: bytes, password: str) -> None:
    if not password:
        raise TlsUnusable(cause=f"{file}: is encrypted, and ssl_keyfile_password is not set")
    try:
        load_pem_private_key(content, password.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise TlsUnusable(cause=f"{file}: ssl_keyfile_password does not open it") from None


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise TlsUnusable(cause=f"{file}: {error.strerror}") from None


def _cause(error: ssl.SSLError) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return "the private key does not belong to the certificate"
    return error.reason or "OpenSSL refuses them"
