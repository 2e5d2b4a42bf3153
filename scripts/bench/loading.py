"""A gallery of made-up people in a real database, sealed and written by the service's own code."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from scripts.bench.databases import connected
from scripts.bench.galleries import Population, Vectors
from service.domain.collection import Collection, StoredTemplate, Subject
from service.domain.template import PlainTemplate
from service.storage.storage import Storage
from service.usecases.unlocked_collection import (
    UnlockedCollection,
    lock_collection,
    require_collection,
)
from service.vault.vault import Vault

ENROLLED_AT = datetime(2026, 1, 1, tzinfo=UTC)


def subject_id(number: int) -> str:
    """All of one length: rows in COPY's format are then of one length as well."""
    return f"p{number:09d}"


@dataclass(frozen=True, slots=True)
class SyntheticGallery:
    """The people of `population`, in the collection `name` of the database at `url`."""

    url: str
    storage: Storage
    vault: Vault
    population: Population
    name: str
    model_id: str

    def bind_model(self) -> None:
        """As the first enrollment does."""
        with self.storage.transaction() as tx:
            collection = lock_collection(tx, self.name)
            tx.collections.update(replace(collection, model_id=self.model_id))

    def grow(self, first: int, last: int) -> None:
        """Adds the people numbered `first` to `last - 1`; `first`: how many there are already.

        Vectors are drawn and sealed for the next chunk while PostgreSQL writes this one.
        """
        people = self._opened()
        with ThreadPoolExecutor(1) as ahead:
            chunks = self.population.chunks(first, last)
            waiting = ahead.submit(self._next, people, chunks)
            while (templates := waiting.result()) is not None:
                waiting = ahead.submit(self._next, people, chunks)
                self._write(people.collection, templates)
        with connected(self.url) as connection:
            connection.execute("VACUUM ANALYZE subjects, templates")

    def _opened(self) -> UnlockedCollection:
        with self.storage.transaction() as tx:
            collection = require_collection(tx, self.name)
            return UnlockedCollection.unlock(collection, self.vault)

    def _next(
        self, people: UnlockedCollection, chunks: Iterator[tuple[int, Vectors]]
    ) -> list[StoredTemplate] | None:
        first, vectors = next(chunks, (0, None))
        if vectors is None:
            return None
        faces = [(subject_id(n), PlainTemplate(one, 1)) for n, one in enumerate(vectors, first)]
        return people.seal_all(faces, self.model_id, ENROLLED_AT)

    def _write(self, collection: Collection, templates: list[StoredTemplate]) -> None:
        people = [
            Subject(row.subject_id, ENROLLED_AT, template_ids=(row.template_id,))
            for row in templates
        ]
        with self.storage.transaction() as tx:
            tx.subjects.add_all(collection, people)
            tx.templates.add_all(collection, templates)
