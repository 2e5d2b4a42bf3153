"""What an enrollment asks for and answers, and on what terms somebody is enrolled: until when, and by
which consent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from service.domain.active_liveness import Judgment
from service.domain.callers import Caller
from service.domain.collection import Collection, DuplicatePolicy, SealContext, Subject
from service.domain.errors import Candidate, FieldProblem, InvalidRequest
from service.domain.expiry import require_agreement
from service.domain.face import Faces, FaceSource, Sample
from service.domain.warnings import DecisionWarning
from service.usecases.unlocked_collection import UnlockedCollection

if TYPE_CHECKING:
    from service.storage.transaction import Transaction


class Mode(StrEnum):
    """What to do about an existing subject. Part of the contract."""

    CREATE = "create"
    ADD = "add"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class EnrollRequest:
    """`on_duplicate`, `profile`: of the duplicate check (`duplicate_rule`); None for the collection's own.

    `expires_at`, `consent_reference`, `metadata`: with `add` and `replace`, None keeps what is.
    """

    subject_id: str
    source: FaceSource
    collection: str
    caller: Caller
    mode: Mode = Mode.CREATE
    on_duplicate: DuplicatePolicy | None = None
    profile: str | None = None
    metadata: Mapping[str, Any] | None = field(default=None, repr=False)
    idempotency_key: str | None = None
    expires_at: datetime | None = None
    consent_reference: str | None = field(default=None, repr=False)
    faces: Faces | None = None


@dataclass(frozen=True, slots=True)
class Enrolled:
    """`duplicate_threshold`: of the duplicate check; None where none was made. `expected_false_candidates`:
    how many strangers it names on average; None for an earlier answer, which makes none. `liveness`: None
    where the face does not come from a session.
    """

    subject_id: str
    collection: str
    template_id: UUID
    model_id: str
    images_used: int
    samples: Sequence[Sample]
    duplicates: Sequence[Candidate]
    duplicate_threshold: float | None
    warnings: Sequence[DecisionWarning]
    enrolled_at: datetime
    liveness: Judgment | None = None
    expected_false_candidates: float | None = None


LONGEST_ENROLLMENT = timedelta(days=36_525)
"""A hundred years: what lies further ahead is a slip of the pen."""

METADATA = "metadata"
"""The purpose that a subject's metadata is sealed for."""

CONSENT = "consent"
"""The purpose that a consent reference is sealed for: it may name a person's document."""


def require_future(expires_at: datetime | None, now: datetime) -> None:
    """Raises `InvalidRequest` unless the moment, if there is one, lies in the next 100 years."""
    if expires_at is not None and not now < expires_at <= now + LONGEST_ENROLLMENT:
        allowed = {"after": f"{now:%FT%TZ}", "most": f"{now + LONGEST_ENROLLMENT:%FT%TZ}"}
        raise InvalidRequest(
            [{"field": "expiresAt", "problem": FieldProblem.OUT_OF_RANGE, "allowed": allowed}]
        )


def require_true_date(tx: Transaction, collection: Collection, now: datetime) -> None:
    """Where retention counts from the enrollment, a clock that is wrong today would have somebody
    removed too early by one that is right. Raises `ClocksDisagree`.
    """
    if collection.settings.retention_days is not None:
        require_agreement(now - tx.server_time())


class Terms(Protocol):
    """A request or a row that enrolls somebody."""

    @property
    def subject_id(self) -> str: ...
    @property
    def metadata(self) -> Mapping[str, Any] | None: ...
    @property
    def expires_at(self) -> datetime | None: ...
    @property
    def consent_reference(self) -> str | None: ...


def sealed_subject(
    unlocked: UnlockedCollection,
    terms: Terms,
    now: datetime,
    template_ids: Sequence[UUID],
    change: UUID,
) -> Subject:
    """Somebody enrolled at `now`, with all that is said about them sealed. `change`: the audit record
    of the enrollment.
    """
    subject_id, metadata = terms.subject_id, None
    if terms.metadata is not None:
        plain = json.dumps(terms.metadata, ensure_ascii=False).encode()
        metadata = unlocked.seal_note(subject_id, METADATA, subject_id, plain)
    consent = seal_consent(unlocked, subject_id, terms.consent_reference)
    return Subject(
        subject_id, now, metadata, tuple(template_ids), terms.expires_at, consent, change
    )


def seal_consent(
    unlocked: UnlockedCollection, subject_id: str, reference: str | None
) -> bytes | None:
    if reference is None:
        return None
    return unlocked.seal_note(subject_id, CONSENT, subject_id, reference.encode())


def reseal_subject(
    unlocked: UnlockedCollection, subject: Subject, subject_id: str | None = None
) -> Subject:
    """The same person with all that is said about them under the key that seals, and under `subject_id` if
    that is to be another. Raises `TemplateTampered`.
    """
    whose = subject_id or subject.subject_id

    def moved(purpose: str, sealed: bytes | None) -> bytes | None:
        there, here = (SealContext(each, purpose, each) for each in (subject.subject_id, whose))
        return None if sealed is None else unlocked.reseal_note(there, sealed, here)

    return replace(
        subject,
        subject_id=whose,
        metadata=moved(METADATA, subject.metadata),
        consent=moved(CONSENT, subject.consent),
    )


def open_consent(unlocked: UnlockedCollection, subject: Subject) -> str | None:
    """Raises `TemplateTampered`."""
    if subject.consent is None:
        return None
    plain = unlocked.open_note(subject.subject_id, CONSENT, subject.subject_id, subject.consent)
    return plain.decode()
