"""API keys, known by the hash of their secret only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from service.domain.callers import ApiKey, Scope
from service.gallery.connecting import AnyConnection
from service.gallery.tables import api_keys
from service.gallery.together import run, written

_FIND = written(select(api_keys).where(api_keys.c.key_id == bindparam("key_id")))


class PostgresApiKeys:
    """Implements `ApiKeys`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find_by_name(self, name: str) -> ApiKey | None:
        query = select(api_keys).where(api_keys.c.name == name)
        row = self._connection.execute(query).mappings().one_or_none()
        return None if row is None else _api_key(row)

    def add(self, key: ApiKey, key_id: str, secret_hash: bytes) -> None:
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
        self._connection.execute(query.values({"revoked_at": at}))


def find_api_key(connection: AnyConnection, key_id: str) -> tuple[ApiKey, bytes] | None:
    """The key and its secret's hash."""
    [rows] = run(connection, _FIND, {"key_id": key_id})
    return (_api_key(rows[0]), rows[0]["secret_hash"]) if rows else None


def _api_key(row: Mapping[Any, Any]) -> ApiKey:
    return ApiKey(
        name=row["name"],
        scopes=frozenset(Scope(scope) for scope in row["scopes"]),
        collections=frozenset(row["collections"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
    )
