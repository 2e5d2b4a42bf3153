"""API keys, known by the hash of their secret only. The registry tells one that was forged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, Interval, bindparam, func, insert, or_, select, update

from service.domain.callers import USE_NOTED_EVERY, ApiKey, Scope
from service.domain.chain import api_key_digest, api_key_proof, api_key_record
from service.domain.errors import Overloaded, RecordTampered
from service.storage.audit_head import HEAD_COLUMNS, RegistryRow, vouching_head
from service.storage.queries import AnyConnection, Query, compiled, run
from service.storage.tables import api_keys, audit_head

_FIND = compiled(
    select(api_keys, *HEAD_COLUMNS)
    .outerjoin(audit_head, audit_head.c.single)
    .where(api_keys.c.key_id == bindparam("key_id"))
)

_USED_AT = func.clock_timestamp() - bindparam("ago", type_=Interval)

_NOTE_USE = (
    update(api_keys)
    .where(
        api_keys.c.key_id == bindparam("used"),
        or_(
            api_keys.c.last_used_at.is_(None),
            ~api_keys.c.last_used_at.between(
                _USED_AT - bindparam("every", type_=Interval),
                _USED_AT + bindparam("every", type_=Interval),
            ),
        ),
    )
    .values(last_used_at=_USED_AT)
)
"""By the database's clock, whatever the servers' own show. The registry does not have it: nothing is
decided by it.
"""

TRIES = 10
"""How often a key is read again because others have changed some collection or API key meanwhile."""


class ApiKeyRows:
    """API keys, entered in the registry as they are written."""

    def __init__(self, connection: Connection, registry: RegistryRow) -> None:
        self._connection = connection
        self._registry = registry

    def find_by_name(self, name: str) -> ApiKey | None:
        query = select(api_keys).where(api_keys.c.name == name)
        row = self._connection.execute(query).mappings().one_or_none()
        return None if row is None else _api_key(row)

    def add(self, key: ApiKey, key_id: str, secret_hash: bytes) -> None:
        self._enter(key, key_id, secret_hash)
        row = {
            "key_id": key_id,
            "name": key.name,
            "scopes": sorted(scope.value for scope in key.scopes),
            "collections": sorted(key.collections),
            "secret_hash": secret_hash,
            "created_at": key.created_at,
            "expires_at": key.expires_at,
            "revoked_at": key.revoked_at,
        }
        self._connection.execute(insert(api_keys).values(row))

    def all(self) -> list[ApiKey]:
        query = select(api_keys).order_by(api_keys.c.created_at, api_keys.c.name)
        return [_api_key(row) for row in self._connection.execute(query).mappings()]

    def revoke(self, name: str, at: datetime) -> None:
        """The first revocation counts."""
        query = update(api_keys).where(api_keys.c.name == name, api_keys.c.revoked_at.is_(None))
        query = query.values({"revoked_at": at}).returning(*api_keys.columns)
        for row in self._connection.execute(query).mappings():
            self._enter(_api_key(row), row["key_id"], row["secret_hash"])

    def _enter(self, key: ApiKey, key_id: str, secret_hash: bytes) -> None:
        digest = partial(api_key_digest, key, key_id, secret_hash)
        self._registry.enter(api_key_record(key_id), digest)


def find_api_key(
    connection: AnyConnection, key_id: str, registry: RegistryRow
) -> tuple[ApiKey, bytes] | None:
    """The key and its secret's hash.

    Raises `RecordTampered`, `AuditTampered`, `MasterKeyInvalid`, `Overloaded`.
    """
    for _ in range(TRIES):
        highest = registry.highest
        [rows] = run(connection, Query(_FIND, {"key_id": key_id}))
        if not rows:
            return None
        key, secret_hash = _readable(rows[0]), rows[0]["secret_hash"]
        proof = partial(api_key_proof, key, key_id, secret_hash)
        if registry.proves(vouching_head(rows[0]), highest, proof):
            return key, secret_hash
    raise Overloaded


def note_api_key_use(connection: Connection, key_id: str, ago: timedelta) -> None:
    """Of several servers that note the same use, whoever comes first writes. `ago`: how long since."""
    connection.execute(_NOTE_USE, {"used": key_id, "ago": ago, "every": USE_NOTED_EVERY})


def stored_api_keys(connection: Connection) -> Iterator[tuple[ApiKey, str, bytes]]:
    """All of them as they are, proved or not; each with its id and its secret's hash. What cannot even
    be read is passed over: it is missed then.
    """
    for row in connection.execute(select(api_keys)).mappings():
        with suppress(RecordTampered):
            yield _readable(row), row["key_id"], row["secret_hash"]


def _readable(row: Mapping[Any, Any]) -> ApiKey:
    """Raises `RecordTampered` for what the service would not have written."""
    try:
        return _api_key(row)
    except ValueError:
        raise RecordTampered from None


def _api_key(row: Mapping[Any, Any]) -> ApiKey:
    return ApiKey(
        name=row["name"],
        scopes=frozenset(Scope(scope) for scope in row["scopes"]),
        collections=frozenset(row["collections"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        last_used_at=row["last_used_at"],
    )
