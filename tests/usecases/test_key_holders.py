"""API keys: shown once, kept as a hash, and of no use when forged, revoked or expired."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, cast

import pytest

from service.domain.callers import Caller, Scope
from service.domain.errors import (
    ApiKeyExists,
    ApiKeyNotFound,
    DatabaseUnavailable,
    InvalidRequest,
    Unauthenticated,
)
from service.usecases.api_keys import KeyUses
from tests.usecases.service_process import Service, Tables
from tests.usecases.stand_ins import StandInClock

if TYPE_CHECKING:
    from service.storage.storage import Storage

SCOPES = [Scope.ENROLL, Scope.VERIFY]


def test_key_opens_what_it_was_made_for(service: Service) -> None:
    key = service.api_keys.create("till", SCOPES, ["shop"]).key
    caller = Caller("till", frozenset(SCOPES), frozenset({"shop"}))
    assert service.api_keys.authenticate(key) == caller


def test_database_holds_the_hash_of_the_secret_and_not_the_secret(
    service: Service, tables: Tables
) -> None:
    prefix, key_id, secret = service.api_keys.create("till", SCOPES).key.split("_", 2)
    (row,) = tables.rows("SELECT * FROM api_keys")
    assert (prefix, row["key_id"]) == ("face", key_id)
    assert row["secret_hash"] == hashlib.sha256(secret.encode()).digest()
    assert secret not in repr(tables.content())
    assert secret.encode() not in b"".join(v for v in row.values() if isinstance(v, bytes))


def test_no_two_keys_are_alike(service: Service) -> None:
    first, second = (service.api_keys.create(name, SCOPES).key.split("_", 2) for name in ("a", "b"))
    assert not set(first[1:]) & set(second[1:])


def _other_character(character: str) -> str:
    return "A" if character != "A" else "B"


def test_forged_key_opens_nothing(service: Service) -> None:
    key = service.api_keys.create("till", SCOPES).key
    other = service.api_keys.create("door", SCOPES).key
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
    key = service.api_keys.create("till", SCOPES).key
    other = service.api_keys.create("door", SCOPES).key
    service.api_keys.revoke("till")
    with pytest.raises(Unauthenticated):
        service.api_keys.authenticate(key)
    assert service.api_keys.authenticate(other).name == "door"


def test_key_opens_until_it_expires(service: Service) -> None:
    key = service.api_keys.create(
        "till", SCOPES, expires_at=service.clock() + timedelta(days=30)
    ).key
    service.clock.advance(timedelta(days=30) - timedelta(microseconds=1))
    assert service.api_keys.authenticate(key).name == "till"
    service.clock.advance(timedelta(microseconds=1))
    with pytest.raises(Unauthenticated):
        service.api_keys.authenticate(key)


def test_name_is_given_once(service: Service) -> None:
    key = service.api_keys.create("till", SCOPES).key
    with pytest.raises(ApiKeyExists):
        service.api_keys.create("till", [Scope.ADMIN])
    assert service.api_keys.authenticate(key).scopes == frozenset(SCOPES)


def test_name_of_a_revoked_key_is_not_given_again(service: Service) -> None:
    service.api_keys.create("till", SCOPES)
    service.api_keys.revoke("till")
    with pytest.raises(ApiKeyExists):
        service.api_keys.create("till", SCOPES)


@pytest.mark.parametrize("name", ["", "two words", "a/b", "a" * 65, "열쇠", "till\n", "local"])
def test_name_that_cannot_be_typed_is_refused(service: Service, name: str) -> None:
    with pytest.raises(InvalidRequest):
        service.api_keys.create(name, SCOPES)


def test_key_without_a_scope_is_refused(service: Service) -> None:
    with pytest.raises(InvalidRequest):
        service.api_keys.create("till", [])


THE_END = datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(-timedelta(hours=12)))
"""Which is the year 10000 in the database, that no key could be read from again."""


@pytest.mark.parametrize(
    "until", [StandInClock().now, THE_END], ids=["expired", "beyond every calendar"]
)
def test_key_lasts_for_a_while_and_no_longer_than_100_years(
    service: Service, until: datetime
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        service.api_keys.create("till", SCOPES, expires_at=until)
    (problem,) = caught.value.problems
    assert problem["field"] == "expiresAt"
    assert problem["allowed"]["after"] == f"{service.clock():%FT%TZ}"
    assert service.api_keys.all() == []


def test_unknown_name_cannot_be_revoked(service: Service) -> None:
    with pytest.raises(ApiKeyNotFound):
        service.api_keys.revoke("till")


def test_first_revocation_counts(service: Service) -> None:
    service.api_keys.create("till", SCOPES)
    service.api_keys.revoke("till")
    first = service.clock.now
    service.clock.advance(timedelta(days=1))
    revoked = service.api_keys.revoke("till")
    assert revoked.revoked_at == first
    assert service.api_keys.all() == [revoked]


def test_list_tells_everything_but_the_key(service: Service) -> None:
    end = service.clock() + timedelta(days=30)
    secret = service.api_keys.create("till", SCOPES, ["shop"], end).key.split("_", 2)[2]
    (key,) = service.api_keys.all()
    assert key.name == "till"
    assert (key.scopes, key.collections) == (frozenset(SCOPES), frozenset({"shop"}))
    assert (key.created_at, key.expires_at, key.revoked_at) == (service.clock.now, end, None)
    assert secret not in repr(key)


def _use(service: Service, key: str) -> list[datetime | None]:
    """When each key was used last, once the key was used and that was written."""
    service.api_keys.authenticate(key)
    service.api_keys.uses.write()
    return [row.last_used_at for row in service.api_keys.all()]


def _set_last_use(tables: Tables, name: str, ago: str) -> None:
    query = f"UPDATE api_keys SET last_used_at = now() - interval '{ago}' WHERE name = :name"
    tables.change(query, name=name)


@pytest.fixture
def live(service: Service) -> Service:
    """By whose clock it is now, as by the database's."""
    service.clock.now = datetime.now(UTC)
    return service


def test_last_use_is_written_for_the_key_that_was_used(live: Service) -> None:
    key = live.api_keys.create("till", SCOPES).key
    live.api_keys.create("door", SCOPES)
    unused, used = _use(live, key)
    assert used is not None
    assert abs(used - datetime.now(UTC)) < timedelta(minutes=1)
    assert unused is None


def test_refused_key_was_not_used(live: Service) -> None:
    key = live.api_keys.create("till", SCOPES).key
    live.api_keys.revoke("till")
    with pytest.raises(Unauthenticated):
        live.api_keys.authenticate(key)
    live.api_keys.uses.write()
    assert live.api_keys.all()[0].last_used_at is None


def test_use_is_written_again_after_five_minutes_and_not_before(
    live: Service, tables: Tables
) -> None:
    key = live.api_keys.create("till", SCOPES).key
    _set_last_use(tables, "till", "4 minutes")
    before = live.api_keys.all()[0].last_used_at
    assert _use(live, key) == [before]
    _set_last_use(tables, "till", "6 minutes")
    (after,) = _use(live, key)
    assert before is not None
    assert after is not None
    assert after > before + timedelta(minutes=3)


def test_later_use_that_another_server_wrote_stays(live: Service, tables: Tables) -> None:
    key = live.api_keys.create("till", SCOPES).key
    live.api_keys.authenticate(key)
    _set_last_use(tables, "till", "0 minutes")
    (before,) = live.api_keys.all()
    live.api_keys.uses.write()
    assert live.api_keys.all() == [before]


def test_use_in_the_future_does_not_stay(live: Service, tables: Tables) -> None:
    """Whoever wrote it had a wrong clock."""
    key = live.api_keys.create("till", SCOPES).key
    _set_last_use(tables, "till", "-400 days")
    (after,) = _use(live, key)
    assert after is not None
    assert after < datetime.now(UTC) + timedelta(minutes=1)


def test_last_use_does_not_break_the_proof_of_a_key(live: Service, tables: Tables) -> None:
    key = live.api_keys.create("till", SCOPES).key
    _use(live, key)
    assert live.api_keys.authenticate(key).name == "till"
    assert live.wiring.verify_audit().whole


class _FailsOnce:
    """As where the database is away for a moment."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._failed = False

    def note_api_key_use(self, key_id: str, ago: timedelta) -> None:
        if not self._failed:
            self._failed = True
            raise DatabaseUnavailable
        self._storage.note_api_key_use(key_id, ago)


def test_use_that_could_not_be_written_is_written_later(live: Service, tables: Tables) -> None:
    made = live.api_keys.create("till", SCOPES)
    (row,) = tables.rows("SELECT key_id FROM api_keys")
    uses = KeyUses(cast("Storage", _FailsOnce(live.storage)))
    uses.note(row["key_id"], made.row, live.clock())
    with pytest.raises(DatabaseUnavailable):
        uses.write()
    uses.write()
    assert live.api_keys.all()[0].last_used_at is not None
