"""API keys: made once, shown once, stored as a hash."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from service.domain import identifiers
from service.domain.audit import Action
from service.domain.callers import RESERVED_NAMES, ApiKey, Caller, Scope
from service.domain.errors import (
    ApiKeyExists,
    ApiKeyNotFound,
    FieldProblem,
    InvalidRequest,
    Unauthenticated,
)
from service.usecases.audit_recorder import AuditRecorder

if TYPE_CHECKING:
    from service.storage.storage import Storage

_ID_BYTES, _SECRET_BYTES = 8, 32
_KEY = re.compile(r"face_(?P<key_id>[0-9a-f]{16})_(?P<secret>[A-Za-z0-9_-]{43})", re.ASCII)
_NAME = re.compile(identifiers.API_KEY)


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

    def create(
        self,
        name: str,
        scopes: Sequence[Scope],
        collections: Sequence[str] = (),
        expires_at: datetime | None = None,
        caller: str = "local",
    ) -> str:
        """A new key, in the clear for the only time. Raises `ApiKeyExists`, `InvalidRequest`."""
        if not _NAME.fullmatch(name) or name in RESERVED_NAMES or not scopes:
            field = "name" if scopes else "scope"
            raise InvalidRequest([{"field": field, "problem": FieldProblem.INVALID}])
        key_id, secret = secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
        key = ApiKey(name, frozenset(scopes), frozenset(collections), self._clock(), expires_at)
        with self._storage.transaction() as tx:
            if tx.api_keys.find_by_name(name) is not None:
                raise ApiKeyExists
            tx.api_keys.add(key, key_id, _hash(secret))
            self._audit.record(tx, Action.API_KEY_CREATE, caller)
        return f"face_{key_id}_{secret}"

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
        if not key.is_valid(self._clock()):
            raise Unauthenticated
        return Caller(key.name, key.scopes, key.collections)

    def all(self) -> list[ApiKey]:
        with self._storage.transaction() as tx:
            return tx.api_keys.all()

    def revoke(self, name: str, caller: str = "local") -> None:
        """From now on the key opens nothing. Raises `ApiKeyNotFound`."""
        with self._storage.transaction() as tx:
            if tx.api_keys.find_by_name(name) is None:
                raise ApiKeyNotFound
            tx.api_keys.revoke(name, self._clock())
            self._audit.record(tx, Action.API_KEY_REVOKE, caller)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
