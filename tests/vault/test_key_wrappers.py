"""Master keys of one's own and in a KMS keep the same promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from service.domain.errors import MasterKeyInvalid
from service.vault.cipher import KEY_BYTES
from service.vault.master_key import KeyPlace, KeyWrapper, MasterKey, RewrapKeys, Use
from service.vault.vault import Vault
from tests.vault.wrappers import new_kms_wrapper

NOW = datetime(2026, 1, 2, tzinfo=UTC)
PLACE = KeyPlace(uuid4(), uuid4(), Use.DATA)
SECRET = bytes(range(KEY_BYTES))

_OWN = iter(range(1, 256))
KINDS: dict[str, Callable[[], KeyWrapper]] = {
    "own": lambda: MasterKey(bytes([next(_OWN)]) * KEY_BYTES),
    "AWS KMS": new_kms_wrapper,
}

pytestmark = pytest.mark.usefixtures("kms")


@pytest.fixture(params=KINDS)
def make(request: pytest.FixtureRequest) -> Callable[[], KeyWrapper]:
    """Makes another master key of one kind."""
    return KINDS[request.param]


@pytest.mark.parametrize("size", [KEY_BYTES, 2 * KEY_BYTES])
def test_what_was_wrapped_is_unwrapped(make: Callable[[], KeyWrapper], size: int) -> None:
    master, secret = make(), bytes(range(size))
    wrapped = master.wrap(secret, PLACE)
    assert secret not in wrapped
    assert master.unwrap(wrapped, PLACE) == secret


def test_another_master_key_does_not_open_it(make: Callable[[], KeyWrapper]) -> None:
    wrapped = make().wrap(SECRET, PLACE)
    with pytest.raises(MasterKeyInvalid):
        make().unwrap(wrapped, PLACE)


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(PLACE, collection_id=uuid4()),
        replace(PLACE, key_id=uuid4()),
        replace(PLACE, use=Use.PSEUDONYMS),
    ],
    ids=["collection", "key", "use"],
)
def test_it_opens_in_its_place_only(make: Callable[[], KeyWrapper], elsewhere: KeyPlace) -> None:
    master = make()
    with pytest.raises(MasterKeyInvalid):
        master.unwrap(master.wrap(SECRET, PLACE), elsewhere)


@pytest.mark.parametrize("at", [0, 1, -1])
def test_altered_it_does_not_open(make: Callable[[], KeyWrapper], at: int) -> None:
    master = make()
    wrapped = bytearray(master.wrap(SECRET, PLACE))
    wrapped[at] ^= 1
    with pytest.raises(MasterKeyInvalid):
        master.unwrap(bytes(wrapped), PLACE)


@pytest.mark.parametrize("cut", [b"", b"\x01", b"\x02"])
def test_what_is_no_wrapped_key_does_not_open(make: Callable[[], KeyWrapper], cut: bytes) -> None:
    with pytest.raises(MasterKeyInvalid):
        make().unwrap(cut, PLACE)


def test_master_key_prints_no_secret(make: Callable[[], KeyWrapper]) -> None:
    assert repr(make()).endswith("(***)")


@pytest.mark.parametrize("kinds", [("own", "own"), ("own", "AWS KMS"), ("AWS KMS", "own")])
def test_keys_stay_what_they_are_under_another_master_key(kinds: tuple[str, str]) -> None:
    old, new = (KINDS[kind]() for kind in kinds)
    collection_id = uuid4()
    first = Vault(old).new_keys(collection_id, NOW)
    keys = Vault(old).next_keys(collection_id, first, NOW)
    rewrapped = RewrapKeys(old, new)(collection_id, keys)
    assert [key.key_id for key in rewrapped.in_use] == [key.key_id for key in keys.in_use]
    names = [
        vault.unlock_pseudonyms(collection_id, its).pseudonym("kim")
        for vault, its in ((Vault(old), keys), (Vault(new), rewrapped))
    ]
    assert names[0] == names[1]
    for key in rewrapped.in_use:
        assert Vault(new).unlock(collection_id, key).key_id == key.key_id
        with pytest.raises(MasterKeyInvalid):
            Vault(old).unlock(collection_id, key)


def test_wrong_old_master_key_rewraps_nothing(make: Callable[[], KeyWrapper]) -> None:
    keys = Vault(make()).new_keys(PLACE.collection_id, NOW)
    with pytest.raises(MasterKeyInvalid):
        RewrapKeys(make(), make())(PLACE.collection_id, keys)
