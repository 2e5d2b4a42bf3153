"""A person gets another id, and keeps all else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from service.domain.errors import (
    CollectionNotFound,
    IdempotencyConflict,
    RecordTampered,
    SubjectExists,
    SubjectLocked,
    SubjectNotFound,
    TemplateTampered,
)
from service.domain.integrity import RecordFlaw
from service.search.two_bits import TWO_BITS
from service.search.vector_index import VectorIndex
from service.usecases.enrollment import Mode
from service.usecases.index_sync import IndexSync
from service.usecases.key_rotation import RotateKey
from service.usecases.subjects import ChangedSubject
from tests.usecases.concurrent_calls import outcomes
from tests.usecases.service_process import CALLER, DEFAULT, LONG_ID, RULES, Service, Tables
from tests.usecases.stand_ins import NextEngine
from tests.usecases.test_put_back import PEOPLE, audited, flaws, put_back

DAY = timedelta(days=1)
TERMS = {"metadata": {"door": 1}, "consent_reference": "form 1"}


@pytest.fixture
def kim(service: Service) -> Service:
    """Kim, of two photographs, with terms, a refused face and an earlier answer."""
    until = service.clock.now + 60 * DAY
    service.enroll("kim", "kim", expires_at=until, idempotency_key="order-1", **TERMS)
    service.clock.advance(DAY)
    service.enroll("kim", "kim:1", mode=Mode.ADD)
    service.verify("kim", "lee")
    return service


def test_renamed_person_is_verified_and_found_by_the_new_id_alone(kim: Service) -> None:
    kim.rename("kim", "kim.lee")
    assert kim.verify("kim.lee", "kim:2").decision.match
    assert kim.found("kim:2") == ["kim.lee"]
    with pytest.raises(SubjectNotFound):
        kim.verify("kim", "kim:2")
    with pytest.raises(SubjectNotFound):
        kim.subjects.show("kim", DEFAULT)


def test_everything_but_the_id_stays_as_it_was(kim: Service) -> None:
    before = kim.export("kim")
    kim.rename("kim", "lee")
    after = kim.export("lee")
    for name in ("enrolled_at", "expires_at", "consent_reference", "metadata", "refusals"):
        assert getattr(after, name) == getattr(before, name), name
    (old,), (new,) = before.templates, after.templates
    assert (new.template_id, new.created_at, new.samples) == (
        old.template_id,
        old.created_at,
        old.samples,
    )
    assert new.embedding.tolist() == old.embedding.tolist()


def test_answer_is_the_person_as_they_are_shown(kim: Service) -> None:
    renamed = kim.rename("kim", "lee")
    assert renamed.details == kim.subjects.show("lee", DEFAULT)
    assert renamed.audit_id == kim.export("lee").audit[-2].audit_id


def test_renamed_person_can_go_on(kim: Service) -> None:
    """Renamed again, back, added to, erased."""
    for old, new in (("kim", "lee"), ("lee", "kim"), ("kim", "lee")):
        kim.rename(old, new)
    kim.enroll("lee", "kim:2", mode=Mode.ADD)
    assert kim.erase("lee").templates_deleted == 1
    assert audited(kim).whole


def test_old_id_is_free_for_somebody_else(kim: Service) -> None:
    kim.rename("kim", "lee")
    kim.enroll("kim", "another")
    assert not kim.verify("kim", "kim:1").decision.match
    assert [one.action for one in kim.export("kim").audit] == ["enroll", "verify", "export"]
    assert audited(kim).whole


def test_new_id_must_be_free(kim: Service, tables: Tables) -> None:
    kim.enroll("lee", "lee")
    before = tables.beside_the_log()
    for to in ("lee", "kim"):
        with pytest.raises(SubjectExists):
            kim.rename("kim", to)
    assert tables.beside_the_log() == before


def test_somebody_expired_makes_room(kim: Service) -> None:
    kim.enroll("lee", "lee", expires_at=kim.clock.now + DAY)
    kim.clock.advance(2 * DAY)
    kim.rename("kim", "lee")
    assert kim.verify("lee", "kim:1").decision.match
    assert audited(kim).whole


def test_only_who_is_enrolled_is_renamed(kim: Service) -> None:
    with pytest.raises(CollectionNotFound):
        kim.rename("kim", "lee", "nowhere")
    kim.clock.advance(60 * DAY)
    for nobody in ("kim", "nobody"):
        with pytest.raises(SubjectNotFound):
            kim.rename(nobody, "lee")


def test_altered_person_is_not_renamed(kim: Service, tables: Tables) -> None:
    tables.change("UPDATE templates SET sealed = set_byte(sealed, 60, get_byte(sealed, 60) # 1)")
    with pytest.raises(TemplateTampered):
        kim.rename("kim", "lee")
    tables.change("UPDATE subjects SET expires_at = NULL")
    with pytest.raises(RecordTampered):
        kim.rename("kim", "lee")


def test_row_put_back_under_the_old_id_is_told(kim: Service, tables: Tables) -> None:
    before = tables.content()
    kim.rename("kim", "lee")
    after = tables.content()
    assert audited(kim).whole
    put_back(tables, before, *PEOPLE[2:])
    for ask in (
        lambda: kim.verify("kim", "kim:2"),
        lambda: kim.search("kim:2"),
        lambda: kim.rename("kim", "park"),
        lambda: kim.export("kim"),
    ):
        with pytest.raises(RecordTampered):
            ask()
    assert flaws(kim) == {RecordFlaw.CHANGED}
    put_back(tables, after, *PEOPLE[2:])
    tables.change("DELETE FROM subjects")
    assert RecordFlaw.GONE in flaws(kim)


def test_locked_person_stays_locked(kim: Service) -> None:
    for number in range(RULES.after - 1):
        kim.verify("kim", f"stranger{number}")
    until = kim.subjects.show("kim", DEFAULT).locked_until
    assert until == kim.clock.now + RULES.lasts
    assert kim.rename("kim", "lee").details.locked_until == until
    with pytest.raises(SubjectLocked):
        kim.verify("lee", "kim:2")


def test_retry_gets_its_own_answer_and_enrolls_nobody_again(kim: Service) -> None:
    until = kim.clock.now + 59 * DAY
    fields = {"expires_at": until, "idempotency_key": "order-1", **TERMS}
    kim.rename("kim", "lee")
    assert kim.enroll("kim", "kim", **fields).subject_id == "kim"  # as it was answered then
    assert kim.found("kim") == ["lee"]
    (answer,) = kim.export("lee").answers
    assert answer.key == "order-1"
    kim.erase("lee")
    with pytest.raises(IdempotencyConflict):
        kim.enroll("kim", "kim", **fields)


def test_export_tells_what_happened_under_earlier_ids(kim: Service) -> None:
    kim.enroll("lee", "lee")  # whose id becomes free, so it is not about Kim
    kim.erase("lee")
    kim.rename("kim", "lee")
    kim.enroll("kim", "somebody")  # nor is this
    kim.rename("lee", "park")
    kim.verify("park", "kim:2")
    told = [one.action for one in kim.export("park").audit]
    assert told == [
        *("enroll", "add", "verify"),
        *("rename", "rename_to", "rename", "rename_to"),
        *("verify", "export"),
    ]


def test_rename_is_written_down_without_names(kim: Service, tables: Tables) -> None:
    kim.rename("kim", LONG_ID)
    rows = tables.rows("SELECT * FROM audit WHERE action LIKE 'rename%' ORDER BY sequence")
    assert [(one["action"], one["caller"]) for one in rows] == [
        ("rename", CALLER),
        ("rename_to", CALLER),
    ]
    assert rows[0]["subject"] != rows[1]["subject"]
    assert LONG_ID not in str(tables.rows("SELECT * FROM audit"))


def test_refusal_is_written_down_about_who_was_to_be_renamed(kim: Service, tables: Tables) -> None:
    with pytest.raises(SubjectExists):
        kim.rename("kim", "kim")
    (row,) = tables.rows("SELECT * FROM audit WHERE action = 'rename'")
    assert row["outcome"] == "subject_exists"
    assert kim.verify("kim", "kim").decision.match  # a refusal is no change


def test_search_in_memory_sees_the_move(kim: Service) -> None:
    index = VectorIndex(1 << 20, TWO_BITS)
    kim.wiring.index = index
    sync = IndexSync(kim.storage, index, worth_holding=0)
    sync()
    kim.rename("kim", "lee")
    assert kim.found("kim:2") == ["lee"]  # from the database, behind what is held
    sync()
    assert kim.found("kim:2") == ["lee"]
    (collection_id,) = index.collections()
    held = index.held(collection_id)
    assert held is not None
    assert held.rows == 1


class Killed(Exception):
    """As a rotation is that has made the new key and moved nothing to it yet."""


def kill(moved: int, total: int) -> None:
    raise Killed


def test_people_of_two_models_and_two_keys_go_as_a_whole(kim: Service) -> None:
    """While people are moved to another model, and a rotation is under way."""
    both = replace(kim, next_engine=NextEngine())
    both.move_model.begin(DEFAULT, CALLER)
    assert both.verify("kim", "kim").decision.match
    rotate = RotateKey(both.storage, both.vault, both.clock, both.audit)
    with pytest.raises(Killed):
        rotate(DEFAULT, CALLER, kill)
    both.rename("kim", "lee")
    assert len(both.export("lee").templates) == 2
    assert both.verify("lee", "kim:1").decision.match
    rotate(DEFAULT, CALLER, lambda *_: None)
    assert both.export("lee").metadata == {"door": 1}
    assert audited(both).whole


def test_of_two_who_want_one_id_one_gets_it(kim: Service) -> None:
    kim.enroll("lee", "lee")
    found = outcomes([lambda: kim.rename("kim", "park"), lambda: kim.rename("lee", "park")])
    assert {type(one) for one in found} == {ChangedSubject, SubjectExists}


def test_beside_a_deletion_a_person_is_renamed_or_gone(kim: Service) -> None:
    renamed, _ = outcomes([lambda: kim.rename("kim", "lee"), lambda: kim.erase("kim")])
    there = kim.found("kim")
    assert there == (["lee"] if isinstance(renamed, ChangedSubject) else [])
    assert audited(kim).whole


def test_exchange_of_two_ids_waits_for_nobody_forever(kim: Service) -> None:
    kim.enroll("lee", "lee")
    found = outcomes(
        [lambda: kim.rename("kim", "lee"), lambda: kim.rename("lee", "kim")]
        + [lambda: kim.verify("kim", "stranger")] * 4
    )
    assert [type(one) for one in found[:2]] == [SubjectExists, SubjectExists]


def test_refused_faces_of_simultaneous_calls_are_not_lost(kim: Service) -> None:
    """Whoever is compared while the id changes is counted before it does, or told that nobody is there."""
    calls: list[Callable[[], object]] = [lambda: kim.verify("kim", "lee") for _ in range(6)]
    found = outcomes([*calls, lambda: kim.rename("kim", "park")])
    refused = sum(not isinstance(one, SubjectNotFound) for one in found[:-1])
    assert kim.export("park").refusals[CALLER].number == 1 + refused
