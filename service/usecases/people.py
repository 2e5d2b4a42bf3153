"""What enrolling, verifying and searching share: the collection, its key, its templates."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import numpy as np

from service.domain.collection import Collection, SealContext, StoredTemplate
from service.domain.errors import CollectionNotFound, TemplateTampered
from service.domain.face import EMBEDDING_SIZE, Embedding
from service.domain.ports import CollectionKey, Transaction, Vault
from service.domain.template import PlainTemplate, cosine_similarity

logger = logging.getLogger(__name__)

_WIRE = np.dtype("<f4")

SEARCH_COLUMN_TOLERANCE = 0.001
"""Largest distance between a template's search vector as stored and as computed anew.

Half precision rounds to 11 bits, so at most 2^-11 = 0.0005 for a vector of norm 1; anything above
means that the column was changed by itself, in direction or in length: a longer vector would come
up in every search, a shorter one in none.
"""


def require_collection(tx: Transaction, name: str) -> Collection:
    """Raises `CollectionNotFound`."""
    collection = tx.collections.find(name)
    if collection is None:
        raise CollectionNotFound
    return collection


def lock_collection(tx: Transaction, name: str) -> Collection:
    """The collection as it is once nobody else can change its people. Raises `CollectionNotFound`.

    It is read again under the lock: the holder before may have enrolled its first person, or
    deleted it.
    """
    tx.collections.lock(require_collection(tx, name))
    return require_collection(tx, name)


@dataclass(frozen=True, slots=True)
class OpenCollection:
    """A collection with its data key at hand."""

    collection: Collection
    key: CollectionKey

    @classmethod
    def unlock(cls, collection: Collection, vault: Vault) -> OpenCollection:
        return cls(collection, vault.unlock(collection.collection_id, collection.key))

    def seal(
        self, subject_id: str, model_id: str, embedding: Embedding, now: datetime
    ) -> StoredTemplate:
        """A row for `embedding`: sealed, and rotated for the search."""
        template_id = uuid4()
        plain = embedding.astype(_WIRE).tobytes()
        sealed = self.key.seal(plain, _template_context(subject_id, model_id, str(template_id)))
        search = self.key.to_search_space(embedding)
        return StoredTemplate(template_id, subject_id, model_id, sealed, search, now)

    def open(self, stored: StoredTemplate) -> PlainTemplate:
        """The sealed vector, proved to be this row's. Raises `TemplateTampered`."""
        with self._alarm(f"template {stored.template_id}"):
            return self._open(stored)

    @contextmanager
    def _alarm(self, what: str) -> Iterator[None]:
        """An altered row is the operator's business as well, and at once."""
        try:
            yield
        except TemplateTampered:
            where = self.collection.collection_id
            logger.error("template_tampered: %s of collection %s does not open", what, where)
            raise

    def _open(self, stored: StoredTemplate) -> PlainTemplate:
        context = _template_context(stored.subject_id, stored.model_id, str(stored.template_id))
        plain = self.key.open(stored.sealed, context)
        if len(plain) != EMBEDDING_SIZE * _WIRE.itemsize:
            raise TemplateTampered
        embedding = np.frombuffer(plain, dtype=_WIRE).astype(np.float32)
        moved = stored.search.values - self.key.to_search_space(embedding).values
        if np.linalg.norm(moved) > SEARCH_COLUMN_TOLERANCE:
            raise TemplateTampered
        return PlainTemplate(embedding)

    def similarity(self, probe: Embedding, stored: StoredTemplate) -> float:
        """Cosine of the probe and the opened template. Raises `TemplateTampered`."""
        return cosine_similarity(probe, self.open(stored).embedding)

    def seal_note(self, subject_id: str, purpose: str, record: str, plain: bytes) -> bytes:
        """Anything else about a person that is kept: metadata, an earlier answer."""
        return self.key.seal(plain, SealContext(subject_id, purpose, record))

    def open_note(self, subject_id: str, purpose: str, record: str, sealed: bytes) -> bytes:
        """Raises `TemplateTampered`."""
        with self._alarm(f"somebody's {purpose}"):
            return self.key.open(sealed, SealContext(subject_id, purpose, record))


def _template_context(subject_id: str, model_id: str, template_id: str) -> SealContext:
    return SealContext(subject_id, f"template:{model_id}", template_id)
