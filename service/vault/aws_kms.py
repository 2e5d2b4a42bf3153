"""A master key that stays in AWS KMS: it wraps and unwraps there, and never comes here.

Region, credentials and endpoint are found as every AWS program finds them (`AWS_REGION`,
`AWS_PROFILE`, `AWS_ENDPOINT_URL_KMS`, an instance's role, …).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from service.domain.causes import Cause
from service.domain.errors import FaceError, KeyServiceUnavailable, MasterKeyInvalid
from service.vault.master_key import KeyPlace

_logger = logging.getLogger(__name__)

VERSION = b"\x02"
"""First byte of what was wrapped by a KMS; a master key of one's own writes 1 (`cipher.py`)."""

CONNECT_SECONDS, READ_SECONDS, TRIES = 2, 4, 2
"""A call that needs a key that is not open yet waits for at most 12 s, and holds locks meanwhile."""

_NOT_THE_KEY = {
    "AccessDeniedException",  # also where the key that wrapped it is somebody else's
    "IncorrectKeyException",
    "InvalidCiphertextException",
    "InvalidKeyUsageException",
    "KMSInvalidStateException",  # about to be deleted, say
    "DisabledException",
    "NotFoundException",
}
"""https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html#API_Decrypt_Errors"""


class AwsKmsKey:
    """Implements `KeyWrapper`. `key_id`: a symmetric key's id, ARN or alias.

    The place of the wrapped key is KMS's encryption context: authenticated with it, and shown in
    CloudTrail. Raises `KeyServiceUnavailable` where AWS's settings are not enough for a client.
    """

    def __init__(self, key_id: str) -> None:
        self._key_id = key_id
        settings = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"total_max_attempts": TRIES, "mode": "standard"},
        )
        with _translated():
            self._kms = boto3.client("kms", config=settings)

    def wrap(self, secret: bytes, place: KeyPlace) -> bytes:
        """Raises `MasterKeyInvalid` where there is no such key to use, `KeyServiceUnavailable`."""
        with _translated():
            answer = self._kms.encrypt(
                KeyId=self._key_id, Plaintext=secret, EncryptionContext=_context(place)
            )
        return VERSION + bytes(answer["CiphertextBlob"])

    def unwrap(self, wrapped: bytes, place: KeyPlace) -> bytes:
        """Raises `MasterKeyInvalid`, `KeyServiceUnavailable`."""
        if wrapped[:1] != VERSION:
            raise MasterKeyInvalid
        with _translated():
            answer = self._kms.decrypt(
                KeyId=self._key_id,
                CiphertextBlob=wrapped[1:],
                EncryptionContext=_context(place),
            )
        return bytes(answer["Plaintext"])

    def __repr__(self) -> str:
        return "AwsKmsKey(***)"


def _context(place: KeyPlace) -> dict[str, str]:
    return {
        "collection": str(place.collection_id),
        "key": str(place.key_id),
        "use": place.use.value,
    }


@contextmanager
def _translated() -> Iterator[None]:
    """Raises `MasterKeyInvalid`, `KeyServiceUnavailable`; the log says which error of AWS's it was,
    without its text, which may quote what was sent.
    """
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        raise _failure(code, not_the_key=code in _NOT_THE_KEY) from None
    except BotoCoreError as error:
        raise _failure(type(error).__name__) from None


def _failure(said: str, *, not_the_key: bool = False) -> FaceError:
    _logger.error("AWS KMS: %s", said)
    failure = MasterKeyInvalid() if not_the_key else KeyServiceUnavailable()
    return failure.because(Cause.KEY_SERVICE_SAID, said=said)
