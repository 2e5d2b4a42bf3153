"""What is sealed opens in its own place, and nowhere else."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.collection import SealContext
from service.vault.cipher import KEY_BYTES, NONCE_BYTES, AuthenticationFailed, Cipher

SECRET, KEY_ID, COLLECTION_ID = bytes(range(KEY_BYTES)), uuid4(), uuid4()
CIPHER = Cipher(SECRET, KEY_ID, COLLECTION_ID)
CONTEXT = SealContext("kim", "template", "1")
SEALED = CIPHER.seal(b"a vector", CONTEXT)

ELSEWHERE = [
    SealContext("lee", "template", "1"),
    SealContext("kim", "metadata", "1"),
    SealContext("kim", "template", "2"),
    SealContext("kimtemplate", "", "1"),
    SealContext("", "kimtemplate", "1"),
]


@given(st.binary(max_size=4096))
def test_sealed_opens_to_what_was_sealed(plain: bytes) -> None:
    assert CIPHER.open(CIPHER.seal(plain, CONTEXT), CONTEXT) == plain


def test_each_sealing_has_its_own_nonce() -> None:
    nonces = {CIPHER.seal(b"same", CONTEXT)[17 : 17 + NONCE_BYTES] for _ in range(100)}
    assert len(nonces) == 100


@pytest.mark.parametrize("context", ELSEWHERE)
def test_context_binds_ciphertext_to_its_row(context: SealContext) -> None:
    with pytest.raises(AuthenticationFailed):
        CIPHER.open(SEALED, context)


def test_another_collection_does_not_open_it() -> None:
    with pytest.raises(AuthenticationFailed):
        Cipher(SECRET, KEY_ID, uuid4()).open(SEALED, CONTEXT)


def test_another_key_id_does_not_open_it() -> None:
    with pytest.raises(AuthenticationFailed):
        Cipher(SECRET, uuid4(), COLLECTION_ID).open(SEALED, CONTEXT)


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(AuthenticationFailed):
        Cipher(bytes(KEY_BYTES), KEY_ID, COLLECTION_ID).open(SEALED, CONTEXT)


@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_flipped_byte_fails_closed(position: int, flip: int) -> None:
    tampered = bytearray(SEALED)
    tampered[position] ^= flip
    with pytest.raises(AuthenticationFailed):
        CIPHER.open(bytes(tampered), CONTEXT)


@given(st.integers(0, len(SEALED) - 1))
def test_short_value_fails_closed(length: int) -> None:
    with pytest.raises(AuthenticationFailed):
        CIPHER.open(SEALED[:length], CONTEXT)


def test_failure_tells_no_reason() -> None:
    with pytest.raises(AuthenticationFailed) as caught:
        CIPHER.open(SEALED, ELSEWHERE[0])
    assert caught.value.__cause__ is None
    assert caught.value.args == ()


def test_cipher_prints_no_secret() -> None:
    assert repr(CIPHER) == f"Cipher({KEY_ID}, ***)"
