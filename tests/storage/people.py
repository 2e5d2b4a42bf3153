"""Collections, subjects and templates to put into a gallery."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

import numpy as np

from service.domain.collection import (
    Collection,
    CollectionKeys,
    CollectionSettings,
    SearchVector,
    StoredTemplate,
    Subject,
    WrappedKey,
)
from service.domain.face import EMBEDDING_SIZE
from service.domain.template import normalize, search_space

MODEL = "test@sha256:00"
KEY_ID = UUID(int=1)
SPACE_ID = search_space(KEY_ID, MODEL)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def collection(name: str = "default", settings: CollectionSettings | None = None) -> Collection:
    return Collection(
        collection_id=uuid4(),
        name=name,
        model_id=None,
        settings=settings or CollectionSettings(),
        keys=CollectionKeys(
            WrappedKey(KEY_ID, b"wrapped"), NOW, WrappedKey(uuid4(), b"wrapped names")
        ),
        created_at=NOW,
    )


def subject(subject_id: str, metadata: bytes | None = None) -> Subject:
    return Subject(subject_id, NOW, metadata)


def template(
    subject_id: str,
    vector: SearchVector | None = None,
    template_id: UUID | None = None,
    model_id: str = MODEL,
) -> StoredTemplate:
    search = vector or vectors(1)[0]
    return StoredTemplate(
        template_id or uuid4(), subject_id, model_id, KEY_ID, b"sealed", search, NOW
    )


def vectors(count: int, seed: int = 0) -> list[SearchVector]:
    """Random directions, norm 1."""
    random = np.random.default_rng(seed)
    return [SearchVector(normalize(v)) for v in random.normal(size=(count, EMBEDDING_SIZE))]
