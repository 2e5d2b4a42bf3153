"""TLS as `face server` speaks it: which versions and ciphers, and files that fit together."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates

from service.config import AppConfig
from service.domain.errors import TlsUnusable

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
