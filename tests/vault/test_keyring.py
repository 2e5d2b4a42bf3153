"""One master key, one data key per collection, and one key for each use of it."""

from __future__ import annotations

from uuid import uuid4

import pytest

from service.domain.collection import SealContext, WrappedKey
from service.domain.errors import MasterKeyInvalid, TemplateTampered
from service.domain.ports import CollectionKey, Vault
from service.vault.cipher import KEY_BYTES
from service.vault.keyring import KeyRing
from service.vault.master_key import MasterKey

COLLECTION_ID = uuid4()
CONTEXT = SealContext("kim", "template", "1")


def _ring(fill: int = 1) -> KeyRing:
    return KeyRing(MasterKey(bytes([fill]) * KEY_BYTES))


def test_key_ring_is_a_vault() -> None:
    vault: Vault = _ring()
    key: CollectionKey = vault.unlock(COLLECTION_ID, vault.new_key(COLLECTION_ID))
    assert key.open(key.seal(b"x", CONTEXT), CONTEXT) == b"x"


def test_wrapped_key_opens_in_another_process() -> None:
    wrapped = _ring().new_key(COLLECTION_ID)
    sealed = _ring().unlock(COLLECTION_ID, wrapped).seal(b"x", CONTEXT)
    assert _ring().unlock(COLLECTION_ID, wrapped).open(sealed, CONTEXT) == b"x"


def test_wrong_master_key_is_refused() -> None:
    wrapped = _ring().new_key(COLLECTION_ID)
    with pytest.raises(MasterKeyInvalid):
        _ring(2).unlock(COLLECTION_ID, wrapped)


def test_wrapped_key_moved_to_another_collection_is_refused() -> None:
    wrapped = _ring().new_key(COLLECTION_ID)
    with pytest.raises(MasterKeyInvalid):
        _ring().unlock(uuid4(), wrapped)


def test_wrapped_key_under_another_id_is_refused() -> None:
    wrapped = _ring().new_key(COLLECTION_ID)
    with pytest.raises(MasterKeyInvalid):
        _ring().unlock(COLLECTION_ID, WrappedKey(uuid4(), wrapped.wrapped))


def test_new_keys_do_not_open_each_others_values() -> None:
    ring = _ring()
    first, second = (ring.unlock(COLLECTION_ID, ring.new_key(COLLECTION_ID)) for _ in range(2))
    with pytest.raises(TemplateTampered):
        second.open(first.seal(b"x", CONTEXT), CONTEXT)


def test_unlocking_again_gives_the_key_already_open() -> None:
    ring = _ring()
    wrapped = ring.new_key(COLLECTION_ID)
    assert ring.unlock(COLLECTION_ID, wrapped) is ring.unlock(COLLECTION_ID, wrapped)


def test_pseudonym_is_the_same_for_the_same_subject_only() -> None:
    key = _ring().unlock(COLLECTION_ID, _ring().new_key(COLLECTION_ID))
    assert key.pseudonym("kim") == key.pseudonym("kim") != key.pseudonym("lee")
    assert len(key.pseudonym("kim")) == 32


def test_pseudonyms_of_two_collections_do_not_meet() -> None:
    ring = _ring()
    first, second = (ring.unlock(COLLECTION_ID, ring.new_key(COLLECTION_ID)) for _ in range(2))
    assert first.pseudonym("kim") != second.pseudonym("kim")


def test_fingerprint_and_pseudonym_of_the_same_text_differ() -> None:
    key = _ring().unlock(COLLECTION_ID, _ring().new_key(COLLECTION_ID))
    assert key.fingerprint(b"kim") != key.pseudonym("kim")


def test_nothing_prints_a_secret() -> None:
    ring = _ring()
    wrapped = ring.new_key(COLLECTION_ID)
    key = ring.unlock(COLLECTION_ID, wrapped)
    assert repr(ring) == "KeyRing(***)"
    assert repr(key) == f"OpenCollectionKey({wrapped.key_id}, ***)"
    assert "wrapped" not in repr(wrapped)
