"""What is written down about calls that change nothing: decisions, and calls that were refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, ParamSpec, TypeVar
from uuid import uuid4

from service.domain.audit import AuditEntry, Outcome
from service.domain.errors import FaceError, Misconfigured, NotAllowed, RateLimited, Unavailable
from service.domain.ports import Gallery, NameKey, Transaction, Vault

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")

_NO_REFUSALS = (Unavailable, Misconfigured, NotAllowed)
"""The first two: the service could not look at the call, but where it would not, as for somebody
who is locked (`RateLimited`). Who is not allowed to make a call never
comes as far as a use case, but for folders and vectors; the door writes all of it down."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call, as far as it is written down. `action`: an `Action`, or method and route."""

    caller: str
    action: str
    collection: str | None = None
    subject_id: str | None = None


class Trail:
    """Writes attempts into the audit log.

    `decisions`: whether verifications and searches that were answered are among them; refusals
    always are.
    """

    def __init__(
        self,
        gallery: Gallery,
        vault: Vault,
        clock: Callable[[], datetime],
        *,
        decisions: bool = True,
    ) -> None:
        self._gallery = gallery
        self._vault = vault
        self._clock = clock
        self._decisions = decisions

    def decided(self, tx: Transaction, names: NameKey, attempt: Attempt, *, match: bool) -> None:
        """A decision, in the transaction that came to it. `names`: of the attempt's collection."""
        if self._decisions:
            tx.audit.append(self._entry(attempt, names, Outcome.of(match)))

    def refused(self, attempt: Attempt, error: FaceError) -> None:
        """A refusal, in a transaction of its own: the refused call's was rolled back.

        Raises what transactions raise; whoever is refused then is told that instead.
        """
        with self._gallery.transaction() as tx:
            names = self._names(tx, attempt.collection)
            tx.audit.append(self._entry(attempt, names, error.code))

    def _names(self, tx: Transaction, name: str | None) -> NameKey | None:
        """None for a collection that does not exist: nobody in it could be named."""
        collection = tx.collections.find(name) if name else None
        if collection is None:
            return None
        return self._vault.unlock_names(collection.collection_id, collection.keys)

    def _entry(self, attempt: Attempt, names: NameKey | None, outcome: str) -> AuditEntry:
        subject = names.pseudonym(attempt.subject_id) if names and attempt.subject_id else None
        return AuditEntry(
            audit_id=uuid4(),
            at=self._clock(),
            caller=attempt.caller,
            action=attempt.action,
            collection=attempt.collection,
            subject=subject,
            outcome=outcome,
        )


class Recorded(Generic[Asked, Answer]):
    """A use case whose refusals are written down.

    `attempt`: what to write of a call, from the use case's own arguments.
    """

    def __init__(
        self,
        use_case: Callable[Asked, Answer],
        attempt: Callable[Asked, Attempt],
        trail: Trail,
    ) -> None:
        self._use_case = use_case
        self._attempt = attempt
        self._trail = trail

    def __call__(self, *args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
        """Raises what the use case raises; what writing raises, where that fails."""
        try:
            return self._use_case(*args, **kwargs)
        except FaceError as error:
            if isinstance(error, RateLimited) or not isinstance(error, _NO_REFUSALS):
                self._trail.refused(self._attempt(*args, **kwargs), error)
            raise
