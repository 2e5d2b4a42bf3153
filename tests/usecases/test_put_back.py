"""What was destroyed stays destroyed, and what decides is as the service wrote it: attacks by
somebody who reads and writes the whole database, without the master key.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import RowMapping, text

from service.domain.bulk import Place, Row, Unit
from service.domain.callers import Scope
from service.domain.collection import DuplicatePolicy
from service.domain.errors import AuditTampered, FaceError, RecordTampered
from service.domain.face import ImageFiles
from service.domain.integrity import Break, Finding, Flaw, RecordFlaw
from service.domain.search import SearchProblem
from service.search.two_bits import TWO_BITS
from service.search.vector_index import VectorIndex
from service.storage.storage import Storage
from service.usecases.audit import Verified, VerifyAudit
from service.usecases.candidates import find_candidates, shortlist
from service.usecases.enrollment import Mode
from service.usecases.index_sync import IndexSync
from service.usecases.key_rotation import RotateKey
from service.usecases.unlocked_collection import UnlockedCollection, require_collection
from tests.usecases.service_process import CALLER, DEFAULT, Service, Tables
from tests.usecases.stand_ins import embedding_of_photo

State = dict[str, list[RowMapping]]


def audited(service: Service) -> Verified:
    """As `face audit verify` finds it."""
    return VerifyAudit(service.storage, service.vault)()


def flaws(service: Service) -> set[RecordFlaw]:
    verified = audited(service)
    assert verified.log.whole
    return {finding.flaw for finding in verified.findings}


def rotate(service: Service, collection: str = DEFAULT) -> None:
    RotateKey(service.storage, service.vault, service.clock, service.audit)(
        collection, CALLER, lambda *_: None
    )


def put_back(tables: Tables, state: State, *names: str) -> None:
    """The rows of these tables as they were: what is there now goes first."""
    with tables.unguarded() as connection:
        for name in reversed(Tables.NAMES):
            if name in names:
                connection.execute(text(f"DELETE FROM {name}"))
        for name in Tables.NAMES:
            for row in state[name] if name in names else ():
                _insert(connection, name, row)


def _insert(connection: Any, name: str, row: Mapping[Any, Any]) -> None:
    values = {key: json.dumps(v) if isinstance(v, dict) else v for key, v in row.items()}
    casts = {"search": "halfvec", "settings": "jsonb"}
    places = ", ".join(
        f"CAST(:{key} AS {casts[key]})" if key in casts else f":{key}" for key in row
    )
    connection.execute(text(f"INSERT INTO {name} ({', '.join(row)}) VALUES ({places})"), values)


PEOPLE = ("collections", "collection_keys", "collection_writes", "subjects", "templates")
"""All that one collection consists of."""


@pytest.fixture
def enrolled(service: Service) -> Service:
    service.enroll("kim", "kim:1")
    return service


def test_untouched_database_is_whole(enrolled: Service) -> None:
    enrolled.put("shop")
    enrolled.api_keys.create("till", [Scope.VERIFY])
    rotate(enrolled)
    enrolled.collections.delete("shop", CALLER)
    assert audited(enrolled).whole


def test_rows_and_key_put_back_after_a_rotation_match_nobody(
    enrolled: Service, tables: Tables
) -> None:
    before = tables.content()
    rotate(enrolled)
    put_back(tables, before, *PEOPLE)
    for ask in (
        lambda: enrolled.verify("kim", "kim:2"),
        lambda: enrolled.search("kim:2"),
        lambda: enrolled.enroll("kim2", "kim:2"),
        lambda: enrolled.export("kim"),
    ):
        with pytest.raises(RecordTampered):
            ask()
    assert flaws(enrolled) == {RecordFlaw.CHANGED}


def test_destroyed_key_put_back_as_retiring_opens_nothing(
    enrolled: Service, tables: Tables
) -> None:
    (old,) = tables.rows("SELECT * FROM collection_keys")
    (row,) = tables.rows("SELECT * FROM templates")
    rotate(enrolled)
    with tables.unguarded() as connection:
        _insert(connection, "collection_keys", {**old, "state": "retiring"})
        connection.execute(text("DELETE FROM templates"))
        _insert(connection, "templates", row)
    with pytest.raises(RecordTampered):
        enrolled.verify("kim", "kim:2")
    assert flaws(enrolled) >= {RecordFlaw.CHANGED}


def test_deleted_collection_put_back_is_not_served(service: Service, tables: Tables) -> None:
    service.put("shop")
    service.enroll("kim", "kim:1", collection="shop")
    before = tables.content()
    service.collections.delete("shop", CALLER)
    put_back(tables, before, *PEOPLE)
    for ask in (
        lambda: service.verify("kim", "kim:2", collection="shop"),
        lambda: service.search("kim:2", collection="shop"),
        lambda: service.collections.show("shop"),
    ):
        with pytest.raises(RecordTampered):
            ask()
    assert flaws(service) >= {RecordFlaw.PUT_BACK}


def test_removed_collection_is_missed(service: Service, tables: Tables) -> None:
    its_id = service.put("shop").collection.collection_id
    tables.change("DELETE FROM collections WHERE name = 'shop'")
    assert audited(service).findings == [Finding(f"collection {its_id}", RecordFlaw.GONE)]


def test_older_registry_does_not_fit_the_head(enrolled: Service, tables: Tables) -> None:
    before = tables.content()
    rotate(enrolled)
    put_back(tables, before, *PEOPLE, "registry")
    with pytest.raises(AuditTampered):
        enrolled.verify("kim", "kim:2")
    assert audited(enrolled).findings == [Finding("registry", RecordFlaw.CHANGED)]


def test_older_head_is_noticed_by_a_process_that_saw_a_newer_one(
    enrolled: Service, tables: Tables, database_url: str
) -> None:
    """Everything is put back, the log included: only who remembers can tell."""
    before = tables.content()
    rotate(enrolled)
    enrolled.verify("kim", "kim:2")
    put_back(tables, before, *Tables.NAMES)
    with pytest.raises(AuditTampered):
        enrolled.verify("kim", "kim:2")
    assert audited(enrolled).whole  # which is why checkpoints are noted elsewhere
    fresh = Storage(database_url, enrolled.clock, lambda: enrolled.vault)
    newcomer = Service(fresh, enrolled.vault, enrolled.engine, enrolled.capture, enrolled.clock)
    assert newcomer.verify("kim", "kim:2").decision.match  # as after a failover that lost the rest
    fresh.close()


def test_older_head_before_a_longer_log_lets_nothing_be_written(
    enrolled: Service, tables: Tables, database_url: str
) -> None:
    """By a process that has just started."""
    before = tables.content()
    rotate(enrolled)
    put_back(tables, before, *PEOPLE, "registry", "audit_head")
    fresh = Storage(database_url, enrolled.clock, lambda: enrolled.vault)
    newcomer = Service(fresh, enrolled.vault, enrolled.engine, enrolled.capture, enrolled.clock)
    with pytest.raises(AuditTampered):
        newcomer.verify("kim", "kim:2")
    found = audited(newcomer).log.broken
    assert found is not None
    assert found.flaw is Flaw.BEYOND_END
    fresh.close()


def test_log_emptied_beside_people_is_cut_off(enrolled: Service, tables: Tables) -> None:
    with tables.unguarded() as connection:
        for name in ("audit", "audit_head", "registry"):
            connection.execute(text(f"DELETE FROM {name}"))
    assert audited(enrolled).log.broken == Break(0, Flaw.CUT_OFF)
    before = tables.content()
    for ask in (
        lambda: enrolled.verify("kim", "kim:2"),
        lambda: enrolled.put("shop"),
        lambda: enrolled.api_keys.create("till", [Scope.VERIFY]),
        lambda: enrolled.collections.ensure_default(),
    ):
        with pytest.raises(AuditTampered):
            ask()
    assert tables.content() == before


SETTINGS: dict[str, str] = {
    "threshold": "UPDATE collections SET settings = jsonb_set(settings, '{thresholds}',"
    " '{\"balanced\": 0.1}')",
    "duplicate policy": "UPDATE collections SET settings ="
    " jsonb_set(settings, '{duplicate_policy}', '\"allow\"')",
    "no such policy": "UPDATE collections SET settings ="
    " jsonb_set(settings, '{duplicate_policy}', '\"any\"')",
    "retention": "UPDATE collections SET settings = jsonb_set(settings, '{retention_days}', '1')",
    "false candidates": "UPDATE collections SET settings ="
    " jsonb_set(settings, '{max_false_candidates}', '1')",
    "liveness": "UPDATE collections SET settings ="
    " jsonb_set(settings, '{require_liveness}', '\"both\"')",
    "a setting removed": "UPDATE collections SET settings = settings - 'thresholds'",
    "model": "UPDATE collections SET model_id = 'other@sha256:0'",
    "next model": "UPDATE collections SET next_model_id = 'other@sha256:0'",
    "retiring model": "UPDATE collections SET retiring_model_id = model_id",
    "name": "UPDATE collections SET name = 'moved' || name",
}


@pytest.mark.parametrize("change", SETTINGS)
def test_changed_settings_are_not_decided_by(
    enrolled: Service, tables: Tables, change: str
) -> None:
    tables.change(SETTINGS[change])
    name = f"moved{DEFAULT}" if change == "name" else DEFAULT
    with pytest.raises(RecordTampered):
        enrolled.verify("kim", "kim:2", collection=name)
    with pytest.raises(RecordTampered):
        enrolled.enroll("kim2", "kim:2", collection=name)
    assert flaws(enrolled) <= {RecordFlaw.CHANGED, RecordFlaw.GONE}
    assert not audited(enrolled).whole


def test_collections_that_exchanged_their_names_are_found_out(
    enrolled: Service, tables: Tables
) -> None:
    enrolled.put("shop", duplicate_policy=DuplicatePolicy.ALLOW)
    with tables.unguarded() as connection:
        for old, new in (("shop", "x"), (DEFAULT, "shop"), ("x", DEFAULT)):
            rename = text("UPDATE collections SET name = :new WHERE name = :old")
            connection.execute(rename, {"old": old, "new": new})
    with pytest.raises(RecordTampered):
        enrolled.verify("kim", "kim:2", collection="shop")
    assert flaws(enrolled) == {RecordFlaw.CHANGED}


API_KEYS: dict[str, str] = {
    "scopes": "UPDATE api_keys SET scopes = '{admin}'",
    "no such scope": "UPDATE api_keys SET scopes = '{everything}'",
    "collections": "UPDATE api_keys SET collections = '{}'",
    "expiry": "UPDATE api_keys SET expires_at = expires_at + interval '1 year'",
    "its secret": "UPDATE api_keys SET secret_hash = sha256('mine')",
    "name": "UPDATE api_keys SET name = 'another'",
}


@pytest.mark.parametrize("change", API_KEYS)
def test_changed_api_key_lets_nobody_in(service: Service, tables: Tables, change: str) -> None:
    expires = service.clock() + timedelta(days=1)
    key = service.api_keys.create("till", [Scope.VERIFY], ["shop"], expires).key
    service.api_keys.authenticate(key)
    tables.change(API_KEYS[change])
    with pytest.raises(FaceError) as refused:
        service.api_keys.authenticate(key)
    assert refused.value.code in ("record_tampered", "unauthenticated")
    assert not audited(service).whole


def test_revocation_taken_back_lets_nobody_in(service: Service, tables: Tables) -> None:
    key = service.api_keys.create("till", [Scope.VERIFY]).key
    service.api_keys.revoke("till")
    tables.change("UPDATE api_keys SET revoked_at = NULL")
    with pytest.raises(RecordTampered):
        service.api_keys.authenticate(key)
    assert flaws(service) == {RecordFlaw.CHANGED}


def test_forged_api_key_lets_nobody_in(service: Service, tables: Tables) -> None:
    """A key of one's own under another id, with the right hash."""
    key = service.api_keys.create("till", [Scope.VERIFY]).key
    (row,) = tables.rows("SELECT * FROM api_keys")
    forged = "0" * 16
    tables.change(
        "INSERT INTO api_keys SELECT :id, 'forged', scopes, collections, secret_hash, created_at"
        " FROM api_keys",
        id=forged,
    )
    with pytest.raises(RecordTampered):
        service.api_keys.authenticate(key.replace(row["key_id"], forged))
    assert audited(service).findings == [Finding(f"api_key {forged}", RecordFlaw.PUT_BACK)]


def test_alarm_names_the_record(
    enrolled: Service, tables: Tables, caplog: pytest.LogCaptureFixture
) -> None:
    tables.change(SETTINGS["threshold"])
    with pytest.raises(RecordTampered):
        enrolled.verify("kim", "kim:2")
    (row,) = tables.rows("SELECT collection_id FROM collections")
    assert f"record_tampered: collection {row['collection_id']}" in caplog.text


def test_change_by_the_service_itself_is_no_alarm_to_calls_under_way(service: Service) -> None:
    """Settings, keys and people in turns: each reads what the one before entered."""
    changes: list[Callable[[], object]] = [
        lambda: service.put(duplicate_policy=DuplicatePolicy.FLAG),
        lambda: service.api_keys.create("till", [Scope.VERIFY]),
        lambda: rotate(service),
        lambda: service.api_keys.revoke("till"),
    ]
    service.enroll("kim", "kim:1")
    for change in changes:
        change()
        assert service.verify("kim", "kim:2").decision.match
    assert audited(service).whole


def test_deleted_person_put_back_is_not_found_again(enrolled: Service, tables: Tables) -> None:
    before = tables.content()
    enrolled.erase("kim")
    put_back(tables, before, *PEOPLE[2:])
    for ask in (
        lambda: enrolled.verify("kim", "kim:2"),
        lambda: enrolled.search("kim:2"),
        lambda: enrolled.enroll("kim2", "kim:2"),
        lambda: enrolled.enroll("kim", "kim:2"),
        lambda: enrolled.export("kim"),
        lambda: enrolled.subjects.show("kim", DEFAULT),
    ):
        with pytest.raises(RecordTampered):
            ask()
    assert flaws(enrolled) == {RecordFlaw.CHANGED}
    assert audited(enrolled).findings[0].some == ("kim",)
    enrolled.erase("kim")  # which is the way out
    assert audited(enrolled).whole
    assert enrolled.enroll("kim", "kim:2")


@pytest.mark.parametrize("mode", [Mode.ADD, Mode.REPLACE])
def test_earlier_template_put_back_matches_nobody(
    enrolled: Service, tables: Tables, mode: Mode
) -> None:
    before = tables.content()
    enrolled.enroll("kim", "kim:2", mode=mode)
    after = tables.content()
    put_back(tables, before, *PEOPLE[2:])
    with pytest.raises(RecordTampered):
        enrolled.verify("kim", "kim:1")
    put_back(tables, {**after, "templates": before["templates"]}, *PEOPLE[2:])
    with pytest.raises(RecordTampered):
        enrolled.verify("kim", "kim:1")
    put_back(tables, after, *PEOPLE[2:])
    assert enrolled.verify("kim", "kim:1").decision.match


def test_removed_template_is_missed(enrolled: Service, tables: Tables) -> None:
    tables.change("DELETE FROM templates WHERE subject_id = 'kim'")
    with pytest.raises(RecordTampered):
        enrolled.verify("kim", "kim:1")
    assert flaws(enrolled) == {RecordFlaw.CHANGED}


def test_removed_person_is_missed(enrolled: Service, tables: Tables) -> None:
    tables.change("DELETE FROM subjects")
    assert Finding("people", RecordFlaw.GONE) in audited(enrolled).findings


def test_people_of_a_deleted_collection_are_not_missed(enrolled: Service) -> None:
    enrolled.put("shop")
    enrolled.enroll("lee", "lee:1", collection="shop")
    enrolled.collections.delete("shop", CALLER)
    enrolled.put("shop")
    enrolled.enroll("lee", "lee:1", collection="shop")
    assert audited(enrolled).whole


TERMS: dict[str, str] = {
    "longer": "UPDATE subjects SET expires_at = expires_at + interval '1 year'",
    "for ever": "UPDATE subjects SET expires_at = NULL",
    "over": "UPDATE subjects SET expires_at = enrolled_at",
    "enrolled later": "UPDATE subjects SET enrolled_at = enrolled_at + interval '1 year'",
    "enrolled earlier": "UPDATE subjects SET enrolled_at = enrolled_at - interval '1 year'",
    "without consent": "UPDATE subjects SET consent = NULL",
    "without metadata": "UPDATE subjects SET metadata = NULL",
    "of another change": "UPDATE subjects SET change = NULL",
    "seal": "UPDATE subjects SET seal = sha256(seal)",
}


@pytest.mark.parametrize("change", TERMS)
def test_changed_terms_neither_prolong_nor_shorten(
    service: Service, tables: Tables, change: str
) -> None:
    service.put(retention_days=30)
    service.enroll(
        "kim",
        "kim:1",
        expires_at=service.clock() + timedelta(days=1),
        consent_reference="form-1",
        metadata={"door": 1},
    )
    tables.change(TERMS[change])
    for ask in (
        lambda: service.verify("kim", "kim:2"),
        lambda: service.search("kim:2"),
        lambda: service.enroll("kim2", "kim:2"),
        lambda: service.subjects.show("kim", DEFAULT),
    ):
        with pytest.raises(RecordTampered):
            ask()
    assert flaws(service) == {RecordFlaw.CHANGED}
    assert list(service.purge.batches(wait=True, confirmed=[DEFAULT])) == []
    assert len(tables.rows("SELECT * FROM subjects")) == 1


def test_altered_rows_do_not_keep_others_from_being_purged(
    service: Service, tables: Tables
) -> None:
    service.enroll("a", "kim:1")
    service.enroll("b", "lee:1", expires_at=service.clock() + timedelta(days=1))
    tables.change("UPDATE subjects SET expires_at = enrolled_at WHERE subject_id = 'a'")
    service.clock.advance(timedelta(days=2))
    removed = [batch.removed for batch in service.purge.batches(wait=True, confirmed=[DEFAULT])]
    assert sum(removed) == 1
    assert [row["subject_id"] for row in tables.rows("SELECT * FROM subjects")] == ["a"]


MOVED_AWAY = (
    "UPDATE templates SET search = array_fill(0, ARRAY[512])::halfvec WHERE subject_id = 'kim'"
)


def test_person_whose_search_vector_was_moved_away_is_not_enrolled_twice(
    enrolled: Service, tables: Tables
) -> None:
    """And so leaves a trace before it is moved back."""
    before = tables.content()
    tables.change(MOVED_AWAY)
    for ask in (
        lambda: enrolled.enroll("kim2", "kim:2"),
        lambda: enrolled.search("kim:2"),
        lambda: enrolled.bulk([Row(Place(Unit.LINE, 1), "kim2", ImageFiles(("kim:2",)))]),
    ):
        with pytest.raises(RecordTampered):
            ask()
    assert flaws(enrolled) == {RecordFlaw.CHANGED}
    put_back(tables, before, "templates")
    assert audited(enrolled).whole
    assert enrolled.found("kim:2") == ["kim"]


HIDDEN = {
    "removed": "DELETE FROM templates WHERE subject_id = 'kim'",
    "at another position": "UPDATE templates SET row_sequence = -1 WHERE subject_id = 'kim'",
    "of another template": "UPDATE templates SET template_id = gen_random_uuid()"
    " WHERE subject_id = 'kim'",
    "with another tag": "UPDATE templates SET tag = '' WHERE subject_id = 'kim'",
    "write mark": "UPDATE collection_writes SET deleted_count = deleted_count + 1",
}


@pytest.mark.parametrize("change", HIDDEN)
def test_hidden_row_is_missed_by_a_search(enrolled: Service, tables: Tables, change: str) -> None:
    enrolled.enroll("lee", "lee:1")
    tables.change(HIDDEN[change])
    with pytest.raises(RecordTampered):
        enrolled.search("park:1")
    with pytest.raises(RecordTampered):
        enrolled.enroll("park", "park:1")
    assert not audited(enrolled).whole


@pytest.mark.parametrize("change", HIDDEN)
def test_operator_clears_up_by_a_deletion_and_a_rotation(
    enrolled: Service, tables: Tables, change: str
) -> None:
    enrolled.enroll("lee", "lee:1")
    tables.change(HIDDEN[change])
    if change == "write mark":
        rotate(enrolled)
    enrolled.erase("kim")
    rotate(enrolled)
    assert audited(enrolled).whole
    assert enrolled.enroll("kim", "kim:1")
    assert enrolled.found("lee:2") == ["lee"]


@pytest.mark.parametrize("change", [MOVED_AWAY, HIDDEN["removed"]])
def test_rows_altered_behind_a_memory_are_told_by_searches(
    enrolled: Service, tables: Tables, change: str
) -> None:
    index = VectorIndex(2**30, TWO_BITS, workers=1)
    keep = IndexSync(enrolled.storage, index, worth_holding=1)
    enrolled.enroll("lee", "lee:1")
    keep()
    probe = embedding_of_photo("kim:2")

    def found() -> list[str]:
        with enrolled.storage.transaction() as tx:
            people = UnlockedCollection.unlock(require_collection(tx, DEFAULT), enrolled.vault)
            among = shortlist(tx, people, probe, 0.4, index)
            return [one.subject_id for one in find_candidates(tx, people, probe, 0.4, 5, among)]

    assert found() == ["kim"]
    before = tables.content()
    tables.change(change)
    with pytest.raises(RecordTampered):
        found()
    put_back(tables, before, "templates")
    assert found() == ["kim"]


def test_altered_row_is_not_held_in_memory_and_its_collection_not_searched(
    enrolled: Service, tables: Tables
) -> None:
    index = VectorIndex(2**30, TWO_BITS, workers=1)
    keep = IndexSync(enrolled.storage, index, worth_holding=1)
    tables.change(MOVED_AWAY)
    keep()
    assert index.state().problem is SearchProblem.TAMPERED
    with enrolled.storage.transaction() as tx:
        people = UnlockedCollection.unlock(require_collection(tx, DEFAULT), enrolled.vault)
        with pytest.raises(RecordTampered):
            shortlist(tx, people, embedding_of_photo("lee:1"), 0.4, index)
    enrolled.erase("kim")
    keep()
    assert index.state().problem is None
