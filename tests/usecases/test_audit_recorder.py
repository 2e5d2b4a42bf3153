"""Every change and decision is written down in its own transaction, and every refusal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import RowMapping, text

from service.domain.audit import REQUEST_ID
from service.domain.callers import Scope
from service.domain.errors import (
    AuditTampered,
    CollectionNotFound,
    DuplicateSubject,
    FaceError,
    SubjectLocked,
    SubjectMismatch,
    SubjectNotFound,
    TemplateTampered,
)
from service.usecases.enrollment import Mode
from tests.usecases.service_process import CALLER, DEFAULT, LONG_ID, Service, Tables

PSEUDONYM_BYTES = 32


def _pseudonym(service: Service, subject_id: str) -> bytes:
    collection = service.collections.show(DEFAULT).collection
    names = service.vault.unlock_pseudonyms(collection.collection_id, collection.keys)
    return names.pseudonym(subject_id)


def _last(tables: Tables) -> RowMapping:
    return tables.rows("SELECT * FROM audit ORDER BY sequence DESC LIMIT 1")[0]


def test_life_of_a_person_is_written_down_in_order(service: Service, tables: Tables) -> None:
    service.enroll("kim", "kim:1")
    service.enroll("kim", "kim:2", mode=Mode.ADD)
    service.enroll("kim", "kim:3", mode=Mode.REPLACE)
    service.erase("kim")
    rows = tables.rows("SELECT * FROM audit ORDER BY sequence")
    assert [row["action"] for row in rows] == ["enroll", "add", "replace", "erase"]
    assert {row["subject"] for row in rows} == {_pseudonym(service, "kim")}
    assert {(row["caller"], row["collection"], row["at"]) for row in rows} == {
        (CALLER, DEFAULT, service.clock.now)
    }


def test_subject_is_a_keyed_hash_and_never_the_name(service: Service, tables: Tables) -> None:
    service.enroll(LONG_ID, "kim:1")
    service.enroll("lee", "lee:1")
    first, second = tables.rows("SELECT * FROM audit")
    assert first["subject"] != second["subject"]
    assert len(first["subject"]) == PSEUDONYM_BYTES
    assert LONG_ID not in repr(first)


def test_hash_of_one_name_differs_between_collections(service: Service, tables: Tables) -> None:
    service.put("shop")
    for collection in (DEFAULT, "shop"):
        service.enroll("kim", "kim:1", collection=collection)
    rows = tables.rows("SELECT subject FROM audit WHERE action = 'enroll'")
    assert len({row["subject"] for row in rows}) == 2


def test_changes_of_collections_and_keys_are_written_down(service: Service, tables: Tables) -> None:
    service.put("shop")
    service.collections.delete("shop", CALLER)
    service.api_keys.create("till", [Scope.VERIFY], caller="office")
    service.api_keys.revoke("till", caller="office")
    rows = tables.rows("SELECT action, caller, collection FROM audit ORDER BY sequence")
    assert [tuple(row.values()) for row in rows] == [
        ("collection_set", CALLER, "shop"),
        ("collection_erase", CALLER, "shop"),
        ("api_key_create", "office", None),
        ("api_key_revoke", "office", None),
    ]


REFUSALS: dict[str, tuple[Callable[[Service], object], str, str]] = {
    "name that is taken": (
        lambda service: service.enroll("kim", "kim:2"),
        "enroll",
        "subject_exists",
    ),
    "stranger": (
        lambda service: service.enroll("kim", "lee:1", mode=Mode.ADD),
        "add",
        "subject_mismatch",
    ),
    "duplicate": (lambda service: service.enroll("kim", "lee:2"), "enroll", "duplicate_subject"),
    "no face": (lambda service: service.enroll("kim", "no_face"), "enroll", "no_usable_face"),
    "nobody to erase": (lambda service: service.erase("park"), "erase", "subject_not_found"),
    "nobody to verify": (
        lambda service: service.verify("park", "kim"),
        "verify",
        "subject_not_found",
    ),
    "no such profile": (
        lambda service: service.search("kim:1", profile="paranoid"),
        "search",
        "profile_not_found",
    ),
}
"""What is asked, as which action it is written down, and with which outcome."""

FAILURES: dict[str, Callable[[Service], object]] = {
    "no such profile": lambda service: service.put("shop", duplicate_profile="paranoid"),
    "no such collection": lambda service: service.collections.delete("nowhere", CALLER),
    "key that exists": lambda service: service.api_keys.create("till", [Scope.TOKEN]),
    "no such key": lambda service: service.api_keys.revoke("door"),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_refused_call_is_written_down_and_changes_nothing_else(
    service: Service, tables: Tables, refusal: str
) -> None:
    call, action, outcome = REFUSALS[refusal]
    service = replace(
        service, rules=replace(service.rules, after=0)
    )  # a stranger is counted otherwise
    if outcome != "duplicate_subject":
        service.enroll("kim", "kim:1")
    service.enroll("lee", "lee:1")
    before = tables.beside_the_log()
    with pytest.raises(FaceError):
        call(service)
    assert tables.beside_the_log() == before
    last = _last(tables)
    assert (last["action"], last["outcome"]) == (action, outcome)
    assert (last["caller"], last["collection"], last["at"]) == (CALLER, DEFAULT, service.clock.now)


def test_stranger_is_counted_and_written_down(service: Service, tables: Tables) -> None:
    service.enroll("kim", "kim:1")
    with pytest.raises(SubjectMismatch):
        service.enroll("kim", "lee:1", mode=Mode.ADD)
    assert [row["refusals"] for row in tables.rows("SELECT refusals FROM failed_comparisons")] == [
        1
    ]
    assert (_last(tables)["action"], _last(tables)["outcome"]) == ("add", "subject_mismatch")


def test_refused_person_is_a_keyed_hash(service: Service, tables: Tables) -> None:
    service.enroll("kim", "kim:1")
    with pytest.raises(DuplicateSubject):
        service.enroll("kim2", "kim:1")
    assert _last(tables)["subject"] == _pseudonym(service, "kim2")


def test_refusal_in_a_collection_that_does_not_exist_names_nobody(
    service: Service, tables: Tables
) -> None:
    with pytest.raises(CollectionNotFound):
        service.verify("kim", "kim:1", collection="nowhere")
    last = _last(tables)
    assert (last["collection"], last["subject"]) == ("nowhere", None)


def test_withdrawal_that_is_refused_is_written_down_as_one(
    service: Service, tables: Tables
) -> None:
    with pytest.raises(SubjectNotFound):
        service.withdraw_consent("park")
    last = _last(tables)
    assert (last["action"], last["outcome"]) == ("consent_withdrawn", "subject_not_found")
    assert last["subject"] == _pseudonym(service, "park")


def test_locked_subject_is_written_down_and_so_is_every_try(
    service: Service, tables: Tables
) -> None:
    strict = replace(service, rules=replace(service.rules, after=1))
    strict.enroll("kim", "kim:1")
    strict.verify("kim", "lee:1")
    for _ in range(2):
        with pytest.raises(SubjectLocked):
            strict.verify("kim", "kim:2")
    with pytest.raises(SubjectLocked):
        strict.enroll("kim", "kim:2", mode=Mode.ADD)
    rows = tables.rows("SELECT action, outcome, subject FROM audit ORDER BY sequence")
    assert [(row["action"], row["outcome"]) for row in rows] == [
        ("enroll", "done"),
        ("verify", "no_match"),
        ("verify", "subject_locked"),
        ("verify", "subject_locked"),
        ("add", "subject_locked"),
    ]
    assert {row["subject"] for row in rows} == {_pseudonym(service, "kim")}


def test_altered_template_is_written_down(service: Service, tables: Tables) -> None:
    service.enroll("kim", "kim:1")
    tables.change("UPDATE templates SET sealed = 'x'")
    with pytest.raises(TemplateTampered):
        service.verify("kim", "kim:2")
    assert _last(tables)["outcome"] == "template_tampered"


@pytest.mark.parametrize(("probe", "outcome"), [("kim:2", "match"), ("lee:1", "no_match")])
def test_verification_is_written_down_with_its_outcome(
    service: Service, tables: Tables, probe: str, outcome: str
) -> None:
    service.enroll("kim", "kim:1")
    service.verify("kim", probe)
    last = _last(tables)
    assert (last["action"], last["outcome"]) == ("verify", outcome)
    assert last["subject"] == _pseudonym(service, "kim")


@pytest.mark.parametrize(("probe", "outcome"), [("kim:2", "match"), ("lee:1", "no_match")])
def test_search_is_written_down_and_names_nobody(
    service: Service, tables: Tables, probe: str, outcome: str
) -> None:
    service.enroll("kim", "kim:1")
    service.search(probe)
    last = _last(tables)
    assert (last["action"], last["outcome"], last["subject"]) == ("search", outcome, None)


def test_decisions_can_be_left_out_and_refusals_not(service: Service, tables: Tables) -> None:
    quiet = replace(service, decisions=False)
    quiet.enroll("kim", "kim:1")
    quiet.verify("kim", "kim:2")
    quiet.search("kim:2")
    assert [row["action"] for row in tables.rows("SELECT action FROM audit")] == ["enroll"]
    with pytest.raises(SubjectNotFound):
        quiet.verify("lee", "lee:1")
    assert _last(tables)["outcome"] == "subject_not_found"


def test_request_under_way_is_noted(service: Service, tables: Tables) -> None:
    before = REQUEST_ID.set("request-1")
    service.enroll("kim", "kim:1")
    REQUEST_ID.reset(before)
    service.erase("kim")
    rows = tables.rows("SELECT request_id FROM audit ORDER BY sequence")
    assert [row["request_id"] for row in rows] == ["request-1", None]


def test_refusal_that_cannot_be_written_down_is_not_given(service: Service, tables: Tables) -> None:
    """Whoever probes must not get answers that leave no trace."""
    service.enroll("kim", "kim:1")
    with tables.unguarded() as connection:
        connection.execute(text("UPDATE audit_head SET seal = 'x'"))
    for call in (lambda: service.enroll("kim", "kim:2"), lambda: service.verify("kim", "kim:2")):
        with pytest.raises(AuditTampered):
            call()


@pytest.mark.parametrize("failure", FAILURES)
def test_failed_change_of_settings_or_keys_is_not_written_down(
    service: Service, tables: Tables, failure: str
) -> None:
    service.api_keys.create("till", [Scope.TOKEN])
    before = tables.content()["audit"]
    with pytest.raises(FaceError):
        FAILURES[failure](service)
    assert tables.content()["audit"] == before


def test_looking_at_a_record_is_not_written_down(service: Service, tables: Tables) -> None:
    service.enroll("kim", "kim:1")
    before = tables.content()
    service.subjects.show("kim", DEFAULT)
    service.subjects.page(DEFAULT, 10, None)
    assert tables.content() == before
