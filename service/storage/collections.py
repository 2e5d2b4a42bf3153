"""Collections: their settings, their wrapped keys, their lock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from hashlib import blake2b
from itertools import groupby
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, bindparam, delete, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from service.domain.chain import collection_digest, collection_proof, collection_record
from service.domain.collection import (
    Collection,
    CollectionKeys,
    CollectionSettings,
    DuplicatePolicy,
    RequireLiveness,
    WrappedKey,
)
from service.domain.errors import Overloaded, RecordTampered
from service.domain.face import Faces
from service.domain.ports import Telemetry
from service.domain.search import WriteWatermark
from service.storage.audit_head import HEAD_COLUMNS, AuditHeadRow, RegistryRow, vouching_head
from service.storage.idempotency import keep_keys
from service.storage.queries import AnyConnection, Query, Rows, compiled, run
from service.storage.tables import (
    audit_head,
    collection_keys,
    collections,
    failed_comparisons,
    idempotent_responses,
    liveness_frames,
    liveness_sessions,
    subjects,
    templates,
)
from service.storage.template_rows import begin_row_sequence

LOCK = text("SELECT pg_advisory_xact_lock(:lock)")
"""To the end of the transaction."""

KEY_LOCK_MILLISECONDS = 1_000
"""How long a change of keys waits for the calls under way; the calls behind it wait as long."""

_SHORTER_WAIT = text("SELECT set_config('lock_timeout', :longest, true)").bindparams(
    longest=str(KEY_LOCK_MILLISECONDS)
)

_NO_OTHER_KEYS = text("LOCK TABLE collections, collection_keys IN SHARE ROW EXCLUSIVE MODE")
"""Against whoever writes keys; reading, and rows that refer to keys, go on."""

_WRITING_KEYS = text("LOCK TABLE collection_keys IN ROW EXCLUSIVE MODE")
"""What the other lock keeps out, taken before keys are read, so that none is written back stale."""

_ACTIVE, _RETIRING = "active", "retiring"

_KEY_COLUMNS = (
    collection_keys.c.key_id,
    collection_keys.c.wrapped,
    collection_keys.c.state,
    collection_keys.c.created_at.label("key_created_at"),
)

_LOCK_KEYS_SHARED = compiled(text("SELECT pg_advisory_xact_lock_shared(:key)"))
_LOCK_KEYS_SHARED_AND = compiled(
    text("SELECT pg_advisory_xact_lock_shared(:key), pg_advisory_xact_lock(:lock)")
)

_FIND = compiled(
    select(collections, *_KEY_COLUMNS, *HEAD_COLUMNS)
    .join(collection_keys)
    .outerjoin(audit_head, audit_head.c.single)
    .where(collections.c.name == bindparam("name"))
)
"""The lock comes first and in a statement of its own: a statement sees what was committed when it
began, and would read old keys after waiting for new ones.
"""

_ALL = (
    select(collections, *_KEY_COLUMNS)
    .outerjoin(collection_keys)
    .order_by(collections.c.collection_id, collection_keys.c.state)
)

TRIES = 10
"""How often a collection is read again because others have changed some collection or API key
meanwhile, which is rare."""

_PURGE = 0x66616365_70757267
"""The lock of whoever purges; "facepurg" in ASCII."""

_WAIT_TO_PURGE = text("SELECT true FROM pg_advisory_xact_lock(:key)").bindparams(key=_PURGE)
_TRY_TO_PURGE = text("SELECT pg_try_advisory_xact_lock(:key)").bindparams(key=_PURGE)
"""Of the transaction, not of the session, which PgBouncer may give to somebody else."""

_UNLIMITED = text("SELECT set_config('statement_timeout', '0', true)")
"""A million people are not removed within the time that any other statement is given."""


class CollectionRows:
    """What is found is as it was written, or is not handed out."""

    def __init__(
        self,
        connection: Connection,
        registry: RegistryRow,
        head: AuditHeadRow,
        telemetry: Telemetry,
    ) -> None:
        self._connection = connection
        self._telemetry = telemetry
        self._head = head
        self._registry = registry

    def find_with_keys_locked(self, name: str) -> Collection | None:
        """The collection with its keys, which stay in use until the end of the transaction.

        Raises `RecordTampered` where it is not as it was written, or was put back after it was
        deleted or its key was destroyed; `AuditTampered`, `MasterKeyInvalid`, `Overloaded`.
        """
        return self.find_with_keys_locked_and(name)[0]

    def find_with_keys_locked_and(
        self, name: str, *others: Query, lock: int | None = None
    ) -> tuple[Collection | None, list[Rows]]:
        """The same, and in one trip with it the rows of each of `others`, read once the lock of this number
        is held as well.
        """

        def read() -> list[Rows]:
            _, *rows = run(self._connection, *_queries(name, lock), *others)
            return rows

        return _proved(read, self._registry)

    def unproved(self, name: str) -> Collection | None:
        """As it is stored, for telling an operator about it: nothing may be decided by it."""
        _, rows = run(self._connection, *_queries(name))
        return _readable(rows) if rows else None

    def names(self) -> list[str]:
        """Those of all collections, in order."""
        query = select(collections.c.name).order_by(collections.c.name)
        return list(self._connection.scalars(query))

    def lock_purge(self, *, wait: bool) -> bool:
        """Until the end of the transaction nobody else purges; False where somebody does already
        and `wait` is false.
        """
        return bool(self._connection.scalar(_WAIT_TO_PURGE if wait else _TRY_TO_PURGE))

    def lock(self, collection: Collection) -> None:
        """Until the end of the transaction nobody else changes this collection's people."""
        with self._telemetry.stage("lock"):
            self._connection.execute(LOCK, {"lock": _lock_number(collection.collection_id)})

    def lock_name(self, name: str) -> None:
        """Until the end of the transaction this one alone makes a collection of that name. Raises
        `Overloaded`.
        """
        self._connection.execute(LOCK, {"lock": _name_lock_number(name)})

    def lock_keys(self, name: str) -> None:
        """Until the end of the transaction this one alone knows the collection's keys.

        For changing them: comes before anybody
        finds it. Waits a second at most, since every call on the
        collection waits meanwhile; and holds nothing while it waits, so that whoever it waits for
        can wait for nothing of it. Raises `Overloaded`.
        """
        self._connection.execute(_SHORTER_WAIT)
        self._connection.execute(LOCK, {"lock": _keys_lock_number(name)})
        self._connection.execute(_WRITING_KEYS)

    def lock_all_keys(self) -> None:
        """Until the end of the transaction no collection gets, changes or loses a key; calls go on.

        Raises `Overloaded`.
        """
        self._connection.execute(_NO_OTHER_KEYS)

    def add(self, collection: Collection) -> None:
        self._enter(collection)
        self._connection.execute(insert(collections).values(_columns(collection)))
        begin_row_sequence(
            self._connection, self._head, WriteWatermark(collection.collection_id, uuid4(), 0, 0)
        )
        self._write_keys(collection)

    def set_keys(self, collection: Collection) -> None:
        """Write the keys of the collection with this id; a key that is not among them is gone.

        One key less before one more: only one can be active.
        """
        self._enter(collection)
        its_id, kept = collection.collection_id, [key.key_id for key in collection.keys.in_use]
        mine = collection_keys.c.collection_id == its_id
        self._connection.execute(
            delete(collection_keys).where(mine, collection_keys.c.key_id.not_in(kept))
        )
        self._connection.execute(
            update(collections)
            .where(collections.c.collection_id == its_id)
            .values(_name_key(collection.keys))
        )
        self._write_keys(collection)

    def _write_keys(self, collection: Collection) -> None:
        """The retiring key first, so that never two are active. It keeps its date."""
        for row in _data_keys(collection):
            changed = {"wrapped": row["wrapped"], "state": row["state"]}
            self._connection.execute(
                upsert(collection_keys)
                .values(row)
                .on_conflict_do_update(constraint=collection_keys.primary_key, set_=changed)
            )

    def _enter(self, collection: Collection) -> None:
        self._registry.enter(collection_record(collection), partial(collection_digest, collection))

    def update(self, collection: Collection) -> None:
        """Write settings and models of the collection with this id."""
        self._enter(collection)
        query = update(collections).where(collections.c.collection_id == collection.collection_id)
        changed = {**_models(collection), "settings": _settings(collection.settings)}
        self._connection.execute(query.values(changed))

    def delete(self, collection: Collection) -> int:
        """Remove it, its key and its people; returns how many templates went.

        Table by table: the cascade alone would look for each person's rows one by one.
        """
        self._registry.strike(collection_record(collection))
        self._connection.execute(_UNLIMITED)
        keep_keys(
            self._connection, idempotent_responses.c.collection_id == collection.collection_id
        )
        removed = [
            self._connection.execute(
                delete(table).where(table.c.collection_id == collection.collection_id)
            ).rowcount
            for table in (
                templates,
                idempotent_responses,
                failed_comparisons,
                liveness_frames,
                subjects,
                liveness_sessions,
                collections,
            )
        ]
        return removed[0]


def find_collection(
    connection: AnyConnection, name: str, registry: RegistryRow
) -> Collection | None:
    """As it is at this moment: its keys are not kept in use, nor anything else.

    Raises what `CollectionRows.find_with_keys_locked` raises.
    """
    return _proved(lambda: run(connection, _queries(name)[1]), registry)[0]


def _proved(
    read: Callable[[], list[Rows]], registry: RegistryRow
) -> tuple[Collection | None, list[Rows]]:
    """`read`: the rows of the collection first. Raises `RecordTampered`, `AuditTampered`, `Overloaded`."""
    for _ in range(TRIES):
        highest = registry.highest
        rows, *others = read()
        if not rows:
            return None, others
        found = _readable(rows)
        if registry.proves(vouching_head(rows[0]), highest, partial(collection_proof, found)):
            return found, others
    raise Overloaded


def _queries(name: str, lock: int | None = None) -> tuple[Query, Query]:
    """`lock`: of whom else the lock is taken."""
    keys, find = {"key": _keys_lock_number(name)}, Query(_FIND, {"name": name})
    if lock is None:
        return Query(_LOCK_KEYS_SHARED, keys), find
    return Query(_LOCK_KEYS_SHARED_AND, {**keys, "lock": lock}), find


def stored_collections(connection: Connection) -> Iterator[Collection]:
    """All of them as they are, proved or not. What cannot even be read is passed over: it is missed
    then.
    """
    rows: Iterable[Mapping[Any, Any]] = connection.execute(_ALL).mappings()
    for _, its_rows in groupby(rows, lambda row: row["collection_id"]):
        with suppress(RecordTampered):
            yield _readable(list(its_rows))


def lock_number(kind: bytes, what: bytes) -> int:
    """A signed 64-bit number, PostgreSQL's name for an advisory lock. Were two things ever to share one,
    they would wait for each other and nothing else. `kind`: 16 bytes at most.
    """
    digest = blake2b(what, digest_size=8, person=kind)
    return int.from_bytes(digest.digest(), "big", signed=True)


def _lock_number(collection_id: UUID) -> int:
    return lock_number(b"face-collection", collection_id.bytes)


def _name_lock_number(name: str) -> int:
    return lock_number(b"face-name", name.encode())


def _keys_lock_number(name: str) -> int:
    """By name, which is all that is known before the keys are read."""
    return lock_number(b"face-keys", name.encode())


def _readable(rows: Sequence[Mapping[str, Any]]) -> Collection:
    """Raises `RecordTampered` for what the service would not have written."""
    try:
        return _collection(rows)
    except (KeyError, TypeError, ValueError):
        raise RecordTampered from None


def _collection(rows: Sequence[Mapping[str, Any]]) -> Collection:
    """From one row for each data key."""
    row = rows[0]
    settings: Mapping[str, Any] = row["settings"]
    return Collection(
        collection_id=row["collection_id"],
        name=row["name"],
        model_id=row["model_id"],
        settings=CollectionSettings(
            thresholds=settings["thresholds"],
            duplicate_policy=DuplicatePolicy(settings["duplicate_policy"]),
            duplicate_profile=settings["duplicate_profile"],
            retention_days=settings.get("retention_days"),
            max_false_candidates=float(settings["max_false_candidates"]),
            faces=None if settings["faces"] is None else Faces(settings["faces"]),
            require_liveness=RequireLiveness(settings["require_liveness"]),
        ),
        keys=_keys(rows),
        created_at=row["created_at"],
        next_model_id=row["next_model_id"],
        retiring_model_id=row["retiring_model_id"],
    )


def _columns(collection: Collection) -> dict[str, Any]:
    return {
        "collection_id": collection.collection_id,
        "name": collection.name,
        **_models(collection),
        "settings": _settings(collection.settings),
        "created_at": collection.created_at,
        **_name_key(collection.keys),
    }


def _models(collection: Collection) -> dict[str, Any]:
    return {
        "model_id": collection.model_id,
        "next_model_id": collection.next_model_id,
        "retiring_model_id": collection.retiring_model_id,
    }


def _keys(rows: Sequence[Mapping[str, Any]]) -> CollectionKeys:
    by_state = {row["state"]: row for row in rows}
    active, retiring = by_state[_ACTIVE], by_state.get(_RETIRING)
    return CollectionKeys(
        active=WrappedKey(active["key_id"], active["wrapped"]),
        active_since=active["key_created_at"],
        pseudonyms=WrappedKey(active["name_key_id"], active["wrapped_name_key"]),
        retiring=None if retiring is None else WrappedKey(retiring["key_id"], retiring["wrapped"]),
    )


def _name_key(keys: CollectionKeys) -> dict[str, Any]:
    return {"name_key_id": keys.pseudonyms.key_id, "wrapped_name_key": keys.pseudonyms.wrapped}


def _data_keys(collection: Collection) -> list[dict[str, Any]]:
    keys = collection.keys
    states = [(keys.retiring, _RETIRING), (keys.active, _ACTIVE)]
    return [
        {
            "collection_id": collection.collection_id,
            "key_id": key.key_id,
            "wrapped": key.wrapped,
            "state": state,
            "created_at": keys.active_since,
        }
        for key, state in states
        if key is not None
    ]


def _settings(settings: CollectionSettings) -> dict[str, Any]:
    return {
        "thresholds": dict(settings.thresholds),
        "duplicate_policy": settings.duplicate_policy.value,
        "duplicate_profile": settings.duplicate_profile,
        "retention_days": settings.retention_days,
        "max_false_candidates": settings.max_false_candidates,
        "faces": settings.faces,
        "require_liveness": settings.require_liveness.value,
    }
