"""API keys: made once, shown once, stored as a hash."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from service.domain import identifiers
from service.domain.audit import Action
from service.domain.callers import RESERVED_NAMES, USE_NOTED_EVERY, ApiKey, Caller, Scope
from service.domain.errors import (
    ApiKeyExists,
    ApiKeyNotFound,
    FieldProblem,
    InvalidRequest,
    Unauthenticated,
)
from service.usecases.audit_recorder import AuditRecorder
from service.usecases.enrollment import require_future

if TYPE_CHECKING:
    from service.storage.storage import Storage

_ID_BYTES, _SECRET_BYTES = 8, 32
_KEY = re.compile(r"face_(?P<key_id>[0-9a-f]{16})_(?P<secret>[A-Za-z0-9_-]{43})", re.ASCII)
_NAME = re.compile(identifiers.API_KEY)


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """`key`: in the clear, for the only time; `row`: all that is kept to be shown."""

    key: str = field(repr=False)
    row: ApiKey


class KeyUses:
    """The uses of keys that are to be written down: noted by calls, which wait for nothing, and written by
    a thread of its own.
    """

    def __init__(self, storage: Storage, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock`: seconds."""
        self._storage = storage
        self._clock = clock
        self._noted: dict[str, float] = {}
        """When each was used, by the key's id: only of keys that there are."""

    def note(self, key_id: str, key: ApiKey, now: datetime) -> None:
        """`key`: as it was read for this use. A use that lies ahead was written by a wrong clock."""
        last = key.last_used_at
        if last is None or abs(now - last) >= USE_NOTED_EVERY:
            self._noted[key_id] = self._clock()

    def write(self) -> None:
        """Raises what transactions raise; what was not written then is written the next time."""
        for key_id in list(self._noted):
            used = self._noted.pop(key_id)
            try:
                ago = timedelta(seconds=self._clock() - used)
                self._storage.note_api_key_use(key_id, ago)
            except Exception:
                self._noted.setdefault(key_id, used)
                raise


class ApiKeys:
    """A key is `face_<id>_<secret>`: the id finds the row, the secret's SHA-256 proves it.

    The secret has 256 random bits, so that a fast hash is as good as a slow one.
    """

    def __init__(
        self, storage: Storage, clock: Callable[[], datetime], audit: AuditRecorder
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._audit = audit
        self.uses = KeyUses(storage)

    def create(
        self,
        name: str,
        scopes: Sequence[Scope],
        collections: Sequence[str] = (),
        expires_at: datetime | None = None,
        caller: str = "local",
    ) -> NewApiKey:
        """Raises `ApiKeyExists`, `InvalidRequest`."""
        _require_usable(name, scopes, expires_at, self._clock())
        key_id, secret = secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
        key = ApiKey(name, frozenset(scopes), frozenset(collections), self._clock(), expires_at)
        with self._storage.transaction() as tx:
            if tx.api_keys.find_by_name(name) is not None:
                raise ApiKeyExists
            tx.api_keys.add(key, key_id, _hash(secret))
            self._audit.record(tx, Action.API_KEY_CREATE, caller)
        return NewApiKey(f"face_{key_id}_{secret}", key)

    def authenticate(self, presented: str) -> Caller:
        """Who holds this key. Raises `Unauthenticated`, whatever is wrong with it."""
        parts = _KEY.fullmatch(presented)
        if parts is None:
            raise Unauthenticated
        presented_hash = _hash(parts["secret"])
        found = self._storage.find_api_key(parts["key_id"])
        if found is None:
            raise Unauthenticated
        key, secret_hash = found
        if not hmac.compare_digest(secret_hash, presented_hash):
            raise Unauthenticated
        now = self._clock()
        if not key.is_valid(now):
            raise Unauthenticated
        self.uses.note(parts["key_id"], key, now)
        return Caller(key.name, key.scopes, key.collections)

    def all(self) -> list[ApiKey]:
        with self._storage.transaction() as tx:
            return tx.api_keys.all()

    def revoke(self, name: str, caller: str = "local") -> ApiKey:
        """From now on the key opens nothing. Raises `ApiKeyNotFound`."""
        with self._storage.transaction() as tx:
            tx.api_keys.revoke(name, self._clock())
            revoked = tx.api_keys.find_by_name(name)
            if revoked is None:
                raise ApiKeyNotFound
            self._audit.record(tx, Action.API_KEY_REVOKE, caller)
        return revoked


def _require_usable(
    name: str, scopes: Sequence[Scope], expires_at: datetime | None, now: datetime
) -> None:
    """Raises `InvalidRequest`."""
    if not _NAME.fullmatch(name):
        most, signs = identifiers.ALLOWED[identifiers.API_KEY]
        shape = {"longest": most, "signs": " ".join("." + signs)}
        raise _invalid("name", FieldProblem.NOT_A_NAME, **shape)
    if name in RESERVED_NAMES:
        reserved = ", ".join(sorted(RESERVED_NAMES))
        raise _invalid("name", FieldProblem.NOT_A_NAME, reserved=reserved)
    if not scopes:
        raise _invalid("scopes", FieldProblem.MISSING, choices=", ".join(Scope))
    require_future(expires_at, now)


def _invalid(field: str, problem: FieldProblem, **allowed: object) -> InvalidRequest:
    return InvalidRequest([{"field": field, "problem": problem, "allowed": allowed}])


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
