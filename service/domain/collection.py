"""A gallery of subjects with its own keys, model and thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from service.domain.errors import LivenessRequired
from service.domain.face import Faces, FaceSource, ProvenFrame
from service.domain.liveness_session import Purpose
from service.domain.search_threshold import (
    MAX_FALSE_CANDIDATES,
    SearchThreshold,
    search_threshold,
)
from service.domain.template import search_space
from service.domain.thresholds import BALANCED, Calibration

DEFAULT_COLLECTION = "default"


class DuplicatePolicy(StrEnum):
    """What an enrollment does about people who are enrolled already. Part of the contract."""

    REJECT = "reject"
    FLAG = "flag"
    ALLOW = "allow"


class RequireLiveness(StrEnum):
    """For what a face must come from a liveness session. Part of the contract."""

    NONE = "none"
    VERIFY = "verify"
    ENROLL = "enroll"
    BOTH = "both"


_REQUIRING: Mapping[Purpose, frozenset[RequireLiveness]] = {
    Purpose.VERIFY: frozenset({RequireLiveness.VERIFY, RequireLiveness.BOTH}),
    Purpose.ENROLL: frozenset({RequireLiveness.ENROLL, RequireLiveness.BOTH}),
    Purpose.SEARCH: frozenset(),
}


@dataclass(frozen=True, slots=True)
class CollectionSettings:
    """`thresholds` (cosine by profile) override the model's for this collection alone.

    `duplicate_profile` is the search's own operating point, apart from verification's: a search
    over N people makes N comparisons, so the same threshold errs N times as often.

    `max_false_candidates`: strangers that a search may name on average; its threshold rises with the
    number of people for it, as far as a calibration tells where to.

    `retention_days`: days of 24 hours, from a person's enrollment, after which they expire; None
    for no such limit.

    `faces`: which photographs have a face that counts; None: as the service is set.

    `require_liveness`: for what a face must come from a liveness session; searches take every face.
    """

    thresholds: Mapping[str, float] = field(default_factory=dict)
    duplicate_policy: DuplicatePolicy = DuplicatePolicy.REJECT
    duplicate_profile: str = BALANCED
    retention_days: int | None = None
    max_false_candidates: float = MAX_FALSE_CANDIDATES
    faces: Faces | None = None
    require_liveness: RequireLiveness = RequireLiveness.NONE

    def requires_liveness(self, purpose: Purpose) -> bool:
        return self.require_liveness in _REQUIRING[purpose]

    def require_proven(self, source: FaceSource, purpose: Purpose) -> None:
        """Raises `LivenessRequired` for a face that comes from elsewhere than a session has to."""
        if not isinstance(source, ProvenFrame) and self.requires_liveness(purpose):
            raise LivenessRequired

    def search_over(
        self, comparisons: int, calibration: Calibration, profile: str | None = None
    ) -> SearchThreshold:
        """The operating point of a search. `profile`: None: the collection's own for searches.

        Raises `ProfileNotFound`.
        """
        asked, points = (
            calibration.profile(profile or self.duplicate_profile),
            calibration.operating_points,
        )
        return search_threshold(asked, points, comparisons, self.max_false_candidates)


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """One of a collection's keys, sealed under the master key."""

    key_id: UUID
    wrapped: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class CollectionKeys:
    """`active`, since `active_since`, seals whatever is written; `retiring` opens what a rotation
    has not come to yet, None outside of one. `pseudonyms` is for keyed hashes and stays as long as the
    collection does: the audit log must tell tomorrow's person from yesterday's.
    """

    active: WrappedKey
    active_since: datetime
    pseudonyms: WrappedKey
    retiring: WrappedKey | None = None

    @property
    def in_use(self) -> tuple[WrappedKey, ...]:
        """The keys under which something may be sealed."""
        return (self.active,) if self.retiring is None else (self.active, self.retiring)


@dataclass(frozen=True, slots=True)
class Collection:
    """`model_id`: the model by which everybody in it is enrolled; None until the first enrollment.

    `next_model_id`: the model that its people are moved to: who was moved has a template of either.
    `retiring_model_id`: a model whose templates decide nothing any more, and are being removed. Never
    both at a time.
    """

    collection_id: UUID
    name: str
    model_id: str | None
    settings: CollectionSettings
    keys: CollectionKeys
    created_at: datetime
    next_model_id: str | None = None
    retiring_model_id: str | None = None


@dataclass(frozen=True, slots=True)
class SealContext:
    """What a sealed value is bound to: opened in any other place, it does not open."""

    subject_id: str
    purpose: str
    record: str


@dataclass(frozen=True, slots=True)
class SearchVector:
    """An embedding in the collection's own rotation of the space, (512,) float32."""

    values: NDArray[np.float32] = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredTemplate:
    """One row, of which a person has one for each model: the sealed truth and its search vector, both
    under the data key `key_id`. With each change it gets another `template_id`, so that an older one
    put back is told.
    """

    template_id: UUID
    subject_id: str
    model_id: str
    key_id: UUID
    sealed: bytes = field(repr=False)
    search: SearchVector
    created_at: datetime

    @property
    def space_id(self) -> UUID:
        return search_space(self.key_id, self.model_id)


@dataclass(frozen=True, slots=True)
class Subject:
    """An enrolled person. `metadata`: the caller's JSON object, `consent`: the caller's reference
    to a document; both sealed, None for none. `expires_at`: as the caller set it. `change`: the audit
    record of what was last done to them.
    """

    subject_id: str
    enrolled_at: datetime
    metadata: bytes | None = field(default=None, repr=False)
    template_ids: tuple[UUID, ...] = ()
    expires_at: datetime | None = None
    consent: bytes | None = field(default=None, repr=False)
    change: UUID | None = None

    @property
    def templates(self) -> int:
        return len(self.template_ids)


@dataclass(frozen=True, slots=True)
class IdempotentResponse:
    """An earlier answer to an `Idempotency-Key`, sealed; gone with its subject. `key_digest`: a keyed
    hash of whose key it was in which collection, which stays for a while.
    """

    caller: str
    key: str
    subject_id: str
    fingerprint: bytes = field(repr=False)
    sealed: bytes = field(repr=False)
    key_digest: bytes = field(repr=False)
