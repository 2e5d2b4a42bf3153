"""Master keys of every kind, each with a place to live."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import pytest
from moto.server import ThreadedMotoServer

from service.vault.aws_kms import AwsKmsKey

REGION = "eu-central-1"


@contextmanager
def kms_server() -> Iterator[str]:
    """A server on loopback that speaks AWS's protocol; its address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def use_kms(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    """AWS's own variables, and none of the developer's."""
    for name, value in {
        "AWS_ENDPOINT_URL_KMS": endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)


def new_kms_key() -> str:
    """The ARN of a key made in the KMS in use."""
    return str(boto3.client("kms").create_key()["KeyMetadata"]["Arn"])


def new_kms_wrapper() -> AwsKmsKey:
    return AwsKmsKey(new_kms_key())
