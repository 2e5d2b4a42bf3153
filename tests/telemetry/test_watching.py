"""Ports with a clock at them do what they did without."""

from __future__ import annotations

from uuid import uuid4

import pytest

from service.domain.collection import SealContext
from service.domain.errors import TemplateTampered
from service.storage.storage import Storage
from service.telemetry.instrumented import noted, watched_engine, watched_storage, watched_vault
from service.telemetry.metrics import Metrics
from service.vault.master_key import MasterKey
from service.vault.vault import Vault
from tests.usecases.stand_ins import StandInEngine

CONTEXT = SealContext("kim", "template", "1")


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def times(metrics: Metrics, stage: str) -> float | None:
    return metrics.registry.get_sample_value("face_stage_seconds_count", {"stage": stage})


def test_engine(metrics: Metrics) -> None:
    engine = watched_engine(StandInEngine(), metrics)
    assert engine.detect([]) == []
    assert engine.embed([]) == []
    assert engine.model == StandInEngine().model
    assert (times(metrics, "detect"), times(metrics, "embed")) == (1, 1)


def test_vault(metrics: Metrics) -> None:
    collection_id = uuid4()
    vault = watched_vault(Vault(MasterKey(bytes(32))), metrics)
    key = vault.unlock(collection_id, vault.new_key(collection_id))
    assert key.open(key.seal(b"face", CONTEXT), CONTEXT) == b"face"
    with pytest.raises(TemplateTampered):
        key.open(b"", CONTEXT)
    assert times(metrics, "open") == 2


def test_gallery(metrics: Metrics, storage: Storage) -> None:
    watched = watched_storage(storage, metrics)
    watched.check()
    with watched.transaction() as tx:
        assert tx.collections.find("nobody's") is None
        assert metrics.registry.get_sample_value("face_database_transactions") == 1
    assert metrics.registry.get_sample_value("face_database_transactions") == 0
    assert times(metrics, "transaction") == 1


def test_transaction_that_fails_is_rolled_back_and_counted(
    metrics: Metrics, storage: Storage
) -> None:
    watched = watched_storage(storage, metrics)
    with pytest.raises(KeyError), watched.transaction():
        raise KeyError
    assert metrics.registry.get_sample_value("face_database_transactions") == 0


def test_result_is_shown_and_returned() -> None:
    seen: list[object] = []
    assert noted(len, seen.append)("three") == 5
    assert seen == [5]
