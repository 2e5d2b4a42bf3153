"""Who may call: API keys, their scopes and their collections."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from service.domain.errors import NotAllowed
from service.domain.face import FaceSource, GivenEmbedding


class Scope(StrEnum):
    """What a key may do. Part of the contract.

    `EMBEDDING`: sends vectors in place of photographs, beside the scope of the call itself, and is
    told exact similarities. Whoever may do both can find out a template.
    """

    TOKEN = "token"  # noqa: S105 - the name of a scope
    ENROLL = "enroll"
    VERIFY = "verify"
    SEARCH = "search"
    EMBEDDING = "embedding"
    ADMIN = "admin"


USE_NOTED_EVERY = timedelta(minutes=5)
"""A key's last use is for whoever asks, months later, whether anybody needs it still: a row written
anew for each of 100 calls a second would be dear for that.
"""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key, without the key.

    `collections`: the only ones it may touch; empty means all. `expires_at`, `revoked_at`: from
    that moment (UTC) on it opens nothing. `last_used_at`: to the `USE_NOTED_EVERY`; None: never.
    """

    name: str
    scopes: frozenset[Scope]
    collections: frozenset[str]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a call, once known. Collections empty: all of them."""

    name: str
    scopes: frozenset[Scope]
    collections: frozenset[str] = frozenset()

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes

    def require(self, scope: Scope) -> None:
        """Raises `NotAllowed`."""
        if not self.may(scope):
            raise NotAllowed(scope=scope)

    def require_source(self, source: FaceSource) -> None:
        """Vectors need a scope of their own: they can be made to measure, as no face can.

        Raises `NotAllowed`.
        """
        if isinstance(source, GivenEmbedding):
            self.require(Scope.EMBEDDING)

    def require_access(self, collection: str, source: FaceSource) -> None:
        """Into the collection, with a face from there. Raises `NotAllowed`."""
        self.require_collection(collection)
        self.require_source(source)

    def require_every_collection(self) -> None:
        """For what concerns all of them, such as keys. Raises `NotAllowed`."""
        if self.collections:
            raise NotAllowed(scope=Scope.ADMIN, collections="all")

    def may_enter(self, collection: str) -> bool:
        return not self.collections or collection in self.collections

    def require_collection(self, collection: str) -> None:
        """Raises `NotAllowed`."""
        if not self.may_enter(collection):
            raise NotAllowed(collection=collection)


LOCAL_USER = Caller("local", frozenset(Scope))
"""Whoever runs the command line: the data folder's own permissions decide about them."""

OPEN_KIOSK = Caller("open-kiosk", frozenset({Scope.TOKEN}))
"""The classic kiosk on the same machine, under `open_tokens`."""

OPEN_MONITOR = Caller("open-monitor", frozenset({Scope.ADMIN}), frozenset({""}))
"""Monitoring on the same machine, under `open_metrics`: of no collection, since none has this name."""

EXPIRY = Caller("expiry", frozenset())
"""Nobody: a person's time was over."""

MODEL_MOVE = Caller("model-move", frozenset())
"""Nobody: everybody of a collection was moved to another model."""

RESERVED_NAMES = frozenset(
    each.name for each in (LOCAL_USER, OPEN_KIOSK, OPEN_MONITOR, EXPIRY, MODEL_MOVE)
)
"""No key may be called so: the audit log could not tell them apart."""
