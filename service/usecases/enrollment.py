"""What an enrollment asks for and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from service.domain.callers import Caller
from service.domain.collection import DuplicatePolicy
from service.domain.errors import Lookalike
from service.domain.face import Sample
from service.domain.source import FaceSource


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


@dataclass(frozen=True, slots=True)
class Enrolled:
    subject_id: str
    collection: str
    template_id: UUID
    model_id: str
    images_used: int
    samples: Sequence[Sample]
    duplicates: Sequence[Lookalike]
    enrolled_at: datetime
