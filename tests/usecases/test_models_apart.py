"""Rows of two models in one collection are compared with probes of their own model only."""

from __future__ import annotations

from uuid import uuid4

import pytest

from service.domain.template import search_space, template_of
from service.search.two_bits import TWO_BITS
from service.search.vector_index import VectorIndex
from service.usecases.candidates import find_candidates, shortlist
from service.usecases.index_sync import IndexSync
from service.usecases.unlocked_collection import UnlockedCollection, require_collection
from tests.domain.vectors import face_of
from tests.enrolled import add_people
from tests.usecases.service_process import DEFAULT, Service, Tables

OLD, NEW = "old@sha256:0", "new@sha256:0"
KIM = face_of("kim")


@pytest.fixture
def two_models(service: Service) -> Service:
    """Kim's very face under the new model belongs to Lee, whom it must not find under the old."""
    now = service.clock()
    with service.storage.transaction() as tx:
        people = UnlockedCollection.unlock(require_collection(tx, DEFAULT), service.vault)
        kim = template_of([KIM])
        rows = [people.seal("kim", OLD, kim, now), people.seal("lee", NEW, kim, now)]
        add_people(tx, people.collection, rows, now)
    return service


def _found(service: Service, model_id: str, index: VectorIndex | None, *, scan: bool) -> list[str]:
    with service.storage.transaction() as tx:
        collection = require_collection(tx, DEFAULT)
        people = UnlockedCollection.unlock(collection, service.vault).of_model(model_id)
        among = None if scan else shortlist(tx, people, KIM, 0.4, index)
        return [one.subject_id for one in find_candidates(tx, people, KIM, 0.4, 10, among)]


def test_every_way_to_search_keeps_models_apart(two_models: Service) -> None:
    index = VectorIndex(2**30, TWO_BITS, workers=1)
    IndexSync(two_models.storage, index, worth_holding=1)()
    assert index.state().rows == 2
    for model_id, who in ((OLD, "kim"), (NEW, "lee"), ("third@sha256:0", None)):
        expected = [who] if who else []
        assert _found(two_models, model_id, None, scan=True) == expected
        assert _found(two_models, model_id, None, scan=False) == expected
        assert _found(two_models, model_id, index, scan=False) == expected


def _altered_vectors(service: Service) -> bool:
    findings = service.wiring.verify_audit().findings
    return any(each.record.startswith("search vectors") for each in findings)


def test_row_moved_to_the_space_of_another_model_is_told(
    two_models: Service, tables: Tables
) -> None:
    (row,) = tables.rows("SELECT space_id FROM templates WHERE subject_id = 'lee'")
    assert not _altered_vectors(two_models)
    tables.change(
        "UPDATE templates SET space_id = :space WHERE subject_id = 'kim'", space=row["space_id"]
    )
    assert _altered_vectors(two_models)


def test_a_space_is_of_one_key_and_one_model() -> None:
    keys = (uuid4(), uuid4())
    spaces = {search_space(key, model) for key in keys for model in (OLD, NEW)}
    assert len(spaces) == 4
