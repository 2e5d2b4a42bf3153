"""What enrolling, verifying and searching share: the collection, its keys, its templates."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import numpy as np

from service.domain.collection import Collection, SealContext, SearchVector, StoredTemplate
from service.domain.errors import (
    CollectionNotFound,
    ModelMismatch,
    SubjectNotFound,
    TemplateTampered,
)
from service.domain.face import EMBEDDING_SIZE, Embedding
from service.domain.search import Vectors
from service.domain.served_models import CollectionModels, ServedModels, unbound
from service.domain.template import PlainTemplate, search_space, similarity_of
from service.vault.cipher import AuthenticationFailed

if TYPE_CHECKING:
    from service.storage.transaction import Transaction
    from service.vault.vault import CollectionKey, PseudonymKey, Vault

logger = logging.getLogger(__name__)

_TOTAL_STARTS = 4
_TOTAL = np.dtype("<f4")
"""What is sealed: how many samples, in 4 bytes, then the 512 numbers of their sum."""

SEARCH_COLUMN_TOLERANCE = 0.001
"""Largest distance between a template's search vector as stored and as computed anew.

Half precision rounds to 11 bits, so at most 2^-11 = 0.0005 for a vector of norm 1; anything above
means that the column was changed by itself, in direction or in length: a longer vector would come
up in every search, a shorter one in none.
"""


def require_collection(tx: Transaction, name: str) -> Collection:
    """Raises `CollectionNotFound`."""
    collection = tx.collections.find_with_keys_locked(name)
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


def models_of(tx: Transaction, collection: Collection, served: ServedModels) -> CollectionModels:
    """By which of the served models its people are compared; an emptied one is free for any.

    Raises `ModelMismatch`.
    """
    enrolled = served.serve(collection) or tx.templates.any(collection)
    return served.of(collection, enrolled=enrolled)


def bind_model(tx: Transaction, collection: Collection, served: ServedModels) -> CollectionModels:
    """The first enrollment fixes the collection's model; an emptied one is free again.

    Raises `ModelMismatch`.
    """
    models = models_of(tx, collection, served)
    if collection.model_id != models.present.model_id:
        tx.collections.update(unbound(collection, models.present.model_id))
    return models


@dataclass(frozen=True, slots=True)
class UnlockedCollection:
    """A collection with its keys at hand: the first data key seals, all of them open.

    `model_id`: whose vectors a search compares.
    """

    collection: Collection
    data_keys: tuple[CollectionKey, ...]
    vault: Vault
    model_id: str | None

    @classmethod
    def unlock(cls, collection: Collection, vault: Vault) -> UnlockedCollection:
        """Raises `MasterKeyInvalid`, `KeyServiceUnavailable`."""
        keys, its_id = collection.keys, collection.collection_id
        in_use = (keys.active, keys.retiring)
        data_keys = tuple(vault.unlock(its_id, key) for key in in_use if key is not None)
        return cls(collection, data_keys, vault, collection.model_id)

    def of_model(self, model_id: str) -> UnlockedCollection:
        """The same, to search by a probe of this model."""
        return replace(self, model_id=model_id)

    @property
    def pseudonyms(self) -> PseudonymKey:
        """Raises `MasterKeyInvalid`, `KeyServiceUnavailable`."""
        return self.vault.unlock_pseudonyms(self.collection.collection_id, self.collection.keys)

    @property
    def key(self) -> CollectionKey:
        """The key that seals."""
        return self.data_keys[0]

    def probes(self, embedding: Embedding) -> Mapping[UUID, SearchVector]:
        """The embedding in every space that rows of its model may be in."""
        return {space: key.to_search_space(embedding) for space, key in self._spaces()}

    def probes_of(self, embeddings: Vectors) -> Mapping[UUID, Vectors]:
        """As `probes`, of many embeddings: (n, 512) a space."""
        return {space: key.all_to_search_space(embeddings) for space, key in self._spaces()}

    def _spaces(self) -> Iterator[tuple[UUID, CollectionKey]]:
        for key in self.data_keys:
            yield search_space(key.key_id, self.model_id or ""), key

    def seal(
        self, subject_id: str, model_id: str, template: PlainTemplate, now: datetime
    ) -> StoredTemplate:
        """A row for `template`: sealed, and rotated for the search."""
        return self.seal_all([(subject_id, template)], model_id, now)[0]

    def seal_all(
        self, people: Sequence[tuple[str, PlainTemplate]], model_id: str, now: datetime
    ) -> list[StoredTemplate]:
        """A row for each subject and template, in order."""
        if not people:
            return []
        embeddings = np.stack([template.embedding for _, template in people])
        rotated = self.key.all_to_search_space(embeddings)
        return [
            self._sealed(uuid4(), subject_id, model_id, template, SearchVector(search), now)
            for (subject_id, template), search in zip(people, rotated, strict=True)
        ]

    def reseal(self, stored: StoredTemplate, subject_id: str | None = None) -> StoredTemplate:
        """The same row under the key that seals, and under `subject_id` if it is to be another; opened again
        as a proof.

        Raises `TemplateTampered`.
        """
        plain = self.open(stored)
        rotated = self.key.to_search_space(plain.embedding)
        whose, model_id = subject_id or stored.subject_id, stored.model_id
        moved = self._sealed(stored.template_id, whose, model_id, plain, rotated, stored.created_at)
        if _as_bytes(self.open(moved)) != _as_bytes(plain):
            raise TemplateTampered
        return moved

    def _sealed(
        self,
        template_id: UUID,
        subject_id: str,
        model_id: str,
        template: PlainTemplate,
        search: SearchVector,
        at: datetime,
    ) -> StoredTemplate:
        context = _template_context(subject_id, model_id, str(template_id))
        sealed = self.key.seal(_as_bytes(template), context)
        return StoredTemplate(
            template_id, subject_id, model_id, self.key.key_id, sealed, search, at
        )

    def open(self, stored: StoredTemplate) -> PlainTemplate:
        """What is sealed, proved to be this row's. Raises `TemplateTampered`."""
        with self._alarm(f"template {stored.template_id}"):
            return self._open(stored)

    @contextmanager
    def _alarm(self, what: str) -> Iterator[None]:
        """An altered row is the operator's business as well, and at once."""
        try:
            yield
        except (AuthenticationFailed, TemplateTampered):
            where = self.collection.collection_id
            logger.error("template_tampered: %s of collection %s does not open", what, where)
            raise TemplateTampered from None

    def _open(self, stored: StoredTemplate) -> PlainTemplate:
        context = _template_context(stored.subject_id, stored.model_id, str(stored.template_id))
        key = self._key_of(stored)
        plain = key.open(stored.sealed, context)
        if len(plain) != _TOTAL_STARTS + EMBEDDING_SIZE * _TOTAL.itemsize:
            raise TemplateTampered
        samples = int.from_bytes(plain[:_TOTAL_STARTS], "little")
        template = PlainTemplate(np.frombuffer(plain, _TOTAL, offset=_TOTAL_STARTS), samples)
        moved = stored.search.values - key.to_search_space(template.embedding).values
        if np.linalg.norm(moved) > SEARCH_COLUMN_TOLERANCE:
            raise TemplateTampered
        return template

    def _key_of(self, stored: StoredTemplate) -> CollectionKey:
        for key in self.data_keys:
            if key.key_id == stored.key_id:
                return key
        raise TemplateTampered

    def template_of(self, rows: Sequence[StoredTemplate], model_id: str) -> PlainTemplate:
        """Of one person's `rows` the one of the model, opened. A model that is being removed counts no more.

        Raises `SubjectNotFound`, `ModelMismatch`, `TemplateTampered`.
        """
        rows = [row for row in rows if row.model_id != self.collection.retiring_model_id]
        if not rows:
            raise SubjectNotFound
        for row in rows:
            if row.model_id == model_id:
                return self.open(row)
        raise ModelMismatch(stored=rows[0].model_id, served=model_id)

    def similarity(self, probe: Embedding, stored: StoredTemplate) -> float:
        """Cosine of the probe and the opened template. Raises `TemplateTampered`."""
        return similarity_of(probe, self.open(stored).embedding)

    def seal_note(self, subject_id: str, purpose: str, record: str, plain: bytes) -> bytes:
        """Anything else about a person that is kept: metadata, an earlier answer."""
        return self.key.seal(plain, SealContext(subject_id, purpose, record))

    def open_note(self, subject_id: str, purpose: str, record: str, sealed: bytes) -> bytes:
        """Raises `TemplateTampered`."""
        with self._alarm(f"somebody's {purpose}"):
            return self._key_named_by(sealed).open(sealed, SealContext(subject_id, purpose, record))

    def may_open(self, sealed: bytes) -> bool:
        """Whether it was sealed by a key that the collection still has."""
        return any(key.is_named_by(sealed) for key in self.data_keys)

    def _key_named_by(self, sealed: bytes) -> CollectionKey:
        for key in self.data_keys:
            if key.is_named_by(sealed):
                return key
        raise TemplateTampered

    def reseal_note(self, there: SealContext, sealed: bytes, here: SealContext) -> bytes:
        """The same note under the key that seals, bound to `here`; opened again as a proof.

        Raises `TemplateTampered`.
        """
        plain = self.open_note(there.subject_id, there.purpose, there.record, sealed)
        moved = self.key.seal(plain, here)
        if self.open_note(here.subject_id, here.purpose, here.record, moved) != plain:
            raise TemplateTampered
        return moved


def _as_bytes(template: PlainTemplate) -> bytes:
    number = template.samples.to_bytes(_TOTAL_STARTS, "little")
    return number + template.total.astype(_TOTAL).tobytes()


def _template_context(subject_id: str, model_id: str, template_id: str) -> SealContext:
    return SealContext(subject_id, f"template:{model_id}", template_id)
