"""One master key; for each collection data keys and one key for names."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import numpy as np
import pytest
from numpy.typing import NDArray

from service.domain.collection import SealContext, WrappedKey
from service.domain.errors import MasterKeyInvalid
from service.domain.frame_hash import is_same_frame, mirrored
from service.vault.cipher import KEY_BYTES, AuthenticationFailed
from service.vault.master_key import MasterKey
from service.vault.vault import PseudonymKey, Vault

COLLECTION_ID = uuid4()
NOW = datetime(2026, 1, 2, tzinfo=UTC)
CONTEXT = SealContext("kim", "template", "1")


def _vault(fill: int = 1) -> Vault:
    return Vault(MasterKey(bytes([fill]) * KEY_BYTES))


def _names(vault: Vault) -> PseudonymKey:
    return vault.unlock_pseudonyms(COLLECTION_ID, vault.new_keys(COLLECTION_ID, NOW))


def test_wrapped_key_opens_in_another_process() -> None:
    wrapped = _vault().new_keys(COLLECTION_ID, NOW).active
    sealed = _vault().unlock(COLLECTION_ID, wrapped).seal(b"x", CONTEXT)
    assert _vault().unlock(COLLECTION_ID, wrapped).open(sealed, CONTEXT) == b"x"


def test_wrong_master_key_is_refused() -> None:
    wrapped = _vault().new_keys(COLLECTION_ID, NOW).active
    with pytest.raises(MasterKeyInvalid):
        _vault(2).unlock(COLLECTION_ID, wrapped)


def test_wrapped_key_moved_to_another_collection_is_refused() -> None:
    wrapped = _vault().new_keys(COLLECTION_ID, NOW).active
    with pytest.raises(MasterKeyInvalid):
        _vault().unlock(uuid4(), wrapped)


def test_wrapped_key_under_another_id_is_refused() -> None:
    wrapped = _vault().new_keys(COLLECTION_ID, NOW).active
    with pytest.raises(MasterKeyInvalid):
        _vault().unlock(COLLECTION_ID, WrappedKey(uuid4(), wrapped.wrapped))


def test_new_keys_do_not_open_each_others_values() -> None:
    vault = _vault()
    first, second = (
        vault.unlock(COLLECTION_ID, vault.new_keys(COLLECTION_ID, NOW).active) for _ in range(2)
    )
    with pytest.raises(AuthenticationFailed):
        second.open(first.seal(b"x", CONTEXT), CONTEXT)


def test_unlocking_again_gives_the_key_already_open() -> None:
    vault = _vault()
    wrapped = vault.new_keys(COLLECTION_ID, NOW).active
    assert vault.unlock(COLLECTION_ID, wrapped) is vault.unlock(COLLECTION_ID, wrapped)


def test_keys_of_a_new_collection_are_all_different() -> None:
    keys = _vault().new_keys(COLLECTION_ID, NOW)
    assert keys.retiring is None
    assert keys.active.key_id != keys.pseudonyms.key_id
    assert keys.active_since == NOW


def test_next_keys_retire_the_active_one() -> None:
    vault = _vault()
    keys = vault.new_keys(COLLECTION_ID, NOW)
    following = vault.next_keys(COLLECTION_ID, keys, NOW)
    assert following.retiring == keys.active
    assert following.active.key_id not in {keys.active.key_id, keys.pseudonyms.key_id}


def test_next_keys_hash_names_as_before() -> None:
    vault = _vault()
    keys = vault.new_keys(COLLECTION_ID, NOW)
    following = vault.next_keys(COLLECTION_ID, keys, NOW)
    assert following.pseudonyms == keys.pseudonyms


def test_pseudonym_is_the_same_for_the_same_subject_only() -> None:
    names = _names(_vault())
    assert names.pseudonym("kim") == names.pseudonym("kim") != names.pseudonym("lee")
    assert len(names.pseudonym("kim")) == 32


def test_pseudonyms_of_two_collections_do_not_meet() -> None:
    vault = _vault()
    assert _names(vault).pseudonym("kim") != _names(vault).pseudonym("kim")


def test_fingerprint_and_pseudonym_of_the_same_text_differ() -> None:
    names = _names(_vault())
    assert names.fingerprint(b"kim") != names.pseudonym("kim")


def _like(features: NDArray[np.int8]) -> bytes:
    """Others that differ from them by a tenth."""
    noise = np.random.default_rng(2).normal(0, 0.1 * features.std(), features.size)
    return np.clip(np.round(features + noise), -127, 127).astype(np.int8).tobytes()


def test_frames_that_are_alike_have_hashes_that_are_alike() -> None:
    names = _names(_vault())
    features = np.random.default_rng(1).normal(0, 40, 256).clip(-127, 127).astype(np.int8)
    frame = names.frame_hash(features.tobytes())
    assert len(frame) == 64
    assert is_same_frame(frame, names.frame_hash(_like(features)))
    assert not is_same_frame(frame, names.frame_hash((-features).tobytes()))


def test_frame_of_the_mirror_image_has_the_same_hashes_in_the_other_order() -> None:
    names = _names(_vault())
    features = np.random.default_rng(1).bytes(256)
    frame = names.frame_hash(features)
    assert names.frame_hash(mirrored(features)) == frame[32:] + frame[:32]


def test_hashes_of_frames_of_two_collections_do_not_meet() -> None:
    """About half of all bits differ, as by chance: 128 of 256, 16 of them two standard deviations."""
    vault = _vault()
    one, other = _names(vault), _names(vault)
    frames = [np.random.default_rng(seed).bytes(256) for seed in range(50)]
    pairs = [(one.frame_hash(frame), other.frame_hash(frame)) for frame in frames]
    assert not any(is_same_frame(*pair) for pair in pairs)
    differing = [
        (int.from_bytes(mine[:32], "big") ^ int.from_bytes(theirs[:32], "big")).bit_count()
        for mine, theirs in pairs
    ]
    assert 120 < np.mean(differing) < 136


def test_hash_of_a_frame_stays_when_the_data_key_is_rotated() -> None:
    vault = _vault()
    keys = vault.new_keys(COLLECTION_ID, NOW)
    before, after = (
        vault.unlock_pseudonyms(COLLECTION_ID, each).frame_hash(bytes(range(256)))
        for each in (keys, vault.next_keys(COLLECTION_ID, keys, NOW))
    )
    assert before == after


def test_value_names_the_key_that_sealed_it() -> None:
    vault = _vault()
    keys = vault.next_keys(COLLECTION_ID, vault.new_keys(COLLECTION_ID, NOW), NOW)
    new, old = (vault.unlock(COLLECTION_ID, key) for key in keys.in_use)
    sealed = old.seal(b"x", CONTEXT)
    assert old.is_named_by(sealed)
    assert not new.is_named_by(sealed)


def test_nothing_prints_a_secret() -> None:
    vault = _vault()
    wrapped = vault.new_keys(COLLECTION_ID, NOW).active
    key = vault.unlock(COLLECTION_ID, wrapped)
    assert repr(vault) == "Vault(***)"
    assert repr(_names(vault)) == "PseudonymKey(***)"
    assert repr(key) == f"CollectionKey({wrapped.key_id}, ***)"
    assert "wrapped" not in repr(wrapped)
