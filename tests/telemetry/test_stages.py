"""What takes time says how much, and goes on as it would untold."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from service.domain.collection import SealContext, SearchVector
from service.domain.thresholds import ARCFACE
from service.search.two_bits import TWO_BITS
from service.search.vector_index import VectorIndex
from service.storage.storage import Storage
from service.telemetry.metrics import Metrics
from service.usecases.sampler import Sampler
from service.vault.cipher import AuthenticationFailed
from service.vault.master_key import MasterKey
from service.vault.vault import Vault
from tests.search.crowds import COLLECTION, KEY, crowd, mark, mates, rows
from tests.storage.people import collection
from tests.usecases.stand_ins import StandInCapture, StandInEngine, photos

CONTEXT = SealContext("kim", "template", "1")
SEARCHED = SearchVector(crowd(1)[0])


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def storage(database_url: str, vault: Vault, metrics: Metrics) -> Iterator[Storage]:
    storage = Storage(database_url, vault=lambda: vault, telemetry=metrics)
    yield storage
    storage.close()


def times(metrics: Metrics, stage: str) -> float | None:
    return metrics.registry.get_sample_value("face_stage_seconds_count", {"stage": stage})


def under_way(metrics: Metrics) -> float | None:
    return metrics.registry.get_sample_value("face_database_transactions")


def test_engine(metrics: Metrics) -> None:
    sampler = Sampler(StandInEngine(), StandInCapture(), ARCFACE, metrics)
    assert len(sampler.samples(photos("kim:1"))) == 1
    assert (times(metrics, "detect"), times(metrics, "embed")) == (1, 1)


def test_nothing_is_embedded_where_there_is_no_face(metrics: Metrics) -> None:
    sampler = Sampler(StandInEngine(), StandInCapture(), ARCFACE, metrics)
    assert len(sampler.samples(photos("no_face"))) == 1
    assert (times(metrics, "detect"), times(metrics, "embed")) == (1, 0)


def test_opened_seals(metrics: Metrics) -> None:
    collection_id, ring = uuid4(), Vault(MasterKey(bytes(32)), metrics)
    key = ring.unlock(collection_id, ring.new_key(collection_id))
    assert key.open(key.seal(b"face", CONTEXT), CONTEXT) == b"face"
    with pytest.raises(AuthenticationFailed):
        key.open(b"", CONTEXT)
    assert times(metrics, "open") == 2


def test_transactions(metrics: Metrics, storage: Storage) -> None:
    with storage.transaction() as tx:
        assert tx.collections.find_with_keys_locked("nobody's") is None
        assert under_way(metrics) == 1
    assert under_way(metrics) == 0
    assert times(metrics, "transaction") == 1


def test_transaction_that_fails(metrics: Metrics, storage: Storage) -> None:
    with pytest.raises(KeyError), storage.transaction():
        raise KeyError
    assert under_way(metrics) == 0
    assert times(metrics, "transaction") == 1


def test_locks_and_scans(metrics: Metrics, storage: Storage) -> None:
    with storage.transaction() as tx:
        tx.collections.lock(collection())
        assert tx.templates.nearest(collection(), {KEY: SEARCHED}, 0.4, 1) == []
    assert (times(metrics, "lock"), times(metrics, "search")) == (1, 1)


def test_searches_in_memory(metrics: Metrics) -> None:
    people = crowd(100)
    index = VectorIndex(2**30, TWO_BITS, workers=1, telemetry=metrics)
    index.extend(mark(len(people)), [rows(people)])
    probes = {KEY: mates(people[:2], 0.5)}
    assert index.candidates(UUID(int=9), probes, 0.4) is None
    assert len(index.candidates(COLLECTION, probes, 0.4) or ()) == 2
    assert times(metrics, "shortlist") == 1
    found = metrics.registry.get_sample_value("face_shortlists_total", {"compared": "shortlist"})
    assert found == 2
