"""What is held of a gallery follows it, and is given up where it does not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pytest

from service.domain.collection import DEFAULT_COLLECTION, Collection
from service.domain.face import EMBEDDING_SIZE, Embedding
from service.domain.search import SearchProblem
from service.domain.template import average, cosine_similarity, template_of
from service.domain.thresholds import ARCFACE
from service.search.collection_index import CodeKind
from service.search.vector_index import VectorIndex
from service.storage.storage import Storage
from service.storage.templates import TemplateRows
from service.usecases import index_sync as keeping
from service.usecases.audit_recorder import AuditRecorder
from service.usecases.candidates import find_candidates, find_candidates_of_many, shortlist
from service.usecases.collections import Collections
from service.usecases.enrollment import Mode
from service.usecases.erase import Erase
from service.usecases.index_sync import IndexSync
from service.usecases.unlocked_collection import UnlockedCollection, require_collection
from service.vault.vault import Vault
from tests.enrolled import add_people
from tests.search.damage import KINDS, write_over
from tests.usecases.service_process import Service
from tests.usecases.stand_ins import embedding_of_photo

MODEL = "crowd@sha256:0"
PEOPLE = 60


def now() -> datetime:
    return datetime.now(UTC)


def faces(number: int, seed: int = 0) -> list[Embedding]:
    random = np.random.default_rng(seed).standard_normal((number, EMBEDDING_SIZE))
    return list((random / np.linalg.norm(random, axis=1, keepdims=True)).astype(np.float32))


class IndexedCollection:
    """A collection of people who do not exist, and one process's memory of it."""

    def __init__(
        self, storage: Storage, vault: Vault, kind: CodeKind, most_bytes: int = 2**30
    ) -> None:
        self.storage, self.vault = storage, vault
        self.audit = AuditRecorder(storage, lambda: vault, now)
        self.collections = Collections(storage, vault, lambda: ARCFACE, now, self.audit)
        self.collections.ensure_default()
        self.index = VectorIndex(most_bytes, kind, workers=2)
        self.keep = IndexSync(storage, self.index, worth_holding=1)
        self.enrolled: list[Embedding] = []

    def enroll(self, them: Sequence[Embedding]) -> None:
        with self.storage.transaction() as tx:
            collection = require_collection(tx, DEFAULT_COLLECTION)
            people = UnlockedCollection.unlock(collection, self.vault)
            ids = [f"p{len(self.enrolled) + n}" for n in range(len(them))]
            templates = [template_of([face]) for face in them]
            rows = people.seal_all(list(zip(ids, templates, strict=True)), MODEL, now())
            add_people(tx, collection, rows, now())
        self.enrolled += them

    def erase(self, subject_id: str) -> None:
        Erase(self.storage, self.audit)(subject_id, DEFAULT_COLLECTION, "till")

    def search(self, probe: Embedding) -> tuple[list[str], bool]:
        """Who was found, and whether by a shortlist."""
        with self.storage.transaction() as tx:
            people = UnlockedCollection.unlock(
                require_collection(tx, DEFAULT_COLLECTION), self.vault
            ).of_model(MODEL)
            among = shortlist(tx, people, probe, 0.4, self.index)
            found = find_candidates(tx, people, probe, 0.4, 10, among)
        return [one.subject_id for one in found], among is not None

    def search_many(self, numbers: Sequence[int]) -> list[list[str]]:
        """Who was found for each of these enrolled, all at once."""
        probes = [self.enrolled[number] for number in numbers]
        with self.storage.transaction() as tx:
            people = UnlockedCollection.unlock(
                require_collection(tx, DEFAULT_COLLECTION), self.vault
            ).of_model(MODEL)
            found = find_candidates_of_many(tx, people, probes, 0.4, 10, self.index)
        return [[one.subject_id for one in each] for each in found]

    @property
    def collection(self) -> Collection:
        with self.storage.transaction() as tx:
            return require_collection(tx, DEFAULT_COLLECTION)


@pytest.fixture(params=[*KINDS.values()], ids=[*KINDS])
def kind(request: pytest.FixtureRequest) -> CodeKind:
    found: CodeKind = request.param
    return found


@pytest.fixture
def crowd(storage: Storage, vault: Vault, kind: CodeKind) -> IndexedCollection:
    crowd = IndexedCollection(storage, vault, kind)
    crowd.enroll(faces(PEOPLE))
    return crowd


def test_holds_what_is_there_and_finds_everybody(crowd: IndexedCollection) -> None:
    crowd.keep()
    assert crowd.index.state().rows == PEOPLE
    assert crowd.index.state().problem is None
    for number in (0, PEOPLE - 1):
        assert crowd.search(crowd.enrolled[number]) == ([f"p{number}"], True)


def test_who_came_later_is_found_before_they_are_held(crowd: IndexedCollection) -> None:
    crowd.keep()
    crowd.enroll(faces(1, seed=1))
    assert crowd.index.state().rows == PEOPLE
    assert crowd.search(crowd.enrolled[-1]) == ([f"p{PEOPLE}"], True)


def test_reads_on_in_small_steps(crowd: IndexedCollection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "ROWS_AT_A_TIME", 7)
    crowd.keep()
    assert crowd.index.state().rows == PEOPLE
    assert crowd.search(crowd.enrolled[13]) == (["p13"], True)


def test_the_erased_are_not_found_and_then_forgotten(crowd: IndexedCollection) -> None:
    crowd.keep()
    crowd.erase("p3")
    assert crowd.search(crowd.enrolled[3]) == ([], True)
    assert crowd.index.state().rows == PEOPLE
    crowd.keep()
    assert crowd.index.state().rows == PEOPLE - 1


def test_added_photographs_are_searched_before_they_are_held_and_after(
    service: Service, kind: CodeKind
) -> None:
    index = VectorIndex(2**30, kind, workers=1)
    keep = IndexSync(service.storage, index, worth_holding=1)
    service.enroll("kim", "kim:1")
    keep()
    service.enroll("kim", "kim:2", mode=Mode.ADD)
    probe = embedding_of_photo("kim")
    mean = average([embedding_of_photo("kim:1"), embedding_of_photo("kim:2")])
    for _ in range(2):
        with service.storage.transaction() as tx:
            people = UnlockedCollection.unlock(
                require_collection(tx, DEFAULT_COLLECTION), service.vault
            ).of_model(service.model_id)
            among = shortlist(tx, people, probe, 0.4, index)
            (found,) = find_candidates(tx, people, probe, 0.4, 10, among)
        assert found.similarity == pytest.approx(cosine_similarity(probe, mean), abs=1e-6)
        keep()
    assert index.state().rows == 1


def test_small_collections_are_read_whole_instead(crowd: IndexedCollection) -> None:
    IndexSync(crowd.storage, crowd.index, worth_holding=PEOPLE + 1)()
    assert crowd.index.state().rows == 0
    assert crowd.search(crowd.enrolled[0]) == (["p0"], True)


def test_deleted_collection_is_forgotten(crowd: IndexedCollection) -> None:
    crowd.keep()
    crowd.collections.delete(DEFAULT_COLLECTION, "till")
    crowd.keep()
    assert crowd.index.state().rows == 0


def test_restored_database_is_read_anew_and_not_answered_from_before(
    crowd: IndexedCollection,
) -> None:
    crowd.keep()
    with crowd.storage.transaction() as tx:
        tx.templates.begin_epochs()
    assert crowd.search(crowd.enrolled[0]) == (["p0"], False)
    crowd.keep()
    assert crowd.search(crowd.enrolled[0]) == (["p0"], True)


def test_what_does_not_fit_is_scanned(storage: Storage, vault: Vault, kind: CodeKind) -> None:
    crowd = IndexedCollection(storage, vault, kind, most_bytes=PEOPLE * kind.bytes_per_row)
    crowd.enroll(faces(PEOPLE))
    crowd.keep()
    crowd.enroll(faces(20, seed=1))
    crowd.keep()
    state = crowd.index.state()
    assert (state.rows, state.behind, state.problem) == (PEOPLE, 20, SearchProblem.OUT_OF_MEMORY)
    assert crowd.search(crowd.enrolled[0]) == (["p0"], True)
    assert crowd.search(crowd.enrolled[-1]) == ([f"p{PEOPLE + 19}"], True)
    assert crowd.search_many([0, PEOPLE, PEOPLE + 19]) == [
        ["p0"],
        [f"p{PEOPLE}"],
        [f"p{PEOPLE + 19}"],
    ]


def test_damage_is_noticed_and_mended(crowd: IndexedCollection) -> None:
    crowd.keep()
    (part,) = crowd.index._held[crowd.collection.collection_id]._parts
    write_over(part.codes)
    crowd.keep._check(crowd.collection.collection_id)
    assert crowd.index.state().problem is SearchProblem.DAMAGED
    assert crowd.search(crowd.enrolled[0])[0] == ["p0"]
    crowd.keep()
    assert crowd.index.state().problem is None
    assert crowd.search(crowd.enrolled[0]) == (["p0"], True)


def test_row_that_a_rotation_moves_after_it_was_listed_is_found(
    crowd: IndexedCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd.keep()
    monkeypatch.setattr(TemplateRows, "at", lambda *_: {})
    assert crowd.search_many([0, 1]) == [["p0"], ["p1"]]
