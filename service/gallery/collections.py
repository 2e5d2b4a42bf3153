"""Collections: their settings, their wrapped keys, their lock."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, delete, insert, select, text, update

from service.domain.collection import (
    Collection,
    CollectionSettings,
    DuplicatePolicy,
    WrappedKey,
)
from service.gallery.tables import answers, attempts, collections, subjects, templates

_LOCK = text("SELECT pg_advisory_xact_lock(:key)")

_UNLIMITED = text("SELECT set_config('statement_timeout', '0', true)")
"""A million people are not removed within the time that any other statement is given."""


class PostgresCollections:
    """Implements `Collections`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, name: str) -> Collection | None:
        query = select(collections).where(collections.c.name == name)
        row = self._connection.execute(query).mappings().one_or_none()
        return None if row is None else _collection(row)

    def lock(self, collection: Collection) -> None:
        self._connection.execute(_LOCK, {"key": _lock_number(collection.collection_id)})

    def add(self, collection: Collection) -> None:
        self._connection.execute(insert(collections).values(_columns(collection)))

    def update(self, collection: Collection) -> None:
        query = update(collections).where(collections.c.collection_id == collection.collection_id)
        changed = {"model_id": collection.model_id, "settings": _settings(collection.settings)}
        self._connection.execute(query.values(changed))

    def delete(self, collection: Collection) -> int:
        """Table by table: the cascade alone would look for each person's rows one by one."""
        self._connection.execute(_UNLIMITED)
        removed = [
            self._connection.execute(
                delete(table).where(table.c.collection_id == collection.collection_id)
            ).rowcount
            for table in (templates, answers, attempts, subjects, collections)
        ]
        return removed[0]


def _lock_number(collection_id: UUID) -> int:
    """A signed 64-bit number, PostgreSQL's name for an advisory lock. Were two collections ever
    to share one, they would wait for each other and nothing else.
    """
    digest = blake2b(collection_id.bytes, digest_size=8, person=b"face-collection")
    return int.from_bytes(digest.digest(), "big", signed=True)


def _collection(row: RowMapping) -> Collection:
    settings: Mapping[str, Any] = row["settings"]
    return Collection(
        collection_id=row["collection_id"],
        name=row["name"],
        model_id=row["model_id"],
        settings=CollectionSettings(
            thresholds=settings["thresholds"],
            duplicate_policy=DuplicatePolicy(settings["duplicate_policy"]),
            duplicate_profile=settings["duplicate_profile"],
        ),
        key=WrappedKey(row["key_id"], row["wrapped_key"]),
        created_at=row["created_at"],
    )


def _columns(collection: Collection) -> dict[str, Any]:
    return {
        "collection_id": collection.collection_id,
        "name": collection.name,
        "model_id": collection.model_id,
        "settings": _settings(collection.settings),
        "key_id": collection.key.key_id,
        "wrapped_key": collection.key.wrapped,
        "created_at": collection.created_at,
    }


def _settings(settings: CollectionSettings) -> dict[str, Any]:
    return {
        "thresholds": dict(settings.thresholds),
        "duplicate_policy": settings.duplicate_policy.value,
        "duplicate_profile": settings.duplicate_profile,
    }
