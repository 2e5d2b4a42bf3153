"""Files that cannot be used for TLS stop the start, and the message says which and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from service.cli.uvicorn_server import tls_options
from service.config import AppConfig
from service.domain.errors import TlsUnusable
from tests.cli.face import Face
from tests.contract.certificates import Authority, Pair


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def pair(authority: Authority) -> Pair:
    return authority.pair("server")


def cause(**files: Any) -> str:
    with pytest.raises(TlsUnusable) as refused:
        tls_options(AppConfig(**files))
    return str(refused.value.values["cause"])


def test_without_a_certificate_there_is_no_tls() -> None:
    assert tls_options(AppConfig()) == {}


def test_certificate_and_key_may_be_one_file(pair: Pair, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(pair.key.read_bytes() + pair.certificate.read_bytes())
    assert tls_options(AppConfig(ssl_certfile=both))["ssl_certfile"] == str(both)


def test_missing_certificate(pair: Pair, tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    assert cause(ssl_certfile=missing, ssl_keyfile=pair.key).startswith(f"{missing}: No such file")


def test_missing_key(pair: Pair, tmp_path: Path) -> None:
    missing = tmp_path / "missing.key"
    told = cause(ssl_certfile=pair.certificate, ssl_keyfile=missing)
    assert told.startswith(f"{missing}: No such file")


def test_certificate_without_a_key(pair: Pair) -> None:
    assert "holds no private key" in cause(ssl_certfile=pair.certificate)


def test_key_in_place_of_the_certificate(pair: Pair) -> None:
    assert cause(ssl_certfile=pair.key) == f"{pair.key}: holds no certificate in PEM"


def test_key_of_another_certificate(authority: Authority, pair: Pair) -> None:
    other = authority.pair("other")
    told = cause(ssl_certfile=pair.certificate, ssl_keyfile=other.key)
    assert told.endswith("the private key does not belong to the certificate")


@pytest.mark.parametrize(
    ("password", "words"),
    [(None, "ssl_keyfile_password is not set"), ("wrong", "ssl_keyfile_password does not open it")],
)
def test_encrypted_key(authority: Authority, password: str | None, words: str) -> None:
    sealed = authority.pair("sealed", password="right")
    files = {"ssl_certfile": sealed.certificate, "ssl_keyfile": sealed.key}
    assert words in cause(**files, ssl_keyfile_password=password)


def test_authorities_that_are_none(pair: Pair) -> None:
    files = {"ssl_certfile": pair.certificate, "ssl_keyfile": pair.key}
    assert cause(**files, ssl_ca_certs=pair.key) == f"{pair.key}: holds no certificate in PEM"


@pytest.mark.parametrize("name", ["ssl_keyfile", "ssl_ca_certs"])
def test_the_rest_without_a_certificate_is_no_quiet_plain_text(pair: Pair, name: str) -> None:
    assert cause(**{name: pair.key}) == f"{name} is set, and ssl_certfile is not"


def test_server_stops_with_the_message(bare: Face, tmp_path: Path) -> None:
    outcome = bare("server", "--port", 0, "--ssl-certfile", tmp_path / "missing.pem")
    assert outcome.status == 3
    assert "missing.pem: No such file" in outcome.err
    assert "[tls_unusable]" in outcome.err
    assert "Traceback" not in outcome.err
