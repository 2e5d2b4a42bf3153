"""API keys: shown once, kept as a hash, and of no use when forged, revoked or expired."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from service.domain.callers import Caller, Scope
from service.domain.errors import ApiKeyExists, ApiKeyNotFound, InvalidRequest, Unauthenticated
from tests.usecases.service_process import Service, Tables

SCOPES = [Scope.ENROLL, Scope.VERIFY]


def test_key_opens_what_it_was_made_for(service: Service) -> None:
    key = service.api_keys.create("till", SCOPES, ["shop"])
    caller = Caller("till", frozenset(SCOPES), frozenset({"shop"}))
    assert service.api_keys.authenticate(key) == caller


def test_database_holds_the_hash_of_the_secret_and_not_the_secret(
    service: Service, tables: Tables
) -> None:
    prefix, key_id, secret = service.api_keys.create("till", SCOPES).split("_", 2)
    (row,) = tables.rows("SELECT * FROM api_keys")
    assert (prefix, row["key_id"]) == ("face", key_id)
    assert row["secret_hash"] == hashlib.sha256(secret.encode()).digest()
    assert secret not in repr(tables.content())
    assert secret.encode() not in b"".join(v for v in row.values() if isinstance(v, bytes))


def test_no_two_keys_are_alike(service: Service) -> None:
    first, second = (service.api_keys.create(name, SCOPES).split("_", 2) for name in ("a", "b"))
    assert not set(first[1:]) & set(second[1:])


def _other_character(character: str) -> str:
    return "A" if character != "A" else "B"


def test_forged_key_opens_nothing(service: Service) -> None:
    key = service.api_keys.create("till", SCOPES)
    other = service.api_keys.create("door", SCOPES)
    _, key_id, secret = key.split("_", 2)
    forgeries = [
        f"face_{key_id}_{_other_character(secret[0])}{secret[1:]}",
        f"face_{key_id}_{secret[:-1]}{_other_character(secret[-1])}",
        f"face_{key_id}_{other.split('_', 2)[2]}",
        f"face_{'0' * 16}_{secret}",
        f"face_{key_id}_{hashlib.sha256(secret.encode()).hexdigest()[:43]}",
        f"face_{key_id}_",
        f"face_{key_id.upper()}_{secret}",
        f" {key}",
        f"{key}\n",
        key[:-1],
        secret,
        "till",
        "",
        "\0",
        "열쇠" * 30,
    ]
    for forgery in forgeries:
        with pytest.raises(Unauthenticated):
            service.api_keys.authenticate(forgery)
    assert service.api_keys.authenticate(key).name == "till"


def test_revoked_key_opens_nothing(service: Service) -> None:
    key = service.api_keys.create("till", SCOPES)
    other = service.api_keys.create("door", SCOPES)
    service.api_keys.revoke("till")
    with pytest.raises(Unauthenticated):
        service.api_keys.authenticate(key)
    assert service.api_keys.authenticate(other).name == "door"


def test_key_opens_until_it_expires(service: Service) -> None:
    key = service.api_keys.create("till", SCOPES, expires_at=service.clock() + timedelta(days=30))
    service.clock.advance(timedelta(days=30) - timedelta(microseconds=1))
    assert service.api_keys.authenticate(key).name == "till"
    service.clock.advance(timedelta(microseconds=1))
    with pytest.raises(Unauthenticated):
        service.api_keys.authenticate(key)


def test_name_is_given_once(service: Service) -> None:
    key = service.api_keys.create("till", SCOPES)
    with pytest.raises(ApiKeyExists):
        service.api_keys.create("till", [Scope.ADMIN])
    assert service.api_keys.authenticate(key).scopes == frozenset(SCOPES)


def test_name_of_a_revoked_key_is_not_given_again(service: Service) -> None:
    service.api_keys.create("till", SCOPES)
    service.api_keys.revoke("till")
    with pytest.raises(ApiKeyExists):
        service.api_keys.create("till", SCOPES)


@pytest.mark.parametrize("name", ["", "two words", "a/b", "a" * 65, "열쇠", "till\n"])
def test_name_that_cannot_be_typed_is_refused(service: Service, name: str) -> None:
    with pytest.raises(InvalidRequest):
        service.api_keys.create(name, SCOPES)


def test_key_without_a_scope_is_refused(service: Service) -> None:
    with pytest.raises(InvalidRequest):
        service.api_keys.create("till", [])


def test_unknown_name_cannot_be_revoked(service: Service) -> None:
    with pytest.raises(ApiKeyNotFound):
        service.api_keys.revoke("till")


def test_first_revocation_counts(service: Service) -> None:
    service.api_keys.create("till", SCOPES)
    service.api_keys.revoke("till")
    first = service.clock.now
    service.clock.advance(timedelta(days=1))
    service.api_keys.revoke("till")
    assert [key.revoked_at for key in service.api_keys.all()] == [first]


def test_list_tells_everything_but_the_key(service: Service) -> None:
    end = service.clock() + timedelta(days=30)
    secret = service.api_keys.create("till", SCOPES, ["shop"], end).split("_", 2)[2]
    (key,) = service.api_keys.all()
    assert key.name == "till"
    assert (key.scopes, key.collections) == (frozenset(SCOPES), frozenset({"shop"}))
    assert (key.created_at, key.expires_at, key.revoked_at) == (service.clock.now, end, None)
    assert secret not in repr(key)
