"""A master key in AWS KMS, over HTTP, as far as it differs from one of one's own."""

from __future__ import annotations

import logging
import socket
from uuid import uuid4

import boto3
import pytest

from service.domain.causes import Cause, Diagnosis
from service.domain.errors import KeyServiceUnavailable, MasterKeyInvalid
from service.vault.aws_kms import AwsKmsKey
from service.vault.master_key import KeyPlace, Use
from tests.vault.wrappers import new_kms_key, use_kms

PLACE = KeyPlace(uuid4(), uuid4(), Use.DATA)
SECRET = bytes(32)


@pytest.mark.usefixtures("kms")
def test_key_may_be_named_by_its_alias() -> None:
    arn = new_kms_key()
    alias = f"alias/{uuid4()}"
    boto3.client("kms").create_alias(AliasName=alias, TargetKeyId=arn)
    wrapped = AwsKmsKey(alias).wrap(SECRET, PLACE)
    assert AwsKmsKey(arn).unwrap(wrapped, PLACE) == SECRET


@pytest.mark.usefixtures("kms")
def test_key_that_does_not_exist_is_not_the_right_one() -> None:
    with pytest.raises(MasterKeyInvalid):
        AwsKmsKey(str(uuid4())).wrap(SECRET, PLACE)


def test_kms_that_does_not_answer_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    use_kms(monkeypatch, f"http://127.0.0.1:{port}")
    with caplog.at_level(logging.ERROR), pytest.raises(KeyServiceUnavailable) as raised:
        AwsKmsKey("any").wrap(SECRET, PLACE)
    assert "EndpointConnectionError" in caplog.text
    values = {"said": "EndpointConnectionError"}
    assert raised.value.diagnosis == Diagnosis(Cause.KEY_SERVICE_SAID, values)


def test_without_a_region_it_is_unavailable(monkeypatch: pytest.MonkeyPatch, kms: str) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    with pytest.raises(KeyServiceUnavailable):
        AwsKmsKey("any")
