"""One transaction over all that is kept."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from service.domain.callers import ApiKey
from service.domain.ports.calling import ApiKeys, AuditLog, FailedComparisons
from service.domain.ports.people import Answers, Collections, SealedRows, Subjects, Templates


class Transaction(Protocol):
    """All of it happens, or nothing does."""

    @property
    def collections(self) -> Collections: ...
    @property
    def subjects(self) -> Subjects: ...
    @property
    def templates(self) -> Templates: ...
    @property
    def answers(self) -> Answers: ...
    @property
    def api_keys(self) -> ApiKeys: ...
    @property
    def audit(self) -> AuditLog: ...
    @property
    def sealed_rows(self) -> SealedRows: ...
    @property
    def failed_comparisons(self) -> FailedComparisons: ...

    def server_time(self) -> datetime:
        """What the database's own clock shows at this moment."""
        ...


class Gallery(Protocol):
    def transaction(self, *waits_for: str) -> AbstractContextManager[Transaction]:
        """Commits at the end of the block; rolls back where it raises.

        `waits_for`: whose lock the block will ask for, a collection's name or that and a subject's:
        only a few of a process may hold a connection while they wait for the same one.

        Raises `DatabaseUnavailable` where the database cannot be reached, `Overloaded` where a
        lock or a connection is not to be had in time.
        """
        ...

    def check(self) -> None:
        """Raises `DatabaseUnavailable` or `DatabaseNotMigrated` where it cannot serve."""
        ...


class KeyGallery(Gallery, Protocol):
    def find_api_key(self, key_id: str) -> tuple[ApiKey, bytes] | None:
        """The key and the SHA-256 of its secret, as committed at this moment: outside of any
        transaction, since every call asks. Raises as `transaction` does.
        """
        ...
